"""scripts/cluster: the same environment as in the containers; what it says and what it leaves alone. It needs no server."""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.deploy.compose import COMPOSE, FILLED, ROOT, configured, ours, program, services

SCRIPT = ROOT / "scripts" / "cluster"
NOWHERE = {
    "KB_CLUSTER_POSTGRES": "postgresql://nobody@127.0.0.1:1/none",
    "KB_CLUSTER_REDIS": "redis://127.0.0.1:1/0",
    "KB_CLUSTER_ELASTICSEARCH": "http://127.0.0.1:1",
}
HERE = {
    "KB_CLUSTER_PORT": "8123",
    "KB_CLUSTER_POSTGRES": "postgresql://someone:secret@db.example:5433/test?sslmode=require",
    "KB_CLUSTER_REDIS": "redis://:secret@queue.example:6380/3",
    "KB_CLUSTER_ELASTICSEARCH": "http://127.0.0.1:9270,127.0.0.1:9271",
}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/cluster_environment.py, for a cluster with these servers."""
    (tmp_path / "secret").write_text("a secret of this machine\n")
    for name, value in (HERE | {"KB_CLUSTER_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("cluster_environment", ROOT / "scripts" / "cluster_environment.py")
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _cluster(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("KB_")}
    values = known | NOWHERE | {"KB_CLUSTER_DIR": str(folder)} | environment
    return subprocess.run([str(SCRIPT), *arguments], env=values, capture_output=True, text=True, timeout=120)


def test_variables_are_filled_in_as_docker_compose_does(module: ModuleType) -> None:
    docker = configured(COMPOSE)["services"]
    for name, service in services().items():
        given = {key: module.filled(str(value), FILLED) for key, value in service.get("environment", {}).items()}
        assert given.items() <= docker[name].get("environment", {}).items()


def test_a_variable_that_must_be_set_is_named_when_it_is_missing(module: ModuleType) -> None:
    with pytest.raises(SystemExit, match="NAME is missing: set it"):
        module.filled("a${NAME:?set it}", {"NAME": ""})
    assert module.filled("a${NAME:-b}$$c", {}) == "ab$c"


def test_the_processes_are_those_of_the_compose_file_in_the_order_of_their_waiting(module: ModuleType) -> None:
    assert module.services() == ours()
    assert module.named(once=True) == ["migrate"]
    assert set(module.named(once=False)) == ours().keys() - {"migrate"}
    assert next(iter(module.services())) == "migrate"


def test_the_environment_has_the_same_names_and_the_servers_of_this_machine(module: ModuleType, tmp_path: Path) -> None:
    for service in ours().values():
        found = module.environment(service)
        assert found.keys() == service["environment"].keys()
        assert found["KB_DATABASE_URL"] == "postgresql://someone:secret@db.example:5433/kb_cluster?sslmode=require"
        assert found["KB_SEARCH_URL"] == "http://127.0.0.1:9270,127.0.0.1:9271/kb"
        assert found["KB_BROKER_URL"] == HERE["KB_CLUSTER_REDIS"]
        assert found["KB_DATA_DIR"] == str(tmp_path / "data")
        assert (found["KB_HOST"], found["KB_PORT"]) == ("127.0.0.1", "8123")
        assert found["KB_SECRET_KEY"] == "a secret of this machine"
        assert found["KB_ENVIRONMENT"] == service["environment"]["KB_ENVIRONMENT"]


def test_an_index_of_ones_own_keeps_its_name(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_CLUSTER_ELASTICSEARCH", "http://me:secret@search.example:9200/mine")
    assert module.environment(ours()["web"])["KB_SEARCH_URL"] == "http://me:secret@search.example:9200/mine"


def test_every_server_that_is_missing_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    done = _cluster(tmp_path, "start", "--port", "8991")
    assert done.returncode == 1
    for told in (
        "PostgreSQL does not answer",
        "KB_CLUSTER_POSTGRES=",
        "apt-get install redis-server",
        "KB_CLUSTER_REDIS=",
    ):
        assert told in done.stderr
    assert not list(tmp_path.glob("*.pid"))


def test_nothing_runs_before_a_start_and_status_says_so(tmp_path: Path) -> None:
    done = _cluster(tmp_path, "status")
    assert done.returncode == 1
    assert "worker does not run" in done.stdout
    assert "it does not run" in _cluster(tmp_path, "run", "true").stderr


def test_two_nodes_are_refused(tmp_path: Path) -> None:
    done = _cluster(tmp_path, "start", "--nodes", "2")
    assert done.returncode == 1
    assert "one node or three" in done.stderr


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else that leads a group."""
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_process_that_has_the_number_of_an_old_one_of_ours_is_left_alone(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "web.pid").write_text(f"{stranger.pid}\n")
    assert "web does not run" in _cluster(tmp_path, "status").stdout
    assert _cluster(tmp_path, "stop").returncode == 0
    assert stranger.poll() is None
    assert not (tmp_path / "web.pid").exists()


def test_what_a_killed_leader_left_behind_is_ended(tmp_path: Path) -> None:
    python = str(ROOT / ".venv" / "bin" / "python")
    child = f"import subprocess; print(subprocess.Popen([{python!r}, '-c', 'input()'], stdin=subprocess.PIPE).pid, flush=True)"
    with subprocess.Popen(
        [python, "-c", f"{child}; import time; time.sleep(60)"],
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    ) as leader:
        assert leader.stdout
        orphan = int(leader.stdout.readline())
        leader.kill()
    (tmp_path / "worker.pid").write_text(f"{leader.pid}\n")
    assert _cluster(tmp_path, "stop").returncode == 0
    assert not _lives(orphan)


def _lives(process: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


@pytest.mark.parametrize("script", ["scripts/cluster", "scripts/smoke", ".ci/run"])
def test_shellcheck_has_nothing_to_say(script: str) -> None:
    done = subprocess.run([program("shellcheck"), script], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
