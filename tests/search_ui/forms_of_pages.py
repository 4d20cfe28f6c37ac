"""A page's form as a browser without JavaScript sends it. ``sent(page.text)`` is what would be posted as it stands."""

from html.parser import HTMLParser

Pairs = list[tuple[str, str]]


class _Form(HTMLParser):
    def __init__(self, to: str | None) -> None:
        super().__init__()
        self.pairs: Pairs = []
        self._wanted, self._inside = to, False
        self._select = self._area = ""
        self._text: list[str] = []
        self._option: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("method") == "post" and given.get("action") == self._wanted
        elif self._inside:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") != "file":
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.pairs.append((name, given.get("value", "")))
        elif tag == "select":
            self._select, self._option = name, None
        elif tag == "option" and self._select and (self._option is None or "selected" in given):
            self._option = given.get("value", "")
        elif tag == "textarea":
            self._area, self._text = name, []

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            self.pairs.append((self._area, "".join(self._text).removeprefix("\n")))
            self._area = ""
        elif tag == "select" and self._select:
            if self._option is not None:
                self.pairs.append((self._select, self._option))
            self._select = ""
        elif tag == "form":
            self._inside = False


def sent(page: str, to: str | None = None, /, **changes: str | list[str]) -> dict[str, list[str]]:
    """What the first form that posts to ``to`` (to the page itself without) sends, with some fields changed: dots of
    their names are written as ``__``."""
    form = _Form(to)
    form.feed(page)
    found: dict[str, list[str]] = {}
    for name, value in form.pairs:
        found.setdefault(name, []).append(value)
    for name, value in changes.items():
        found[name.replace("__", ".")] = [value] if isinstance(value, str) else value
    return found
