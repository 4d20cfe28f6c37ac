"""Docker's files as the tests see them: read, and with the override on top."""

import json
import os
import re
import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any, Final

import typer
import yaml
from typer.core import TyperGroup

from kb.settings import Settings

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "docker-compose.yml"
CLUSTER: Final = ROOT / "deploy" / "docker-compose.cluster.yml"
#: Names that a person fills in, with values that a person might choose.
FILLED: Final = {
    "KB_PUBLIC_URL": "https://example.org",
    "ACME_EMAIL": "admin@example.org",
    "KB_SECRET_KEY": "0123456789abcdef",
    "POSTGRES_PASSWORD": "postgres-password",
    "ELASTIC_PASSWORD": "elastic-password",
    "REDIS_PASSWORD": "redis-password",
}


@cache
def read(path: Path) -> dict[str, Any]:
    """The whole file, anchors resolved, variables not filled in."""
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def services(path: Path = COMPOSE) -> dict[str, Any]:
    """The file's services by name."""
    found: dict[str, Any] = read(path)["services"]
    return found


def ours() -> dict[str, Any]:
    """The services that run the ``kb`` command."""
    return {name: service for name, service in services().items() if service.get("command", [""])[0] == "kb"}


def known_settings() -> set[str]:
    """Every environment variable that the product reads."""
    return {f"KB_{name.upper()}" for name in Settings.model_fields}


def command_line() -> TyperGroup:
    """The ``kb`` command with all its commands."""
    from search_ui import cli

    cli._join()
    found = typer.main.get_command(cli.app)
    assert isinstance(found, TyperGroup)
    return found


def accepts(group: TyperGroup, arguments: list[str]) -> bool:
    """Whether ``kb`` has this command with these options."""
    command = group.commands.get(arguments[0])
    options = {name for parameter in command.params for name in parameter.opts} if command else set()
    return command is not None and all(one in options for one in arguments[1:] if one.startswith("--"))


def configured(*files: Path) -> dict[str, Any]:
    """What Docker Compose itself makes of the files, with FILLED for the variables. It needs no engine for that."""
    arguments = [argument for file in files for argument in ("--file", str(file))]
    command = [program("docker-compose"), *arguments, "--env-file", "/dev/null", "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **FILLED}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def variables(text: str) -> set[str]:
    """Names in ``${...}`` of a text."""
    return set(re.findall(r"\$\{(\w+)", text))


def program(name: str) -> str:
    """Where a program is that the environment of development has. Raises AssertionError for one that is missing."""
    found = which(name, path=sysconfig.get_path("scripts")) or which(name)
    assert found, f"{name} is not installed; run: make test"
    return found
