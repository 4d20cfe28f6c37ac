"""What administrators set for the whole site, while it runs."""

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
