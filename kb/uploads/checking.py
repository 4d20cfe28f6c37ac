"""What may be taken in: images that decode as what they claim to be, and PDF documents. An image is drawn anew, so that
nothing of the file that was sent is left: no EXIF, no place, no second file behind the picture."""

import io
import threading
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from kb.errors import Invalid
from schemas.messages import N_

#: Bytes of one file.
MAX_BYTES: Final = 9_000_000
#: Pixels of one image: what a camera makes, but not what fills the memory.
MAX_PIXELS: Final = 40_000_000
#: Widths in pixels in which an image is kept, as far as it is that wide.
WIDTHS: Final = (400, 800, 1600)
#: By what each kind of image begins. Others are not even tried: a decoder is a large door.
_BEGINNINGS: Final = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WEBP"}
_QUALITY: Final = 82
#: Images that are decoded at once: memory is what they take.
_AT_ONCE: Final = threading.BoundedSemaphore(2)

_NO_IMAGE: Final = N_(
    "This is no JPEG, PNG, WebP or PDF file, or it is damaged. Save it as one of these and try again."
)


def files_of(content: bytes) -> tuple[str, dict[str, bytes]]:
    """(media type, files by width) for what was uploaded. Raises Invalid, at the field ``upload``, for anything else."""
    if not content:
        raise Invalid(N_("Choose a file first."), field="upload")
    if len(content) > MAX_BYTES:
        raise Invalid(N_("This file is larger than 9 MB. Make it smaller and try again."), field="upload")
    if content.startswith(b"%PDF-"):
        return "application/pdf", {"0": _document(content)}
    kind = next((kind for start, kind in _BEGINNINGS.items() if content.startswith(start)), None)
    if kind is None:
        raise Invalid(_NO_IMAGE, field="upload")
    with _AT_ONCE:
        return "image/webp", _image(content, kind)


def _document(content: bytes) -> bytes:
    """A PDF ends where it says that it ends: what follows would be another file."""
    end = content.rstrip()
    if not end.endswith(b"%%EOF"):
        raise Invalid(
            N_("This PDF file is damaged or has something after its end. Save it anew and try again."), field="upload"
        )
    return content


def _image(content: bytes, kind: str) -> dict[str, bytes]:
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=[kind]) as image:
            warnings.simplefilter("error")
            _refuse_flood(image)
            image.draft("RGB", (WIDTHS[-1], WIDTHS[-1]))  # a JPEG is decoded no larger than it is needed
            return _drawn(image)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, Warning) as error:
        raise Invalid(_NO_IMAGE, field="upload") from error


def _refuse_flood(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Invalid(N_("This image has more than 40 million pixels. Make it smaller and try again."), field="upload")


def _drawn(image: Image.Image) -> dict[str, bytes]:
    upright = ImageOps.exif_transpose(image)
    plain = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
    widths = [width for width in WIDTHS if width < plain.width]
    widths += [min(plain.width, WIDTHS[-1])] if len(widths) < len(WIDTHS) else []
    return {str(width): _written(plain, width) for width in widths}


def _written(image: Image.Image, width: int) -> bytes:
    height = max(round(image.height * width / image.width), 1)
    small = image if width == image.width else image.resize((width, height), Image.Resampling.LANCZOS)
    made = Image.new(small.mode, small.size)  # without what the file said beside its pixels
    made.paste(small)
    target = io.BytesIO()
    made.save(target, "WEBP", quality=_QUALITY)
    return target.getvalue()
