"""docker-compose.yml and the override for many machines: what they publish, confine, wait for, and which names they use."""

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest

from search_ui.edge import MAX_BODY
from tests.deploy.compose import (
    CLUSTER,
    COMPOSE,
    FILLED,
    ROOT,
    accepts,
    command_line,
    configured,
    known_settings,
    ours,
    read,
    services,
    variables,
)

#: Files that tell people which variables there are.
TOLD = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), ROOT / "deploy" / "README.md")
EXAMPLE = ROOT / ".env.example"
#: Their start scripts write to their root file system.
WRITES_ITS_ROOT = re.compile(r"elasticsearch(-\d)?|node-certificates")


@pytest.fixture(scope="module", params=[(COMPOSE,), (COMPOSE, CLUSTER)], ids=["one machine", "many"])
def whole(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The configuration as Docker Compose itself understands it."""
    return configured(*request.param)


def _lasting(whole: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in whole["services"].items() if service["restart"] != "no"}


def test_every_image_has_a_version(whole: dict[str, Any]) -> None:
    for service in whole["services"].values():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"])


def test_only_the_proxy_can_be_reached_from_outside(whole: dict[str, Any]) -> None:
    assert [name for name, service in whole["services"].items() if "ports" in service] == ["proxy"]
    assert {port["published"] for port in whole["services"]["proxy"]["ports"]} == {"80", "443"}


def test_only_the_proxy_and_the_worker_that_sends_mail_have_a_way_out(whole: dict[str, Any]) -> None:
    open_networks = {name for name, network in whole["networks"].items() if not network.get("internal")}
    reached = {name: open_networks & set(service.get("networks") or ()) for name, service in whole["services"].items()}
    assert {name: networks for name, networks in reached.items() if networks} == {
        "proxy": {"outside"},
        "worker": {"mail"},
    }


def test_the_proxy_cannot_reach_the_servers_behind_the_site(whole: dict[str, Any]) -> None:
    proxy = set(whole["services"]["proxy"]["networks"])
    for name in ("postgres", "elasticsearch", "redis"):
        assert proxy.isdisjoint(whole["services"][name]["networks"])


def test_no_process_has_rights_that_it_does_not_need(whole: dict[str, Any]) -> None:
    for service in whole["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"}
        assert service.get("network_mode") != "host"


def test_nothing_of_the_machine_is_mounted_but_named_volumes(whole: dict[str, Any]) -> None:
    mounted = [volume for service in whole["services"].values() for volume in service.get("volumes", ())]
    assert {volume["type"] for volume in mounted} == {"volume"}
    assert {volume["source"] for volume in mounted} == set(whole["volumes"])


def test_programs_cannot_be_changed_while_they_run(whole: dict[str, Any]) -> None:
    writable = {name for name, service in whole["services"].items() if not service.get("read_only")}
    assert all(WRITES_ITS_ROOT.fullmatch(name) for name in writable), writable


def test_one_process_cannot_take_the_whole_machine(whole: dict[str, Any]) -> None:
    for service in whole["services"].values():
        limits = service["deploy"]["resources"]["limits"]
        assert float(limits["cpus"]) > 0
        assert int(limits["memory"]) > 0
        assert limits["pids"] > 0


def test_logs_do_not_fill_the_disk(whole: dict[str, Any]) -> None:
    for service in whole["services"].values():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_whatever_stays_is_watched_and_started_again(whole: dict[str, Any]) -> None:
    for service in _lasting(whole).values():
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
        assert {"interval", "timeout", "start_period", "retries"} <= service["healthcheck"].keys()


def test_a_process_of_ours_starts_when_the_tables_are_there_and_the_servers_answer(whole: dict[str, Any]) -> None:
    for name in ours().keys() - {"migrate"}:
        waits = {other: wait["condition"] for other, wait in whole["services"][name]["depends_on"].items()}
        assert waits.pop("migrate") == "service_completed_successfully"
        assert waits == dict.fromkeys(("postgres", "elasticsearch", "redis"), "service_healthy")


def test_the_processes_of_ours_differ_in_their_command_only(whole: dict[str, Any]) -> None:
    environments = [whole["services"][name]["environment"] for name in ours()]
    assert all(environment == environments[0] for environment in environments)
    assert len({whole["services"][name]["image"] for name in ours()}) == 1


def test_only_the_proxy_is_believed_about_who_asks(whole: dict[str, Any]) -> None:
    trusted = whole["services"]["web"]["environment"]["KB_TRUSTED_PROXIES"]
    assert trusted == whole["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    pool = whole["networks"]["front"]["ipam"]["config"][0]
    assert ipaddress.ip_address(trusted) in ipaddress.ip_network(pool["subnet"])
    assert ipaddress.ip_address(trusted) not in ipaddress.ip_network(pool["ip_range"])


def test_a_rebuilt_index_of_many_nodes_is_asked_at_every_node() -> None:
    many = configured(COMPOSE, CLUSTER)["services"]
    nodes = [name for name in many if re.fullmatch(r"elasticsearch(-\d)?", name)]
    hosts = many["web"]["environment"]["KB_SEARCH_URL"].rpartition("@")[2].partition("/")[0]
    assert sorted(hosts.split(",")) == sorted(f"{name}:9200" for name in nodes)
    assert {many[name]["environment"]["node.name"] for name in nodes} == set(nodes)
    assert {many[name]["environment"]["discovery.seed_hosts"] for name in nodes} == {",".join(nodes)}
    stores = [
        volume["source"] for name in nodes for volume in many[name]["volumes"] if volume["target"].endswith("data")
    ]
    assert len(set(stores)) == len(nodes) == 3


# Names


def test_every_setting_that_is_set_is_one_that_the_product_has() -> None:
    for path in (COMPOSE, CLUSTER):
        for service in services(path).values():
            assert {name for name in service.get("environment", ()) if name.startswith("KB_")} <= known_settings()


def test_every_setting_that_the_documents_name_is_one_that_the_product_has() -> None:
    readers = [
        ROOT / "scripts" / "cluster",
        *(ROOT / "scripts" / "bench").glob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
    ]
    others = "".join(path.read_text("utf-8") for path in readers)
    for path in (*TOLD, EXAMPLE):
        for name in set(re.findall(r"\bKB_[A-Z_]*[A-Z]\b", path.read_text("utf-8"))) - known_settings():
            assert re.match("KB_(CLUSTER|BENCH|TEST|ES)_", name), f"{path.name} names {name}"
            assert name in others, f"{path.name} names {name}"


def test_every_command_is_one_that_kb_has() -> None:
    group = command_line()
    for name, service in ours().items():
        assert accepts(group, service["command"][1:]), f"{name}: {service['command']}"
        check = service.get("healthcheck", {}).get("test", [])[1:]
        assert check[:1] != ["kb"] or accepts(group, check[1:]), f"{name}: {check}"


def test_every_queue_has_a_worker() -> None:
    from indexer.tasks import QUEUES

    commands = [service["command"] for service in ours().values()]
    assert {command[3] for command in commands if command[1:3] == ["worker", "--queues"]} == set(QUEUES)


# Secrets


def test_no_secret_is_written_down_and_none_has_a_default() -> None:
    for path in (COMPOSE, CLUSTER):
        for service in services(path).values():
            for name, value in service.get("environment", {}).items():
                if re.search("PASSWORD|SECRET|AUTH", name):
                    assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
                password = re.search(r"://[^/@:]*:(.+)@", str(value))
                assert not password or re.fullmatch(r"\$\{\w+:\?[^}]+\}", password[1]), name


def test_what_must_be_filled_in_is_empty_in_the_example_and_nothing_else_is_asked_for() -> None:
    text = COMPOSE.read_text("utf-8") + CLUSTER.read_text("utf-8")
    required = set(re.findall(r"\$\{(\w+):\?", text))
    given = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE))
    assert given == dict.fromkeys(required, "")
    assert required == FILLED.keys()


def test_what_may_be_chosen_is_in_the_example_with_its_default() -> None:
    text = COMPOSE.read_text("utf-8") + CLUSTER.read_text("utf-8")
    optional = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    shown = re.findall(r"^#(\w+)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert optional.items() <= set(shown)
    assert variables(text) == optional.keys() | FILLED.keys()


def test_git_and_docker_leave_the_secrets_out() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").split()
    assert (ROOT / ".dockerignore").read_text("utf-8").split("\n", 2)[1] == "*"


# The proxy


def test_the_proxy_takes_as_much_as_the_site_does() -> None:
    limit = re.search(r"max_size (\d+)MB", _caddyfile())
    assert limit
    assert int(limit[1]) * 1_000_000 == MAX_BODY


def test_the_proxy_asks_the_site_where_it_listens() -> None:
    address = dict(re.findall(r"\b(name|port) (\w+)$", _caddyfile(), re.MULTILINE))
    assert address["name"] in services()
    assert address["port"] == read(COMPOSE)["x-kb-environment"]["KB_PORT"]


def test_the_figures_of_the_site_are_not_for_the_public() -> None:
    hidden = re.search(r"@inner path (.+)$", _caddyfile(), re.MULTILINE)
    assert hidden
    assert hidden[1].split() == ["/metrics", "/readyz"]
    assert "respond @inner 404" in _caddyfile()


def _caddyfile(path: Path = ROOT / "deploy" / "Caddyfile") -> str:
    return path.read_text("utf-8")
