"""The expert finder: by need, not by name. An expert ranks by their profile and by the records that prove it.

The search is asked twice, for experts and for what can prove one; each record that answers speaks for the experts that it is
linked with, those whose part was confirmed more than the others. docs/search.md has the figures.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from babel import Locale
from sqlalchemy.orm import Session

from indexer.engines.base import Hit
from indexer.labels import labelled
from indexer.query import parse
from indexer.search import Found, Search
from indexer.shelf import Readable
from kb.profiles import proofs
from kb.profiles.tables import ProofState
from kb.records import service as records
from kb.records.facets import city_id
from schemas.finder import FILTERS, FinderQuery, FinderResults, FoundExpert, FoundProof
from schemas.language import Language, say
from schemas.records import Expert, Record
from schemas.search import FacetCount, SearchQuery, SearchResult

#: Experts, and records, that are looked at for one need; experts that are counted where there is none.
DEPTH: Final = 100
BROWSED: Final = 300
#: What a proof counts that only the expert states, against one that somebody stands by.
STATED: Final = 0.8
#: What each further reason counts, against the one before it.
FURTHER: Final = 0.3
#: What an exact name adds to a score; ``ranking.fuse`` puts 10 there, and an exact title proves no more than that.
EXACT: Final = 10.0
EXACT_PROOF: Final = 0.1
#: A score while the index is away, when words are all there is: that of the first; the last has half of it.
AWAY: Final = 0.1
#: Proofs that a result shows.
SHOWN: Final = 3


@dataclass
class _Candidate:
    """An expert with what speaks for them: their own hit, and hits that prove them with their weights."""

    readable: Readable
    own: Hit | None = None
    proving: list[tuple[float, Hit]] = field(default_factory=list)
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def expert(self) -> Expert:
        assert isinstance(self.readable.record, Expert)
        return self.readable.record

    @property
    def score(self) -> float:
        reasons = [weight * hit.score for weight, hit in self.proving] + ([self.own.score] if self.own else [])
        return sum(reason * FURTHER**place for place, reason in enumerate(sorted(reasons, reverse=True)))


def find(search: Search, session: Session, query: FinderQuery) -> FinderResults:
    """Find, rank, filter, count and explain."""
    started = time.perf_counter()
    own, proving = _asked(search, session, query)
    candidates = _candidates(search, session, own, proving)
    _tell_facets(search, session, candidates)
    kept = [one for one in candidates if _passes(one, query.chosen())]
    page = kept[query.offset : query.offset + query.limit]
    typed = parse(query.q).text
    return FinderResults(
        query=query,
        total=len(kept),
        results=_results(search, session, query, page, own, proving),
        facets=_counts(search, session, query, candidates),
        took_ms=round((time.perf_counter() - started) * 1000, 1),
        did_you_mean=own.text if own.text != typed else None,
        notice=own.notice or proving.notice,
    )


def _asked(search: Search, session: Session, query: FinderQuery) -> tuple[Found, Found]:
    """The answers among experts and among what can prove one. Without a need all experts, and nothing to prove."""
    asking = SearchQuery(q=query.q, lang=query.lang, limit=DEPTH)
    if not query.q.strip():
        every = asking.model_copy(update={"type": ["expert"], "sort": "title", "limit": BROWSED})
        found = search.find(session, every)
        return found, replace(found, answer=replace(found.answer, hits=[]))
    among = (["expert"], list(proofs.RELATIONS))
    own, proving = (search.find(session, asking.model_copy(update={"type": types})) for types in among)
    return _scored(own, EXACT), _scored(proving, EXACT_PROOF)


def _scored(found: Found, exact: float) -> Found:
    """The same with scores that can be weighed against each other."""
    hits = found.answer.hits
    if found.notice == "index-away":
        hits = [replace(hit, score=AWAY * (1 - place / 2 / len(hits))) for place, hit in enumerate(hits)]
    else:
        hits = [replace(hit, score=hit.score - EXACT + exact) if hit.exact else hit for hit in hits]
    return replace(found, answer=replace(found.answer, hits=hits))


# Who is in question


def _candidates(search: Search, session: Session, own: Found, proving: Found) -> list[_Candidate]:
    """Best first; without a need, in the order of their names."""
    hits = {hit.id: hit for hit in proving.answer.hits}
    pairs = records.linked_with(session, hits, "expert")
    by_profile = {hit.id: hit for hit in own.answer.hits}
    people = search.shelf.published(session, [*by_profile, *sorted({expert for expert, _ in pairs})])
    records_found = search.shelf.published(session, {record for _, record in pairs})
    found = {id: _Candidate(readable, by_profile.get(id)) for id, readable in people.items()}
    confirmed = proofs.standings(session, [one.expert for one in found.values()])
    for expert, record in sorted(pairs):
        if (
            expert in found
            and record in records_found
            and _is_seen(people[expert].record, records_found[record].record)
        ):
            weight = _weight(found[expert].expert, records_found[record].record, confirmed)
            found[expert].proving.append((weight, hits[record]))
    kept = [one for one in found.values() if one.own or one.proving]
    return sorted(kept, key=lambda one: (-one.score, one.expert.id)) if own.text else kept


def _is_seen(expert: Record, record: Record) -> bool:
    """Whether readers see that they are linked: experts can keep their links to themselves."""
    named = any(target == expert.id for _, target in record.references())
    return named or any(target == record.id for _, target in expert.references())


def _weight(expert: Expert, record: Record, confirmed: Mapping[tuple[str, str], ProofState]) -> float:
    return STATED if proofs.standing(expert, record, confirmed) == "stated" else 1.0


# Filters


def _tell_facets(search: Search, session: Session, candidates: Iterable[_Candidate]) -> None:
    """What each is filtered by. An expert works on a goal also where the records that prove it are tagged with it."""
    kept = list(candidates)
    cities = search.shelf.published(session, {id for one in kept if (id := city_id(one.expert))})
    linked = search.shelf.published(session, {link.to for one in kept for link in proofs.links_of(one.expert)})
    for one in kept:
        own = one.readable.facets(cities.get(city_id(one.expert) or ""))
        proven = [linked[link.to] for link in proofs.links_of(one.expert) if link.to in linked]
        one.facets = {
            "availability": [one.expert.availability] if one.expert.availability else [],
            "spoken": one.expert.languages_spoken,
            "topic": own["topic"],
            "sdg": list(dict.fromkeys([*own["sdg"], *(goal for each in proven for goal in each.facets(None)["sdg"])])),
            "region": own["region"],
            "city": own["city"],
        }


def _passes(one: _Candidate, chosen: Mapping[str, Sequence[str]], without: str = "") -> bool:
    return all(
        not set(values).isdisjoint(one.facets[name]) for name, values in chosen.items() if name != without
    )  # fmt: skip


def _counts(
    search: Search, session: Session, query: FinderQuery, candidates: Sequence[_Candidate]
) -> dict[str, list[FacetCount]]:
    """How many there are of each value, each filter counted without its own selection."""
    chosen, found = query.chosen(), dict[str, list[FacetCount]]()
    for name, vocabulary in FILTERS:
        counts = dict.fromkeys(chosen.get(name, []), 0)
        for one in candidates:
            if _passes(one, chosen, without=name):
                counts |= {value: counts.get(value, 0) + 1 for value in set(one.facets[name])}
        names = _names(search, session, name, list(counts), query.lang)
        if counts:
            found[name] = labelled(counts, vocabulary, names, query.lang, chosen.get(name, []))
    return found


def _names(search: Search, session: Session, name: str, ids: list[str], language: Language) -> Mapping[str, str]:
    if name == "city":
        return search.titles(session, ids, language)
    return {id: Locale(language).languages.get(id, id) for id in ids} if name == "spoken" else {}


# What is shown


def _results(
    search: Search, session: Session, query: FinderQuery, page: Sequence[_Candidate], own: Found, proving: Found
) -> list[FoundExpert]:
    asking = SearchQuery(q=query.q, lang=query.lang)
    experts = _shown(search, session, asking, own, [one.own or _silent(one.expert) for one in page])
    best = {one.expert.id: _best(one) for one in page}
    wanted = {hit.id: hit for hits in best.values() for hit in hits}
    found = _shown(search, session, asking, proving, wanted.values())
    confirmed = proofs.standings(session, [one.expert for one in page])
    proved = search.shelf.published(session, found)
    return [
        FoundExpert(
            expert=experts[one.expert.id].model_copy(update={"score": round(one.score, 5)}),
            position=say(one.expert.position, query.lang, one.expert.language),
            organisation=one.expert.organisation,
            spoken=one.expert.languages_spoken,
            availability=one.expert.availability,
            proofs=[
                _proof(one.expert, proved[hit.id].record, found[hit.id], confirmed, query.lang)
                for hit in best[one.expert.id]
                if hit.id in found and hit.id in proved
            ],
        )
        for one in page
        if one.expert.id in experts
    ]


def _best(one: _Candidate) -> list[Hit]:
    ordered = sorted(one.proving, key=lambda pair: (-pair[0] * pair[1].score, pair[1].id))
    return [hit for _, hit in ordered[:SHOWN]]


def _shown(
    search: Search, session: Session, asking: SearchQuery, found: Found, hits: Iterable[Hit]
) -> dict[str, SearchResult]:
    of_page = replace(found, answer=replace(found.answer, hits=list(hits)))
    return {result.id: result for result in search.results(session, asking, of_page)}


def _silent(expert: Expert) -> Hit:
    """An expert whose own words did not answer."""
    return Hit(expert.id, expert.language, score=0, passage=-1, closeness=None, coverage=0, exact=False)


def _proof(
    expert: Expert,
    record: Record,
    result: SearchResult,
    confirmed: Mapping[tuple[str, str], ProofState],
    language: Language,
) -> FoundProof:
    part = next((link.note for link in proofs.links_of(expert) if link.to == record.id), {})
    said = say(part, language, expert.language)
    return FoundProof(record=result, part=said, standing=proofs.standing(expert, record, confirmed))
