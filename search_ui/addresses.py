"""Addresses of records and of their kinds: ``{segment:segment}`` in a route's path, and back from it to the type; and
``{draft_id:id}``, an id as ``kb.accounts.secrets.new_id`` makes them."""

from typing import Final

from fastapi import Request
from starlette.convertors import Convertor, register_url_convertor

from kb.records.urls import SEGMENTS
from schemas.records import RecordType

#: The type that a part of an address stands for.
KIND_OF: Final[dict[str, RecordType]] = {segment: kind for kind, segment in SEGMENTS.items()}


class _SegmentConvertor(Convertor[str]):
    """``{segment:segment}`` in a route's path: anything else is no kind of record, so 404 and not 422."""

    regex = "|".join(SEGMENTS.values())

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("segment", _SegmentConvertor())


class _IdConvertor(Convertor[str]):
    """``{thread_id:id}`` in a route's path: what cannot be an id is 404 and reaches no database."""

    regex = "[0-9a-f]{32}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _IdConvertor())


def origin_of(request: Request) -> str:
    """The site's address as its readers know it, without a slash at the end."""
    public: str = request.app.state.settings.public_url
    return (public or str(request.base_url)).rstrip("/")
