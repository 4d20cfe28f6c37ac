"""For scripts/cluster: the processes of docker-compose.yml with the environment it gives them, on the servers of this machine.

    cluster_environment.py services once       names of our services that do their work and end, in their order
    cluster_environment.py services always     names of those that stay
    cluster_environment.py servers             do PostgreSQL and Redis answer? makes the database where there is none
    cluster_environment.py become SERVICE      turn into that service, in a session of its own
    cluster_environment.py check SERVICE       turn into its health check
    cluster_environment.py run COMMAND...      turn into a command with the environment of a worker

What differs here from the containers is said once, in ``_here`` and ``_servers``. It comes from KB_CLUSTER_DIR,
KB_CLUSTER_PORT, KB_CLUSTER_POSTGRES, KB_CLUSTER_REDIS and KB_CLUSTER_ELASTICSEARCH, which scripts/cluster sets.
"""

import os
import re
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import yaml

ROOT: Final = Path(__file__).parents[1]
DATABASE: Final = os.environ.get("KB_CLUSTER_DATABASE", "kb_cluster")
_VARIABLE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")

Service = dict[str, Any]


def services() -> dict[str, Service]:
    """The services that are ours, in the order in which they start."""
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    ours = {name: service for name, service in found.items() if "KB_DATABASE_URL" in service.get("environment", {})}
    before = {name: [other for other in service["depends_on"] if other in ours] for name, service in ours.items()}
    return {name: ours[name] for name in TopologicalSorter(before).static_order()}


def named(once: bool) -> list[str]:
    """Names of the services that end by themselves, or of the others."""
    return [name for name, service in services().items() if once == (service["restart"] == "no")]


def environment(service: Service) -> dict[str, str]:
    """What the compose file gives the service, with the folders, ports and servers of this machine."""
    servers, here = _servers(), _here()
    variables = here | {"POSTGRES_PASSWORD": "-", "ELASTIC_PASSWORD": "-", "REDIS_PASSWORD": "-"}
    given = {name: filled(str(value), variables | os.environ) for name, value in service["environment"].items()}
    return {name: here.get(name) or _moved(value, servers) for name, value in given.items()}


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}`` filled in, as Docker Compose does."""

    def value(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        if known := variables.get(found["name"]):
            return known
        if found["kind"] == "?":
            raise SystemExit(f"{found['name']} is missing: {found['rest']}")
        return found["rest"] or ""

    return _VARIABLE.sub(value, text)


def _here() -> dict[str, str]:
    folder, port = Path(os.environ["KB_CLUSTER_DIR"]), os.environ["KB_CLUSTER_PORT"]
    return {
        "KB_DATA_DIR": str(folder / "data"),
        "KB_HOST": "127.0.0.1",
        "KB_PORT": port,
        "KB_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "KB_SECRET_KEY": (folder / "secret").read_text("utf-8").strip(),
    }


def _servers() -> dict[str, str]:
    """By the host's name in the compose file: the URL of the server that takes its place."""
    postgres = urlsplit(os.environ["KB_CLUSTER_POSTGRES"])._replace(path=f"/{DATABASE}")
    return {
        "postgres": postgres.geturl(),
        "redis": os.environ["KB_CLUSTER_REDIS"],
        "elasticsearch": os.environ["KB_CLUSTER_ELASTICSEARCH"],
    }


def _moved(value: str, servers: Mapping[str, str]) -> str:
    """A URL of a server in the compose file, led to the one here; a path that the latter does not name stays."""
    url = urlsplit(value)
    if not url.hostname or url.hostname not in servers:
        return value
    server = urlsplit(servers[url.hostname])
    return server.geturl() if server.path.strip("/") else server._replace(path=url.path).geturl()


def look_for_servers() -> None:
    """Make our database where there is none. Raises SystemExit that says which servers are missing and how to get them."""
    missing = [what for what in (_postgres_missing(), _redis_missing()) if what]
    if missing:
        raise SystemExit("\n".join(missing))


def _postgres_missing() -> str:
    import psycopg
    from psycopg import sql

    try:
        with psycopg.connect(os.environ["KB_CLUSTER_POSTGRES"], autocommit=True, connect_timeout=5) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    except psycopg.Error as error:
        return _advice(
            "PostgreSQL", error, "postgresql", "KB_CLUSTER_POSTGRES=postgresql://user:password@host/database"
        )
    return ""


def _redis_missing() -> str:
    import redis

    try:
        redis.Redis.from_url(os.environ["KB_CLUSTER_REDIS"], socket_connect_timeout=5, socket_timeout=5).ping()
    except redis.RedisError as error:
        return _advice("Redis", error, "redis-server", "KB_CLUSTER_REDIS=redis://:password@host:6379/9")
    return ""


def _advice(server: str, error: Exception, package: str, example: str) -> str:
    return (
        f"{server} does not answer: {str(error).strip()}\n"
        f"  Install and start it (Debian: apt-get install {package}), or name one: {example}"
    )


def _become(command: list[str], values: Mapping[str, str]) -> NoReturn:
    """``kb`` and ``python`` are those of the environment that runs this."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.execvpe(command[0], command, {**os.environ, **values, "PATH": programs})  # noqa: S606


def main(action: str, *arguments: str) -> None:
    """One of the actions of the module's docstring."""
    match action:
        case "services":
            print(*named(arguments[0] == "once"), sep="\n")
        case "servers":
            look_for_servers()
        case "become":
            os.setsid()
            service = services()[arguments[0]]
            _become(service["command"], environment(service))
        case "check":
            service = services()[arguments[0]]
            _become(service["healthcheck"]["test"][1:], environment(service))
        case "run":
            _become(list(arguments), environment(services()["worker"]))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or ["help"])
