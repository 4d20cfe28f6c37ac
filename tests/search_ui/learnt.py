"""Versions of what was learnt, as learning makes them, for tests of pages."""

from sqlalchemy import Engine

from indexer.tagging import fitting
from indexer.tagging.learning import fit
from indexer.tagging.model import SHIPPED, TaggingModel
from kb.db import transaction, utcnow
from kb.tagging.tables import LearntRow
from tests.indexer.tagging.test_fitting import lessons


def base() -> str:
    """The base of a site with the models that the product comes with."""
    return TaggingModel.from_bytes(SHIPPED.read_bytes()).version


def version(engine: Engine, documents: int = 300, over: str = "") -> int:
    """A version over this base, or the shipped one, from so many documents whose decisions follow a rule; 300 are enough for
    it to be called better. Its vectors are no real ones: it can be looked at and switched on, and says nothing of use."""
    learnt = lessons(documents, 1.0)
    with transaction(engine) as session:
        row = LearntRow(
            base=over or base(), fitted_at=utcnow(), decisions=documents, records=documents, last_decision_id=0,
            offsets=fit(learnt.vectors, learnt.words, learnt.labels, learnt.base).to_bytes(),
            report=fitting.compared(learnt).model_dump(mode="json"),
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.version
