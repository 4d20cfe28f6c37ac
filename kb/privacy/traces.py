"""Who is being forgotten, and what of a text or of JSON names them."""

import re
from dataclasses import dataclass
from typing import Any, Final

#: What is left out of a contact together with the address that makes it theirs.
_OF_CONTACT: Final = ("name", "email", "phone", "url")


@dataclass(frozen=True)
class Traces:
    """What somebody is known by. ``records`` are ids of records about them, ``token`` stands for nobody."""

    id: str
    email: str
    name: str
    records: frozenset[str]
    token: str

    def words(self) -> list[str]:
        """What a text is looked through for; it names them if it has one of these."""
        return [self.id, self.email, *self.records]

    def ids(self) -> frozenset[str]:
        """Their account's id and those of the records about them."""
        return self.records | {self.id}

    def are_in(self, text: str) -> bool:
        """Whether a text names them; by name only where that has two words, for one word is many people's."""
        full_name = [self.name] if " " in self.name else []
        return any(word.casefold() in text.casefold() for word in [*self.words(), *full_name])

    def out_of(self, value: Any) -> Any:
        """JSON or text without them. A contact with their address goes, as does each entry of a list that leads to a record
        about them; their id becomes the token."""
        if isinstance(value, dict):
            return self._out_of_dict(value)
        if isinstance(value, list):
            return [self.out_of(item) for item in value if not self._leads_to_them(item)]
        return self._out_of_text(value) if isinstance(value, str) else value

    def _out_of_dict(self, value: dict[str, Any]) -> dict[str, Any]:
        address = value.get("email")
        if isinstance(address, str) and address.casefold() == self.email:
            value = {name: part for name, part in value.items() if name not in _OF_CONTACT}
        return {
            name: self.out_of(part)
            for name, part in value.items()
            if not (isinstance(part, str) and part in self.records)
        }

    def _leads_to_them(self, item: Any) -> bool:
        if isinstance(item, dict):
            return any(isinstance(part, str) and part in self.records for part in item.values())
        return isinstance(item, str) and item in self.records

    def _out_of_text(self, text: str) -> str:
        text = text.replace(self.id, self.token)
        return re.sub(re.escape(self.email), "…", text, flags=re.IGNORECASE)
