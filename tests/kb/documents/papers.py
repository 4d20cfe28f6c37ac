"""Documents for tests, made here: PDF by hand, Word by python-docx."""

import io
import zipfile
import zlib
from collections.abc import Sequence

import docx
import pypdf


def pdf(*pages: Sequence[str], streams: Sequence[bytes] = ()) -> bytes:
    """A PDF with these lines on its pages; or with these packed contents, one a page."""
    contents = [zlib.compress(_content(lines)) for lines in pages] or list(streams)
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for at, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >>"
            + f" /Contents {5 + 2 * at} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(content) + content + b"\nendstream")
    return _written(objects)


def _content(lines: Sequence[str]) -> bytes:
    shown = [
        line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") for line in lines
    ]
    return b"BT /F1 11 Tf 50 750 Td 14 TL " + b" ".join(b"(" + line + b") Tj T*" for line in shown) + b" ET"


def _written(objects: Sequence[bytes]) -> bytes:
    body, places = b"%PDF-1.5\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + each + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table
    return body + end + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))


def scan() -> bytes:
    """A PDF whose only page is a picture."""
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(300, 300)
    picture = pypdf.generic.StreamObject()
    names = {"/Type": "/XObject", "/Subtype": "/Image", "/ColorSpace": "/DeviceGray"}
    picture.update({_name(key): _name(value) for key, value in names.items()})
    picture.update({_name(f"/{key}"): pypdf.generic.NumberObject(1) for key in ("Width", "Height")})
    held = pypdf.generic.DictionaryObject({_name("/Im0"): writer._add_object(picture)})
    page[_name("/Resources")] = pypdf.generic.DictionaryObject({_name("/XObject"): held})
    return written(writer)


def _name(text: str) -> pypdf.generic.NameObject:
    return pypdf.generic.NameObject(text)


def locked(password: str) -> bytes:
    """A PDF that this password opens."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(["Trams for all, at night as by day."])))
    writer.encrypt(password, "the owner's", algorithm="RC4-128")
    return written(writer)


def written(writer: pypdf.PdfWriter) -> bytes:
    """The file."""
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def word(*paragraphs: str, cells: Sequence[str] = ()) -> bytes:
    """A Word document with these paragraphs, and a table of one row."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    if cells:
        for cell, text in zip(document.add_table(1, len(cells)).rows[0].cells, cells, strict=True):
            cell.text = text
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def word_with(content: bytes) -> bytes:
    """A Word document whose text is this XML."""
    source, target = zipfile.ZipFile(io.BytesIO(word("x"))), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in source.namelist():
            made.writestr(name, content if name == "word/document.xml" else source.read(name))
    return target.getvalue()
