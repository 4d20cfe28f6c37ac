"""Questions and answers of the expert finder."""

from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, StringConstraints

from schemas.base import Model
from schemas.language import Language
from schemas.search import MAX_OFFSET, MAX_QUERY, FacetCount, Notice, SearchResult

#: Who stands by it that a record proves an expert: ``stated``, only the expert; ``team``, the record's own people; ``staff``,
#: the editorial team; ``record``, it names the expert itself.
Standing = Literal["stated", "team", "staff", "record"]


class Filter(NamedTuple):
    """A property of experts to filter by, and the vocabulary that has its labels; None where they come from elsewhere."""

    name: str
    vocabulary: str | None


#: In the order in which a page shows them.
FILTERS: Final[tuple[Filter, ...]] = (
    Filter("availability", "availability"),
    Filter("spoken", None),
    Filter("topic", "topics"),
    Filter("sdg", "sdgs"),
    Filter("region", "regions"),
    Filter("city", None),
)


class FinderQuery(Model):
    """What somebody needs an expert for. Filters are OR within one name and AND between names."""

    q: Annotated[str, StringConstraints(max_length=MAX_QUERY)] = ""
    lang: Language = "en"
    availability: list[str] = []
    spoken: list[str] = []
    topic: list[str] = []
    sdg: list[str] = []
    region: list[str] = []
    city: list[str] = []
    limit: int = Field(default=10, ge=0, le=100)
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)

    def chosen(self) -> dict[str, list[str]]:
        """The filters that are on, each with its chosen ids."""
        return {each.name: values for each in FILTERS if (values := getattr(self, each.name))}


class Words(Model):
    """A text, and the language that it is really in."""

    text: str
    language: Language


class FoundProof(Model):
    """A record that answers the need and proves the expert."""

    record: SearchResult
    #: What the expert's part in it was, in their words.
    part: Words | None = None
    standing: Standing


class FoundExpert(Model):
    """An expert, and by what they were found: ``proofs``, best first; by the profile alone where there are none."""

    expert: SearchResult
    position: Words | None = None
    organisation: str | None = None
    spoken: list[str] = []
    availability: str | None = None
    proofs: list[FoundProof] = []


class FinderResults(Model):
    """The answer. 0 as ``total`` means that nobody here answers the need."""

    query: FinderQuery
    total: int
    results: list[FoundExpert]
    facets: dict[str, list[FacetCount]]
    took_ms: float
    did_you_mean: str | None = None
    notice: Notice | None = None
