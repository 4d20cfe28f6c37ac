"""Promise 18: who guesses is stopped, learns nothing, and locks nobody out."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import update
from starlette.testclient import TestClient

from kb.accounts.tables import AccountRow
from kb.db import transaction
from kb.settings import Settings
from search_ui.app import create_app
from tests.people import OWN, person
from tests.search_ui.accounts.steps import NEW, browser_at, forget_limits, last_link, set_up, sign_in


def test_promise_18_the_eleventh_try_from_an_address_is_told_to_wait(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = browser_at(app)
    statuses = [sign_in(browser, password="wrong").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    refused = sign_in(browser)
    assert (refused.status_code, 290 <= int(refused.headers["retry-after"]) <= 300) == (429, True)
    assert 'value="ana@example.org"' in refused.text
    assert sign_in(browser_at(app, "192.0.2.2")).status_code == 303
    assert [sign_in(browser_at(app, "192.0.2.3")).status_code for _ in range(12)] == [303] * 12, "only failures count"


def test_promise_18_strangers_lock_nobody_out_of_a_browser_that_they_use_nor_of_a_reset(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    mine = browser_at(app)
    sign_in(mine)
    mine.post("/en/sign-out")
    for network in range(6):  # a botnet that shares even the victim's network
        for _ in range(10):
            sign_in(browser_at(app, f"192.0.2.{network + 1}"), password="wrong")
    assert sign_in(browser_at(app, "198.51.100.1")).status_code == 429
    assert sign_in(mine).status_code == 303
    copied = mine.cookies["browser"]
    other = browser_at(app, "198.51.100.2")
    other.cookies.set("browser", copied)
    assert sign_in(other, "max@example.org", "wrong").status_code == 422, "a mark is for one person only"
    fresh = browser_at(app, "198.51.100.3")
    fresh.post("/en/reset", data={"email": "ana@example.org"})
    assert fresh.post(last_link(app, "ana@example.org"), data={"password": NEW}).status_code == 303
    assert sign_in(fresh, password=NEW).status_code == 303


def test_promise_18_a_known_browser_has_ten_tries_too(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    mine = browser_at(app)
    sign_in(mine)
    assert [sign_in(mine, password="wrong").status_code for _ in range(11)] == [422] * 10 + [429]


def test_promise_18_codes_of_the_second_factor_are_not_tried_on_and_on(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    browser = browser_at(app)
    sign_in(browser)
    set_up(browser)
    thief = browser_at(app, "192.0.2.9")
    sign_in(thief)
    statuses = [thief.post("/en/second-factor", data={"code": f"{n:06}"}).status_code for n in range(11)]
    assert statuses == [422] * 10 + [429]


@pytest.mark.parametrize("path", ["reset", "sign-up"])
def test_promise_18_five_requests_a_day_from_an_address(app: FastAPI, path: str) -> None:
    data = [{"name": "A", "email": f"a{n}@example.org"} for n in range(6)]
    statuses = [browser_at(app).post(f"/en/{path}", data=each).status_code for each in data]
    assert statuses == [303] * 5 + [429]
    assert browser_at(app, "192.0.2.2").post(f"/en/{path}", data=data[0]).status_code == 303


def _ask(app: FastAPI, path: str, email: str) -> tuple[Any, float]:
    forget_limits(app)
    browser = browser_at(app)
    # Signing in takes its time by hashing, whatever else the machine does; the others by waiting.
    clock = time.process_time if path == "sign-in" else time.perf_counter
    started = clock()
    answer = browser.post(f"/en/{path}", data={"email": email, "password": "wrong-password", "name": "A"})
    took = clock() - started
    return (answer.status_code, answer.headers.get("location"), answer.text.replace(email, "")), took


@pytest.mark.parametrize("path", ["sign-in", "reset", "sign-up"])
def test_promise_18_an_unknown_account_gets_the_same_answer_in_the_same_time(app: FastAPI, path: str) -> None:
    for n in range(9):
        person(app.state.engine, f"known{n}@example.org")
    person(app.state.engine, "closed0@example.org")
    with transaction(app.state.engine) as session:
        session.execute(update(AccountRow).where(AccountRow.email.like("closed%")).values(state="closed"))
    _ask(app, path, "warm@example.org")
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    answers = {repr(_ask(app, path, "closed0@example.org")[0])}
    for n in range(9):
        for kind in times:
            answer, took = _ask(app, path, f"{kind}{n}@example.org")
            answers.add(repr(answer))
            times[kind].append(took)
    assert len(answers) == 1
    known, unknown = (min(each) for each in times.values())
    assert abs(known - unknown) < 0.25 * max(known, unknown), times


def _serving(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "search_ui.cli", "serve", "--port", str(port)]
    environment = os.environ | {"KB_DATA_DIR": str(settings.data_dir)}
    return subprocess.Popen(command, cwd=Path(__file__).parents[3], env=environment, stdout=subprocess.DEVNULL)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(port)


def test_promise_18_two_processes_refuse_the_eleventh_together_and_know_the_reader_behind_the_proxy(
    app: FastAPI,
) -> None:
    person(app.state.engine, "ana@example.org")
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    processes = [_serving(app.state.settings, port) for port in ports]
    try:
        for port in ports:
            _wait_for(port)

        def sign_in(port: int, reader: str) -> int:
            data = {"email": "ana@example.org", "password": "wrong"}
            return httpx2.post(
                f"http://127.0.0.1:{port}/en/sign-in", data=data, headers=OWN | {"x-forwarded-for": reader}
            ).status_code

        assert [sign_in(ports[n % 2], "203.0.113.1") for n in range(12)] == [422] * 10 + [429] * 2
        assert sign_in(ports[0], "203.0.113.2") == 422
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_promise_5_without_redis_signing_in_works_and_limits_hold(app: FastAPI) -> None:
    person(app.state.engine, "ana@example.org")
    lonely = app.state.settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    with TestClient(create_app(lonely), follow_redirects=False, headers=OWN) as browser:
        assert sign_in(browser).headers["location"] == "/en/account"
        assert browser.get("/en/account").status_code == 200
        browser.cookies.clear()
        assert [sign_in(browser, password="wrong").status_code for _ in range(11)] == [422] * 10 + [429]
