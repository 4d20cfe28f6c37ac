"""Questions and answers of the search, as plain values; and the one table of facets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field, StringConstraints

from schemas.base import Model
from schemas.language import Language
from schemas.records import RecordType

MAX_QUERY = 1_000
MAX_OFFSET = 10_000

Mode = Literal["hybrid", "keyword", "semantic"]
#: Something that a reader of results must know: meaning is not computed yet, or the index is away.
Notice = Literal["meaning-incomplete", "index-away"]
Sort = Literal["relevance", "newest", "oldest", "title", "distance"]


class Facet(NamedTuple):
    """A property to filter by. ``vocabulary`` gives its labels; None where labels come from elsewhere."""

    name: str
    vocabulary: str | None


#: Every facet, in the order in which a page shows them. Filter parameters have the same names.
FACETS: Final[tuple[Facet, ...]] = (
    Facet("type", "record_types"),
    Facet("topic", "topics"),
    Facet("sdg", "sdgs"),
    Facet("target", "sdgs"),
    Facet("gender_theme", "gender_themes"),
    Facet("gender_marker", "gender_markers"),
    Facet("instrument", "instruments"),
    Facet("region", "regions"),
    Facet("country", None),
    Facet("city", None),
    Facet("city_size", "city_sizes"),
    Facet("stage", "stages"),
    Facet("cost_band", "cost_bands"),
    Facet("evidence_level", "evidence_levels"),
    Facet("language", "languages"),
)


class Near(NamedTuple):
    """A circle on the map: degrees, and kilometres from there. Written ``4.6,-74.1,50``."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    km: Annotated[float, Field(gt=0, le=20_100)]


def _read_near(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = value.split(",")
    if len(parts) != 3:
        raise ValueError("write latitude, longitude and kilometres, as 4.6,-74.1,50")
    return parts


class SearchQuery(Model):
    """What somebody asks. Filters are OR within one name and AND between names."""

    q: Annotated[str, StringConstraints(max_length=MAX_QUERY)] = ""
    lang: Language = "en"
    type: list[RecordType] = []
    topic: list[str] = []
    sdg: list[str] = []
    target: list[str] = []
    gender_theme: list[str] = []
    gender_marker: list[str] = []
    instrument: list[str] = []
    region: list[str] = []
    country: list[str] = []
    city: list[str] = []
    city_size: list[str] = []
    stage: list[str] = []
    cost_band: list[str] = []
    evidence_level: list[str] = []
    language: list[str] = []
    year_from: int | None = Field(default=None, ge=1800, le=2100)
    year_to: int | None = Field(default=None, ge=1800, le=2100)
    near: Annotated[Near | None, BeforeValidator(_read_near, json_schema_input_type=str)] = None
    sort: Sort = "relevance"
    mode: Mode = "hybrid"
    limit: int = Field(default=10, ge=0, le=100)
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)

    def chosen(self) -> dict[str, list[str]]:
        """The facets that filter, each with its chosen ids."""
        return {facet.name: values for facet in FACETS if (values := getattr(self, facet.name))}


class Why(Model):
    """Why a record was found: an exact name, words of the question, a tag, a passage close in meaning."""

    exact: bool = False
    words: list[str] = []
    #: Labels of tags, in the asker's language.
    tags: list[str] = []
    #: Closeness in meaning of the best passage, 0 to 1, where meaning spoke for it.
    meaning: float | None = None


class SearchResult(Model):
    """One record. ``snippet`` is HTML-free; matched words stand between ``«mark»`` offsets in ``marks``."""

    id: str
    type: RecordType
    title: str
    #: The language that title and snippet are in.
    language: Language
    url: str
    score: float
    snippet: str
    #: Start and end of each matched word in ``snippet``, in characters.
    marks: list[tuple[int, int]] = []
    why: Why
    #: The record's own language, and all the languages that it can be read in.
    original_language: Language
    languages: list[Language] = []
    city: str | None = None
    country: str | None = None
    year: int | None = None
    sdgs: list[str] = []
    demonstration: bool = False


@dataclass(slots=True)
class FacetCount:
    """How many results have this value, were it chosen too. An answer has hundreds: a model would be checked for each, and what is
    frozen takes twice as long to make."""

    id: str
    label: str
    count: int
    selected: bool = False


class SearchResults(Model):
    """The answer. ``total`` counts what passes the relevance floor; 0 means that nothing here answers it."""

    query: SearchQuery
    total: int
    results: list[SearchResult]
    facets: dict[str, list[FacetCount]]
    took_ms: float
    did_you_mean: str | None = None
    #: Vocabulary terms that the question names, as ids ``vocabulary:id`` with their labels.
    understood: list[tuple[str, str]] = []
    notice: Notice | None = None


class Suggestion(Model):
    """A completion while typing: a record, a vocabulary term or a place, with the page that it leads to."""

    kind: Literal["record", "term", "place"]
    id: str
    label: str
    #: What it is, in the asker's language: "Case study", "Topic", "Country".
    note: str
    url: str


class Point(Model):
    """A result on the map."""

    id: str
    type: RecordType
    title: str
    url: str
    lat: float
    lon: float


JobName = Literal["index", "embed", "rebuild", "check", "tagging"]
JobState = Literal["running", "finished", "failed", "interrupted"]


class JobStatus(Model):
    """The last run of a long job: taking in changes, computing vectors, a rebuild, a comparison with the database,
    suggesting tags."""

    name: JobName
    #: ``interrupted``: it has not ended, and nothing was heard of it for ten minutes.
    state: JobState
    #: Machine and process.
    holder: str
    done: int
    total: int
    started_at: datetime
    seen_at: datetime
    finished_at: datetime | None


class IndexStatus(Model):
    """Where the index stands."""

    records: int
    passages: int
    #: Passages whose vector is there; meaning is complete when it equals ``passages``.
    embedded: int
    #: Edits that the index has not taken in yet.
    waiting: int
    #: Records that the engine did not take; each is tried again when it changes, and at the next comparison.
    refused: int = 0
    model: str
    engine: str
    bytes: int
    #: The last run of each long job.
    jobs: list[JobStatus] = []
