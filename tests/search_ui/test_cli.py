"""The command that runs the site, as a process of its own."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from search_ui import demo

ROOT = Path(__file__).parents[2]


def _environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    return os.environ | {"KB_DATA_DIR": str(folder), "KB_PORT": str(port), "PYTHONUNBUFFERED": "1"} | more


def _kb(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "search_ui.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60)


def test_serve_refuses_the_secret_that_everybody_knows_outside_development(tmp_path: Path) -> None:
    result = _kb("serve", KB_DATA_DIR=str(tmp_path), KB_ENVIRONMENT="production")
    assert result.returncode == 1
    assert "KB_SECRET_KEY" in result.stderr


def test_the_commands_of_all_folders_are_in_one(tmp_path: Path) -> None:
    text = _kb("--help", KB_DATA_DIR=str(tmp_path)).stdout
    assert all(name in text for name in ("serve", "demo", "import", "export", "index", "evaluate"))


def test_serve_makes_an_empty_profile_and_says_where_it_answers_once_it_does(tmp_path: Path, free_port: int) -> None:
    command = [sys.executable, "-m", "search_ui.cli", "serve"]
    with subprocess.Popen(
        command, cwd=ROOT, env=_environment(tmp_path / "new", free_port), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert f"http://localhost:{free_port}/" in line
            with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/en/") as answer:
                assert answer.status == 200
        finally:
            process.kill()


@pytest.mark.parametrize(("trusted", "scheme"), [("127.0.0.1", "https"), ("192.0.2.1", "http")])
def test_only_a_trusted_proxy_is_believed_that_the_reader_came_by_https(
    tmp_path: Path, free_port: int, trusted: str, scheme: str
) -> None:
    command = [sys.executable, "-m", "search_ui.cli", "serve"]
    environment = _environment(tmp_path, free_port, KB_TRUSTED_PROXIES=trusted)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            asked = urllib.request.Request(
                f"http://127.0.0.1:{free_port}/sitemap.xml", headers={"X-Forwarded-Proto": "https"}
            )
            with urllib.request.urlopen(asked) as answer:
                assert f"{scheme}://127.0.0.1:{free_port}/" in answer.read().decode()
        finally:
            process.kill()


def test_every_fixture_is_a_record() -> None:
    assert len({record.id for record in demo.read()}) == len(demo.read())
