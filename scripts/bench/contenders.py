"""Who is measured: each fills what it needs, answers the questions, and says what it holds."""

from collections.abc import Callable, Sequence
from typing import Final

from indexer.search import Search
from kb.db import make_engine
from kb.settings import Settings
from scripts.bench import clients, direct, postgres_rival, server, sqlite_rival, stages
from scripts.bench.figures import Figures, Spread
from scripts.bench.filling import Collection, fill_cluster, fill_embedded, rate, say
from scripts.bench.machine import size_of
from scripts.bench.questions import Asked
from scripts.bench.texts import texts

#: By letter, as the table names them.
NAMES: Final = {
    "a": "(a) embedded",
    "b": "(b) Elasticsearch",
    "c": "(c) ES directly",
    "d": "(d) FTS5+sqlite-vec",
    "e": "(e) PostgreSQL text",
}
#: The most that the 95th percentile of the first may be, as a multiple of that of the second.
GOALS: Final = {("a", "c"): 0.5, ("b", "c"): 1.3}
COMPARED: Final = "1 client, ms"


class Bench:
    """The contenders at one size. ``held``: in words, the stages that hold the slowest answers, by letter."""

    def __init__(self, made: Collection, asked: Sequence[Asked], watch: stages.Stopwatch) -> None:
        self._made, self._asked, self._watch = made, asked, watch
        self.held: dict[str, str] = {}

    def measured(self, letter: str) -> Figures:
        """The figures of one of ``NAMES``."""
        say(self._made.size, f"measuring {NAMES[letter]}")
        work: dict[str, Callable[[], Figures]] = {
            "a": self._embedded, "b": self._cluster, "c": self._direct, "d": self._sqlite, "e": self._postgres,
        }  # fmt: skip
        found = work[letter]()
        say(self._made.size, f"{NAMES[letter]}, {COMPARED}: {found[COMPARED]}")
        return found

    def _embedded(self) -> Figures:
        filled = fill_embedded(self._made)
        found = filled | self._product("a", self._made.embedded())
        folder = self._made.folder
        return found | {"index, MB": size_of(folder / "index"), "database, MB": size_of(folder / "knowledge.db")}

    def _cluster(self) -> Figures:
        filled = fill_cluster(self._made)
        direct.merge(self._made.name)
        found = filled | self._product("b", self._made.cluster())
        return found | direct.held(self._made.name) | postgres_rival.held(self._made.name)

    def _product(self, letter: str, settings: Settings) -> Figures:
        """Over HTTP, then in this process with the stopwatch."""
        queries = [one.query for one in self._asked]
        found = server.measured(settings, queries)
        say(self._made.size, "stages")
        database, search = make_engine(settings), Search(settings)
        search.prepare()
        spreads, self.held[letter] = stages.measured(database, search, queries, self._watch)
        search.engine.close()
        database.dispose()
        return found | spreads

    def _direct(self) -> Figures:
        filled = fill_cluster(self._made)
        direct.merge(self._made.name)
        found = clients.measured(direct.Direct.of(self._made.name, self._asked))
        return {"passages": filled["passages"]} | found | direct.held(self._made.name)

    def _sqlite(self) -> Figures:
        path = self._made.folder / "rival.db"
        filled = self._made.once("sqlite", lambda: self._fill(lambda given: sqlite_rival.fill(path, given)))
        found = clients.measured(sqlite_rival.Sqlite.of(path, self._asked))
        return filled | found | {"index, MB": size_of(path)}

    def _postgres(self) -> Figures:
        schema = self._made.texts_schema
        (self._made.folder / "texts").touch()
        filled = self._made.once("postgres", lambda: self._fill_postgres(schema))
        found = clients.measured(postgres_rival.Postgres.of(schema, self._asked))
        return filled | found | postgres_rival.held(schema)

    def _fill_postgres(self, schema: str) -> Figures:
        postgres_rival.drop(schema)
        postgres_rival.make(schema)
        return self._fill(lambda given: postgres_rival.fill(schema, given))

    def _fill(self, fill: Callable[..., object]) -> Figures:
        cache = self._made.cache()
        found: Figures = {
            "index by rebuild, records/s": rate(self._made.size, lambda: fill(texts(self._made.size, cache)))
        }
        cache.close()
        return found


def compared(contest: dict[str, Figures]) -> dict[str, float]:
    """The 95th percentiles as ratios, by ``a/c``."""
    found = {}
    for one, other in GOALS:
        mine, theirs = (contest.get(letter, {}).get(COMPARED) for letter in (one, other))
        if isinstance(mine, Spread) and isinstance(theirs, Spread):
            found[f"{one}/{other}"] = mine.p95 / theirs.p95
    return found


def verdict(ratios: dict[str, float], held: dict[str, str]) -> str:
    """Each ratio beside its goal, and what holds it."""
    lines = []
    for (one, other), most in GOALS.items():
        if (ratio := ratios.get(f"{one}/{other}")) is not None:
            reached = "reached" if ratio <= most else "NOT reached"
            lines.append(f"p95 of ({one}) / ({other}): {ratio:.2f}; goal at 100,000: at most {most}, {reached}")
    lines += [f"slowest answers of ({letter}) are held by: {stages_}" for letter, stages_ in held.items()]
    return "\n".join(lines)
