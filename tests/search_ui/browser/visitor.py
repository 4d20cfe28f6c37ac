"""A person with a browser."""

import os
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from schemas.language import Language
from search_ui import i18n
from tests.search_ui.browser.accessible import faults


class Visitor:
    """One person with a browser, who looks at every page with axe and at its width."""

    def __init__(self, page: Page, language: Language, scripts: bool) -> None:
        self.page, self.language, self.scripts = page, language, scripts

    def said(self, message: str) -> str:
        return i18n.gettext(message, self.language)

    def look(self, title: str) -> None:
        expect(self.page.locator("h1")).to_have_text(self.said(title))
        self.check(title)

    def check(self, name: str) -> None:
        """Axe and the width."""
        assert faults(self.page, scripts=self.scripts) == ""
        self._keep_picture(name)

    def _keep_picture(self, name: str) -> None:
        if folder := os.environ.get("KB_TEST_PICTURES"):
            file = re.sub(r"\W+", "-", f"{self.language}-{name}-{'wide' if self.scripts else 'narrow'}")
            self.page.screenshot(path=Path(folder) / f"{file}.png", full_page=True)

    def go(self, path: str, title: str) -> None:
        self.page.goto(f"/{self.language}/{path}")
        self.look(title)

    def fill(self, button: str, **fields: str) -> None:
        """Fill in a form and send it: by its button, or by the keyboard alone."""
        for name, value in fields.items():
            self.page.locator(f"#f-{name}").fill(value)
        found = self.page.locator("main").get_by_role("button", name=self.said(button), exact=True)
        if self.scripts:
            found.click()
        else:
            found.press("Enter")

    def follow(self, text: str, within: Locator | None = None) -> None:
        """Click a link of that text."""
        with self.page.expect_navigation():
            (within or self.page.locator("body")).get_by_role("link", name=self.said(text)).first.click()

    def press(self, text: str, within: Locator | None = None) -> None:
        """Click a button of that text."""
        with self.page.expect_navigation():
            (within or self.page.locator("main")).get_by_role("button", name=self.said(text), exact=True).click()

    def steps_to(self, text: str) -> None:
        """Go to a step of a draft's form, whose list is folded up on a small screen."""
        steps = self.page.locator(".steps-nav")
        if (folded := steps.locator("summary")).is_visible():
            folded.click()
        self.follow(text, steps)
