"""Suggestions for tests, as the tagger would make them: ``said({"11": 0.95}, {"mobility": 0.8})``."""

from schemas.tagging import Evidence, GenderSuggestion, GoalSuggestion, MarkerSuggestion, Suggestions, ThemeSuggestion
from schemas.vocabulary import load

EVIDENCE = Evidence(passage="Trams for all.", start=0, end=14, terms=["Trams"])


def said(
    goals: dict[str, float],
    themes: dict[str, float],
    marker: int = 0,
    model: str = "test-1",
    evidence: Evidence = EVIDENCE,
) -> Suggestions:
    """Suggestions with these confidences; all other goals and themes at .01, and every goal with its first target."""
    sdgs = [
        GoalSuggestion(
            goal=goal.id, target=load("sdgs").narrower(goal.id)[0].id, targets=[], confidence=(sure := goals.get(goal.id, 0.01)),
            suggested=sure > 0.5, strong=sure > 0.88, head=0.0, words=0.0, evidence=evidence if sure > 0.5 else None,
        )
        for goal in load("sdgs").top()
    ]  # fmt: skip
    found = [
        ThemeSuggestion(
            theme=theme.id, confidence=(sure := themes.get(theme.id, 0.01)), suggested=sure > 0.5,
            evidence=evidence if sure > 0.5 else None,
        )
        for theme in load("gender_themes").terms
    ]  # fmt: skip
    proposal = MarkerSuggestion(
        value=marker, confidence=0.9, suggested=True, evidence=None, speaks_for=[], speaks_against=[]
    )
    gender = GenderSuggestion(themes=sorted(found, key=lambda each: -each.confidence), marker=proposal, criteria=[])
    return Suggestions(model=model, language="en", sdgs=sorted(sdgs, key=lambda each: -each.confidence), gender=gender)
