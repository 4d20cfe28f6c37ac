"""A Chromium that looks at the running site."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from kb.settings import Settings
from search_ui.app import create_app
from tests.search_ui.browser.serving import serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; apt-get install chromium"))


@pytest.fixture(scope="session")
def address(settings: Settings) -> Iterator[str]:
    """The address of the site, served as ``kb serve`` does."""
    with serving(create_app(settings)) as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


Opens = Callable[..., Page]


@pytest.fixture
def opens(browser: Browser, address: str) -> Iterator[Opens]:
    """Opens a page of the site; at the end no console may have complained and no request may have left the site."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, *, expected: int = 200, **options: object) -> Page:
        context = browser.new_context(base_url=address, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _complains(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: _check_stays(request.url, address, complaints))
        answer = page.goto(path)
        assert answer
        assert answer.status == expected
        if expected >= 400:
            complaints.clear()  # the browser itself logs the status of the page that was asked for
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


Visits = Callable[..., Page]


@pytest.fixture
def visits(browser: Browser, address: str) -> Iterator[Visits]:
    """A browser of its own; no console may complain but of a form that was refused."""
    complaints: list[str] = []
    contexts = []

    def visit(**options: object) -> Page:
        context = browser.new_context(base_url=address, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _complains(message) else None)
        page.on("request", lambda request: _check_stays(request.url, address, complaints))
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def _complains(message: ConsoleMessage) -> bool:
    """A form that was refused is answered by 422, which the browser logs by itself."""
    return message.type in ("error", "warning") and "status of 422" not in message.text


def _check_stays(url: str, address: str, complaints: list[str]) -> None:
    if not url.startswith((f"{address}/", "data:", "about:")):
        complaints.append(f"a request left the site: {url}")
