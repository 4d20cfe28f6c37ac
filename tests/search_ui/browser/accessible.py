"""Whether everybody can use a page: what axe finds on it, and whether it fits its screen."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # Without this axe describes every element in which it found no fault, too, and takes half as long again.
    "resultTypes": ["violations"],
}


def faults(page: Page, *, scripts: bool = True) -> str:
    """What axe finds on a page as it is, and how much wider than its screen it is; "" where everybody can use it.
    Axe would wait for ever where scripts are off: there only the width is looked at, the page is the same."""
    found = Axe().run(page, options=RULES) if scripts else None
    told = f"{page.url}:\n{found.generate_report()}" if found and found.violations_count else ""
    wide, screen = page.evaluate("document.documentElement.scrollWidth"), (page.viewport_size or {})["width"]
    return told + (f"{page.url} is {wide} pixels wide, the screen {screen}\n" if wide > screen else "")


def faults_in_every_look(page: Page) -> str:
    """The faults of a page as it is, in dark colours, and on a screen of 320 pixels."""
    told = faults(page)
    page.emulate_media(color_scheme="dark")
    told += faults(page)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 320, "height": 640})
    return told + faults(page)
