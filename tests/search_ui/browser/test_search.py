"""Searching with keyboard and mouse in a browser, with the scripts of the site."""

import re

from playwright.sync_api import expect


def test_the_keyboard_alone_leads_from_the_first_page_to_a_result(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("vegetables")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=vegetables"))
    page.locator("#results-title").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.closest('h3')"):
            break
    assert "Community garden" in page.evaluate("document.activeElement.textContent")


def test_a_filter_changes_results_address_and_title_and_is_announced(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/search")
    page.evaluate("window.same = true")
    page.get_by_label(re.compile("^Expert")).check()
    page.get_by_role("button", name="Apply filters").first.click()
    expect(page).to_have_url(re.compile("type=expert"))
    expect(page.locator("#search-status")).to_contain_text(re.compile("result|Nothing"))
    expect(page.locator("#results-title")).to_be_focused()
    assert page.evaluate("window.same"), "the page was not loaded anew"
    spanish = page.get_by_role("link", name="Español")
    assert "type=expert" in str(spanish.get_attribute("href"))


def test_the_back_button_brings_the_earlier_results_back(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/search?type=case_study")
    before = page.locator("#results-title").inner_text()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#results-title")).to_contain_text("Showing 11–")
    page.go_back()
    expect(page.locator("#results-title")).to_have_text(before)


def test_unfolded_filters_stay_unfolded_after_applying(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/search")
    page.locator("#facet-country > summary").click()
    page.get_by_label("Case study").check()
    page.get_by_role("button", name="Apply filters").first.click()
    expect(page).to_have_url(re.compile("type=case_study"))
    expect(page.locator("#facet-country")).to_have_attribute("open", "")


def test_suggestions_follow_the_combobox_pattern(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/")
    box = page.get_by_role("combobox")
    box.press_sequentially("medel")
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", str(options.first.get_attribute("id")))
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_be_focused()
    box.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("medel")


def test_enter_without_a_chosen_suggestion_searches_for_what_was_typed(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/")
    box = page.get_by_role("combobox")
    box.press_sequentially("medel")
    expect(page.get_by_role("option").first).to_be_visible()
    box.press("Enter")
    page.wait_for_url(re.compile(r"/en/search\?q=medel$"))


def test_the_chosen_colours_are_kept_from_page_to_page(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/about", color_scheme="light")

    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = ground()
    page.get_by_role("button", name="Dark colours").click()
    dark = ground()
    assert dark != light
    page.goto("/es/status")
    assert ground() == dark
    page.get_by_role("button", name="Colores claros").click()
    assert ground() == light
    assert not [cookie for cookie in page.context.cookies() if cookie.get("name") == "theme"], "as the device says"


def test_the_map_goes_closer_by_button_and_by_click_and_back(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/")
    drawing = page.locator(".map-svg")

    def width() -> float:
        return float(str(drawing.get_attribute("viewBox")).split()[2])

    whole = width()
    page.get_by_role("button", name="Zoom in").click()
    closer = width()
    assert closer < whole
    drawing.click(position={"x": 300, "y": 300})
    assert width() < closer
    page.get_by_role("button", name="Show the whole map").click()
    assert width() == whole


def test_a_dot_of_the_map_leads_to_its_city(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/search?type=city&view=map")
    dot = page.locator("a.dot[href='/en/cities/city-medellin']")
    dot.focus()
    assert dot.evaluate("dot => document.activeElement === dot")


def test_paper_shows_the_content_and_no_tools(opens) -> None:  # type: ignore[no-untyped-def]
    page = opens("/en/search?q=housing")
    page.emulate_media(media="print")
    assert page.get_by_role("heading", name="A century of municipal housing").is_visible()
    assert page.locator(".sections").is_hidden()
    assert page.locator(".filters").is_hidden()
