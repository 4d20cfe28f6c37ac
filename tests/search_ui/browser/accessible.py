"""Whether everybody can use a page: what axe finds on it, and whether it fits its screen."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # Without this axe describes every element in which it found no fault, too, and takes half as long again.
    "resultTypes": ["violations"],
}
#: Contrast is half of axe's time, and colours are the same in all languages.
BUT_COLOURS = RULES | {"rules": {"color-contrast": {"enabled": False}}}


def faults(page: Page) -> str:
    """What axe finds on a page as it is, and how much wider than its screen it is; "" where everybody can use it.
    Colours are looked at in English only."""
    found = Axe().run(page, options=RULES if _is_english(page) else BUT_COLOURS)
    told = f"{page.url}:\n{found.generate_report()}" if found.violations_count else ""
    return told + wider(page)


def faults_in_every_look(page: Page) -> str:
    """The faults of a page as it is, in dark colours, and on a screen of 320 pixels."""
    told = faults(page)
    if _is_english(page):
        page.emulate_media(color_scheme="dark")
        told += faults(page)
        page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 320, "height": 640})
    return told + faults(page)


def wider(page: Page) -> str:
    """How much wider than its screen a page is; "" where it fits. This works without scripts; axe does not."""
    wide, screen = page.evaluate("document.documentElement.scrollWidth"), (page.viewport_size or {})["width"]
    return f"{page.url} is {wide} pixels wide, the screen {screen}\n" if wide > screen else ""


def _is_english(page: Page) -> bool:
    return page.locator("html").get_attribute("lang") == "en"
