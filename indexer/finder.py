"""The expert finder: by need, not by name. An expert ranks by their profile and by the records that prove it.

The search is asked twice, for experts and for what can prove one; each record that answers speaks for the experts that it is
linked with, those whose part was confirmed more than the others. docs/search.md has the figures.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.orm import Session

from indexer.concepts import spoken_name
from indexer.document import title_in
from indexer.engines.base import Hit
from indexer.labels import labelled
from indexer.search import Found, Search
from indexer.shelf import Readable
from kb.profiles import proofs
from kb.profiles.tables import ProofState
from kb.records import service as records
from kb.records.facets import city_id
from schemas.finder import FILTERS, FinderQuery, FinderResults, FoundExpert, FoundProof, Words
from schemas.language import Language, Translated, say
from schemas.records import Expert, Record
from schemas.search import FacetCount, SearchQuery, SearchResult

#: Experts, and records, that are looked at for one need; experts that are counted where there is none.
DEPTH: Final = 100
BROWSED: Final = 300
#: What a proof counts that only the expert states, against one that somebody stands by.
STATED: Final = 0.8
#: What each further reason counts, against the one before it.
FURTHER: Final = 0.3
#: Share of the best score that others must reach to be told.
NEAR: Final = 0.5
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


@dataclass(frozen=True)
class _Looked:
    """What was looked up for one need: experts, best first, and what is shown of them."""

    candidates: list[_Candidate]
    #: The records that prove them, and their cities.
    around: Mapping[str, Readable]
    confirmed: Mapping[tuple[str, str], ProofState]


def find(search: Search, session: Session, query: FinderQuery) -> FinderResults:
    """Find, rank, filter, count and explain."""
    started = time.perf_counter()
    own, proving = _asked(search, session, query)
    looked = _look(search, session, own, proving)
    kept = [one for one in looked.candidates if _passes(one, query.chosen())]
    page = kept[query.offset : query.offset + query.limit]
    return FinderResults(
        query=query,
        total=len(kept),
        results=_results(search, session, query, page, own, looked),
        facets=_counts(query, looked),
        took_ms=round((time.perf_counter() - started) * 1000, 1),
        did_you_mean=own.text if own.corrected else None,
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


def _look(search: Search, session: Session, own: Found, proving: Found) -> _Looked:
    """The experts, best first; without a need, in the order of their names."""
    by_profile = {hit.id: hit for hit in own.answer.hits}
    hits = {hit.id: hit for hit in proving.answer.hits}
    pairs = sorted(records.linked_with(session, hits, "expert"))
    people = search.shelf.published(session, [*by_profile, *(expert for expert, _ in pairs)])
    found = {id: _Candidate(each, by_profile.get(id)) for id, each in people.items()}
    around = search.shelf.published(session, _linked(found.values(), pairs))
    confirmed = proofs.standings(session, [one.expert for one in found.values()])
    for expert, record in pairs:
        if expert in found and record in around and _is_seen(found[expert].expert, around[record].record):
            weight = _weight(found[expert].expert, around[record].record, confirmed)
            found[expert].proving.append((weight, hits[record]))
    kept = [one for one in found.values() if one.own or one.proving]
    for one in kept:
        one.facets = _facets(one, around)
    return _Looked(_ranked(kept) if own.text else kept, around, confirmed)


def _ranked(found: list[_Candidate]) -> list[_Candidate]:
    """Best first, without those who answer much less than the best."""
    least = NEAR * max((one.score for one in found), default=0)
    return sorted((one for one in found if one.score >= least), key=lambda one: (-one.score, one.expert.id))


def _linked(found: Iterable[_Candidate], pairs: Iterable[tuple[str, str]]) -> set[str]:
    """What has to be known of other records: proof, and cities."""
    cities = {city for one in found if (city := city_id(one.expert))}
    proof = {link.to for one in found for link in proofs.links_of(one.expert)}
    return cities | proof | {record for _, record in pairs}


def _is_seen(expert: Record, record: Record) -> bool:
    """Whether readers see that they are linked: experts can keep their links to themselves."""
    named = any(target == expert.id for _, target in record.references())
    return named or any(target == record.id for _, target in expert.references())


def _weight(expert: Expert, record: Record, confirmed: Mapping[tuple[str, str], ProofState]) -> float:
    return STATED if proofs.standing(expert, record, confirmed) == "stated" else 1.0


# Filters


def _facets(one: _Candidate, around: Mapping[str, Readable]) -> dict[str, Sequence[str]]:
    """What somebody is found under. They work on a goal also where a record that proves them is tagged with it."""
    own = one.readable.facets(around.get(city_id(one.expert) or ""))
    proven = [around[link.to].record for link in proofs.links_of(one.expert) if link.to in around]
    goals = [tag.goal for record in proven for tag in record.sdgs if tag.public]
    return {
        "availability": [one.expert.availability] if one.expert.availability else [],
        "spoken": one.expert.languages_spoken,
        "topic": own["topic"],
        "sdg": [*own["sdg"], *goals],
        "region": own["region"],
        "city": own["city"],
    }


def _passes(one: _Candidate, chosen: Mapping[str, Sequence[str]], without: str = "") -> bool:
    return all(not set(values).isdisjoint(one.facets[name]) for name, values in chosen.items() if name != without)


def _counts(query: FinderQuery, looked: _Looked) -> dict[str, list[FacetCount]]:
    """How many there are of each value, each filter counted without its own selection."""
    chosen, found = query.chosen(), dict[str, list[FacetCount]]()
    for name, vocabulary in FILTERS:
        passing = (one for one in looked.candidates if _passes(one, chosen, without=name))
        counts = Counter(dict.fromkeys(chosen.get(name, []), 0))
        counts.update(value for one in passing for value in set(one.facets[name]))
        if counts:
            names = _names(name, counts, looked, query.lang)
            found[name] = labelled(counts, vocabulary, names, query.lang, chosen.get(name, []))
    return found


def _names(name: str, ids: Iterable[str], looked: _Looked, language: Language) -> dict[str, str]:
    if name == "city":
        return {id: title_in(looked.around[id].record, language) for id in ids if id in looked.around}
    return {id: spoken_name(id, language) for id in ids} if name == "spoken" else {}


# What is shown


def _results(
    search: Search, session: Session, query: FinderQuery, page: Sequence[_Candidate], own: Found, looked: _Looked
) -> list[FoundExpert]:
    best = {one.expert.id: _best(one) for one in page}
    hits = [one.own or _silent(one.expert) for one in page]
    hits += {hit.id: hit for proving in best.values() for hit in proving}.values()
    of_page = replace(own, answer=replace(own.answer, hits=hits))
    shown = {each.id: each for each in search.results(session, SearchQuery(q=query.q, lang=query.lang), of_page)}
    return [
        FoundExpert(
            expert=shown[one.expert.id].model_copy(update={"score": round(one.score, 5)}),
            position=_words(one.expert.position, query.lang, one.expert.language),
            organisation=one.expert.organisation,
            spoken=one.expert.languages_spoken,
            availability=one.expert.availability,
            proofs=[
                _proof(one.expert, shown[hit.id], looked, query.lang) for hit in best[one.expert.id] if hit.id in shown
            ],
        )
        for one in page
        if one.expert.id in shown
    ]


def _best(one: _Candidate) -> list[Hit]:
    ordered = sorted(one.proving, key=lambda pair: (-pair[0] * pair[1].score, pair[1].id))
    return [hit for _, hit in ordered[:SHOWN]]


def _silent(expert: Expert) -> Hit:
    """An expert whose own words did not answer."""
    return Hit(expert.id, expert.language, score=0, passage=-1, closeness=None, coverage=0, exact=False)


def _proof(expert: Expert, result: SearchResult, looked: _Looked, language: Language) -> FoundProof:
    part = next((link.note for link in proofs.links_of(expert) if link.to == result.id), {})
    standing = proofs.standing(expert, looked.around[result.id].record, looked.confirmed)
    return FoundProof(record=result, part=_words(part, language, expert.language), standing=standing)


def _words(text: Translated, wanted: Language, original: Language) -> Words | None:
    said = say(text, wanted, original)
    return Words(text=said.text, language=said.language) if said else None
