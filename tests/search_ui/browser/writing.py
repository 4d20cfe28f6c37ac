"""Writing a case study by its form."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from schemas.forms import FORMS
from schemas.language import Language
from search_ui.i18n import gettext

Texts = Mapping[str, Mapping[str, str]]


def begin(page: Page, language: str, type: str = "case_study") -> str:
    """Begin a draft; its address."""
    page.goto(f"/{language}/contribute")
    page.locator(f'input[name="type"][value="{type}"]').check()
    page.get_by_role("button", name=gettext("Begin", language)).click()  # type: ignore[arg-type]
    return page.url.rpartition("/")[0]


TEXTS = {
    "basics": {"title": "Teleférico", "summary": "Sube a las laderas."},
    "problem": {"problem": "Two hours to work."},
    "solution": {"solution": "A cable car."},
    "costs": {"period.start": "2004-07"},
    "results": {"results": "Faster.", "what_did_not_work": "The escalators.", "lessons": "Plan the upkeep."},
    "transfer": {"transfer.conditions": "A metro nearby."},
    "sources": {"contact.name": "María", "sources.0.title": "Evaluation"},
}


def write(
    page: Page, language: Language, texts: Texts = TEXTS, look: Callable[[str], None] = lambda step: None
) -> None:
    """Fill in all that a case study needs, step by step; ``look`` is called at each."""
    go_on = page.get_by_role("button", name=gettext("Save and go on", language))
    for step in FORMS["case_study"]:
        look(step.name)
        for name, text in texts.get(step.name, {}).items():
            page.locator(f'[name="{name}"]').fill(text)
        if step.name == "place":
            page.locator('[name="place.country"]').select_option("CO")
        elif step.name == "about":
            page.locator('details:has(input[value="mobility"])').first.evaluate("each => each.open = true")
            page.locator('input[value="mobility"]').first.check()
            page.locator('[name="sdgs.0.code"]').select_option("11.2")
        elif step.name == "costs":
            page.locator('[name="stage"]').select_option(index=1)
        elif step.name == "results":
            page.locator('input[name="evidence_level"][value="2"]').check()
        with page.expect_navigation():
            go_on.click()
