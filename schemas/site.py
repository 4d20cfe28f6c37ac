"""What administrators set for the whole site, while it runs."""

from pydantic import Field

from schemas.base import Model
from schemas.language import Translated
from schemas.parts import RecordId


class Site(Model):
    """The site's settings. Everything has a default: a new site has none of them set."""

    #: Nothing can be written; everything can be read.
    read_only: bool = False
    #: Above every page, in the reader's language.
    banner: Translated = {}
    #: New accounts wait for staff.
    activation: bool = False
    #: Records on the home page, in this order.
    featured: list[RecordId] = []
    #: Months that a conversation is kept after its last message.
    keep_messages: int = Field(default=24, ge=3, le=120)
