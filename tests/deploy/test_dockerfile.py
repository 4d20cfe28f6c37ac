"""The Dockerfile: pinned, small, without rights, and of the versions that the rest expects."""

import re
import subprocess

from kb.settings import Settings
from tests.deploy.compose import COMPOSE, ROOT, ours, program, read, services

FILE = ROOT / "Dockerfile"


def _instructions() -> list[tuple[str, str]]:
    """(instruction, rest) in order; lines that go on are joined, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def _of(instruction: str) -> list[str]:
    return [rest for name, rest in _instructions() if name == instruction]


def _stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage, after those of the stage that it is built on."""
    stages: dict[str, list[tuple[str, str]]] = {}
    for name, rest in _instructions():
        if name == "FROM":
            base, _, stage = rest.partition(" AS ")
            current = stages[stage] = list(stages.get(base, []))
        current.append((name, rest))
    return stages


def _targets() -> dict[str, dict[str, str]]:
    """The images that the compose file can ask for: the last value of each instruction."""
    return {name: dict(_stages()[name]) for name in ("application", "transformers", "proxy")}


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([program("hadolint"), str(FILE)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_base_has_an_exact_version() -> None:
    bases = {rest.partition(" AS ")[0] for rest in _of("FROM")} - _stages().keys()
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", base) for base in bases), bases


def test_every_image_runs_as_a_user_with_a_fixed_number() -> None:
    for last in _targets().values():
        assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", last["USER"])


def test_every_image_says_how_to_start_and_watch_it_without_a_shell() -> None:
    for last in _targets().values():
        assert last["CMD"].startswith("[")
        assert re.search(r"CMD \[", last["HEALTHCHECK"])


def test_nothing_comes_from_an_address() -> None:
    assert not _of("ADD")
    assert not [rest for rest in _of("RUN") if re.search(r"curl|wget|git clone|https?://", rest)]


def test_packages_of_debian_come_without_recommendations_and_leave_no_lists() -> None:
    for rest in _of("RUN"):
        if "apt-get install" in rest:
            assert "--no-install-recommends" in rest
            assert "rm -rf /var/lib/apt/lists/*" in rest


def test_every_package_of_python_is_checked_against_its_hash_and_none_is_compiled() -> None:
    installed = [rest for rest in _of("RUN") if re.search(r"install .*-r ", rest)]
    assert len(installed) == 2
    assert all("--require-hashes" in rest and "--only-binary :all:" in rest for rest in installed)


def test_what_was_built_for_the_analysis_and_the_languages_is_in_the_image() -> None:
    built = " ".join(_of("RUN"))
    assert "-m indexer.analysis" in built
    assert "-m search_ui.i18n compile" in built


def test_every_file_that_is_copied_is_there_and_gets_past_dockerignore() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for rest in _of("COPY"):
        if "--from" in rest:
            continue
        for name in rest.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert name in allowed, name


def test_every_target_of_the_compose_file_is_a_stage() -> None:
    asked = {service["build"]["target"] for service in services().values() if "build" in service}
    assert {re.sub(r"\$\{IMAGE_TARGET:-(\w+)\}", r"\1", target) for target in asked} <= _stages().keys()
    assert list(_stages())[-1] == "application", "docker build without a target makes the last one"


def test_a_backup_is_made_by_programs_as_new_as_the_server() -> None:
    client = re.search(r"postgresql-client-(\d+)", FILE.read_text("utf-8"))
    assert client
    assert services()["postgres"]["image"].startswith(f"postgres:{client[1]}.")


def test_the_image_has_the_settings_of_a_container() -> None:
    said = dict(re.findall(r"(\w+)=(\S+)", " ".join(_of("ENV"))))
    assert {name.removeprefix("KB_").lower() for name in said if name.startswith("KB_")} <= Settings.model_fields.keys()
    assert said["KB_DATA_DIR"] == read(COMPOSE)["x-kb-environment"]["KB_DATA_DIR"]
    mounted = {volume.partition(":")[2] for service in ours().values() for volume in service["volumes"]}
    assert mounted == {"/data", "/models"}
