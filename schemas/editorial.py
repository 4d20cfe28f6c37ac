"""How a text gets before readers: the stages of a draft and who may move it."""

from typing import Final, Literal

#: ``draft``: its authors write. ``submitted``: it waits for an editor. ``in_review``: an editor has it. ``changes_requested``:
#: its authors have it again, with comments. ``scheduled``: approved, published at a moment. ``published``: it is the record
#: now. ``declined``: it will not be. A declined or published draft is history.
Stage = Literal["draft", "submitted", "in_review", "changes_requested", "scheduled", "published", "declined"]
STAGES: Final[tuple[Stage, ...]] = Stage.__args__  # type: ignore[attr-defined]

#: Stages in which the authors write.
WRITING: Final[frozenset[Stage]] = frozenset({"draft", "changes_requested"})
#: Stages that are history: nothing changes any more.
CLOSED: Final[frozenset[Stage]] = frozenset({"published", "declined"})

#: From each stage to those that it may move to.
MOVES: Final[dict[Stage, frozenset[Stage]]] = {
    "draft": frozenset({"submitted"}),
    "changes_requested": frozenset({"submitted"}),
    "submitted": frozenset({"draft", "in_review", "changes_requested", "declined"}),
    "in_review": frozenset({"submitted", "changes_requested", "scheduled", "published", "declined"}),
    "scheduled": frozenset({"in_review", "published"}),
    "published": frozenset(),
    "declined": frozenset({"draft"}),
}
