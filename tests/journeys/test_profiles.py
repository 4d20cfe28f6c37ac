"""The same journeys on both profiles, through the web, with real processes: what is edited is found, what is published is
found in three languages, what is withdrawn is gone."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import psycopg
import pytest
from elasticsearch import Elasticsearch
from psycopg import sql

from tests.conftest import LOCAL_POSTGRES

ROOT = Path(__file__).parents[2]
#: Generous: CI shares two cores with three servers.
PATIENCE = 120.0


class Site:
    """A running site, and the ``kb`` command beside it."""

    def __init__(self, address: str, kb: Callable[..., str], folder: Path) -> None:
        self.address, self._kb, self._folder = address, kb, folder

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=30) as answer:
                return answer.status, unescape(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.code, unescape(error.read().decode())

    def shown(self, question: str, language: str, mode: str = "hybrid") -> list[str]:
        """The addresses of the records on the search page."""
        query = urllib.parse.urlencode({"q": question, "mode": mode})
        return [one["url"] for one in json.loads(self.get(f"/api/v1/search?lang={language}&{query}")[1])["results"]]

    def page(self, question: str, language: str) -> str:
        """The search page itself."""
        return self.get(f"/{language}/search?{urllib.parse.urlencode({'q': question})}")[1]

    def save(self, record: Mapping[str, Any]) -> None:
        """Edit as an import does: another process commits, and tells nobody but the database and the broker."""
        file = self._folder / "edit.jsonl"
        file.write_text(json.dumps(record) + "\n", "utf-8")
        self._kb("import", str(file))

    def kb(self, *arguments: str) -> str:
        """What the command says. Raises CalledProcessError when it fails."""
        return self._kb(*arguments)


def soon(happened: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.2)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def _embedded(folder: Path) -> Iterator[Site]:
    environment = {**os.environ, "KB_DATA_DIR": str(folder / "data")}
    port = _free_port()
    kb = [sys.executable, "-m", "search_ui.cli"]
    server = subprocess.Popen([*kb, "serve", "--port", str(port)], cwd=ROOT, env=environment)
    try:
        site = Site(f"http://127.0.0.1:{port}", lambda *more: _run([*kb, *more], environment), folder)
        assert soon(lambda: _answers(site))
        yield site
    finally:
        server.terminate()
        server.wait(60)


@contextmanager
def _cluster(folder: Path, elasticsearch: str) -> Iterator[Site]:
    name, port = f"kb-test-{secrets.token_hex(6)}", _free_port()
    postgres = os.environ.get("KB_TEST_POSTGRES", LOCAL_POSTGRES)
    environment = {
        **os.environ,
        "KB_CLUSTER_DIR": str(folder / "cluster"),
        "KB_CLUSTER_POSTGRES": postgres,
        "KB_CLUSTER_DATABASE": name.replace("-", "_"),
        "KB_CLUSTER_ELASTICSEARCH": f"{elasticsearch}/{name}",
        "KB_CLUSTER_REDIS": os.environ.get("KB_TEST_REDIS", "redis://127.0.0.1:6379/9"),
        "KB_BROKER_PREFIX": f"{name}:",
        "KB_SEARCH_TIMEOUT": "10",
        "PYTHONPATH": str(ROOT),
    }
    script = str(ROOT / "scripts" / "cluster")
    try:
        _run([script, "start", "--port", str(port)], environment)
        yield Site(
            f"http://127.0.0.1:{port}", lambda *more: _run([script, "run", "kb", *more], environment), folder
        )  # fmt: skip
    finally:
        _run([script, "stop"], environment)
        with Elasticsearch(elasticsearch) as client:
            for index in client.indices.get(index=f"{name}-*", features=["aliases"]):
                client.indices.delete(index=index)
        with psycopg.connect(postgres, autocommit=True) as connection:
            database = sql.Identifier(name.replace("-", "_"))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))


def _answers(site: Site) -> bool:
    try:
        return site.get("/readyz")[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="module", params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    if request.param == "embedded":
        with _embedded(folder) as site:
            yield site
    else:
        with _cluster(folder, request.getfixturevalue("elasticsearch")) as site:
            yield site
    shutil.rmtree(folder, ignore_errors=True)


def record(record_id: str, status: str = "published", **titles: str) -> dict[str, Any]:
    return {
        "type": "case_study", "id": record_id, "language": next(iter(titles)), "status": status, "title": titles,
        "summary": {language: f"{title}." for language, title in titles.items()},
    }  # fmt: skip


def test_what_is_edited_is_found_by_its_new_words_and_no_longer_by_the_old(site: Site) -> None:
    site.save(record("edited", en="Zuxawo gardens on the roofs"))
    assert soon(lambda: "/en/case-studies/edited" in site.shown("zuxawo", "en", "keyword"))
    site.save(record("edited", en="Quzemi gardens on the roofs"))
    assert soon(lambda: "/en/case-studies/edited" in site.shown("quzemi", "en", "keyword"))
    assert site.shown("zuxawo", "en", "keyword") == []


def test_what_is_published_is_found_in_three_languages_and_what_is_withdrawn_is_gone(site: Site) -> None:
    titles = {"en": "Vobyke: wells for all", "es": "Vobyke: pozos para todos", "fr": "Vobyke : des puits pour tous"}
    site.save(record("wells", "draft", **titles))
    site.kb("index", "sync")
    assert site.shown("vobyke", "en") == []
    assert site.get("/en/case-studies/wells")[0] == 404
    site.save(record("wells", **titles))
    assert soon(lambda: site.shown("vobyke", "en") == ["/en/case-studies/wells"])
    for language, title in titles.items():
        assert title in site.page("vobyke", language)
        assert title in site.get(f"/{language}/case-studies/wells")[1]
    site.save(record("wells", "withdrawn", **titles))
    assert soon(lambda: site.shown("vobyke", "en") == [])
    assert all(site.shown("vobyke", language) == [] for language in titles)
    assert site.get("/en/case-studies/wells")[0] in (404, 410)


def test_meaning_is_found_across_languages_once_the_workers_have_computed_it(site: Site) -> None:
    site.save(record("bikes", fr="Des vélos en libre-service pour les étudiants"))
    assert soon(lambda: "/en/case-studies/bikes" in site.shown("bicycle sharing at the university", "en", "semantic"))


def test_the_index_is_what_the_database_says_and_the_status_page_tells_of_the_work(site: Site) -> None:
    assert soon(lambda: json.loads(site.get("/api/v1/status")[1])["waiting"] == 0)
    site.kb("index", "check")
    for language in ("en", "es", "fr"):
        assert site.get(f"/{language}/status")[0] == 200
    jobs = {job["name"] for job in json.loads(site.get("/api/v1/status")[1])["jobs"]}
    assert {"index", "embed", "check"} <= jobs
