"""The units and settings of deploy/: they bind 127.0.0.1, write in one place, and are understood by what reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ogp_pipeline import cli
from ogp_pipeline.settings import Settings, project_file

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
HARDENING = {
    "User": "ogp",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "ReadWritePaths": "/var/lib/ogp",
    "CapabilityBoundingSet": "",
    "UMask": "0022",  # analysts read what is published
}


def settings_in(unit: Path) -> dict[str, str]:
    """The settings of a unit; each stands there once, but for comments and sections."""
    lines = [line for line in unit.read_text(encoding="utf-8").splitlines() if line and line[0] not in "#["]
    pairs = [tuple(line.split("=", 1)) for line in lines]
    assert len({name for name, _ in pairs}) == len(pairs), unit
    return dict(pairs)


def environment() -> dict[str, str]:
    """The variables of the example, also those that are commented out."""
    text = (DEPLOY / "ogp.env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_there_are_two_services() -> None:
    assert [unit.name for unit in UNITS] == ["ogp-daemon.service", "ogp-webserver.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_has_a_user_and_a_place_of_its_own_and_comes_back(unit: Path) -> None:
    found = settings_in(unit)
    assert {name: found.get(name) for name in HARDENING} == HARDENING
    assert found["Restart"] in ("always", "on-failure")
    assert found["EnvironmentFile"] == "/etc/ogp/ogp.env"
    program = Path(found["ExecStart"].split()[0])
    assert (Path(sys.executable).parent / program.name).exists(), "the virtual environment has that program"
    variables = environment()
    for name in ("OGP_DATA_DIR", "DAGSTER_HOME", "OGP_STATUS_FILE"):
        assert Path(variables[name]).is_relative_to(found["ReadWritePaths"]), name


def test_the_webserver_binds_this_machine_alone() -> None:
    words = settings_in(DEPLOY / "ogp-webserver.service")["ExecStart"].split()
    assert words[words.index("-h") + 1] == "127.0.0.1"
    port = words[words.index("-p") + 1]
    for proxy in ("nginx.conf", "Caddyfile"):
        assert f"127.0.0.1:{port}" in (DEPLOY / proxy).read_text(encoding="utf-8")


def test_the_user_interface_binds_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    started: list[list[str]] = []
    monkeypatch.setattr(cli.os, "execv", lambda program, words: started.append(words))
    for name in ("DAGSTER_HOME", "OGP_DATA_DIR"):
        monkeypatch.setenv(name, "")  # what the command sets is put back after the test
    done = CliRunner().invoke(cli.main, ["ui", "--data-dir", str(tmp_path / "data"), "--port", "3456"])
    assert done.exit_code == 0, done.output
    (words,) = started
    assert words[words.index("-h") + 1] == "127.0.0.1"
    assert not {"0.0.0.0", "::"} & set(words)
    refused = CliRunner().invoke(cli.main, ["ui", "--host", "0.0.0.0"])
    assert (refused.exit_code, "No such option" in refused.output) == (2, True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_a_service(unit: Path, tmp_path: Path) -> None:
    """A copy whose programs are there, since it asks for these too."""
    text = unit.read_text(encoding="utf-8").replace("/opt/ogp/.venv/bin", str(Path(sys.executable).parent))
    copy = tmp_path / unit.name
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert told == []


def test_the_environment_is_one_the_program_reads() -> None:
    variables = environment()
    settings = Settings.from_environment(variables)
    plain = Settings.from_environment({"OGP_DATA_DIR": variables["OGP_DATA_DIR"]})
    assert settings.keep_snapshot_days == plain.keep_snapshot_days, "the example shows the defaults"
    assert settings.webhook_url.startswith("https://")
    read = set(re.findall(r'"(OGP_[A-Z_]+|DAGSTER_HOME)"', project_file("ogp_pipeline/settings.py").read_text()))
    assert set(variables) - {"DAGSTER_HOME"} == read


def test_dagster_is_set_on_a_server_as_elsewhere() -> None:
    both = [yaml.safe_load(path.read_text()) for path in (DEPLOY / "dagster.yaml", project_file("dagster.yaml"))]
    assert both[0] == both[1]


def test_the_notes_name_files_and_variables_that_exist() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"deploy/([\w.]+\.(?:example|yaml|conf))", text):
        assert (DEPLOY / name).is_file(), name
    assert set(re.findall(r"OGP_[A-Z]+(?:_[A-Z]+)*", text)) <= set(environment())


def test_a_proxy_passes_websockets_and_no_password() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for line in ("proxy_http_version 1.1;", "Upgrade    $http_upgrade;", 'Authorization "";', "auth_basic_user_file"):
        assert line in nginx, line
    assert "header_up -Authorization" in (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
