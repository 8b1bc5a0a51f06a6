"""Settings: the program takes each file that is shipped, together with the environment that goes with it."""

import pathlib
import tempfile

import yaml

from tree import COMMAND, DEPLOY, PRODUCTION, default, installed, run, seconds, setting, well

KUBERNETES = DEPLOY / "kubernetes" / "causeway.toml"


def checked(settings: pathlib.Path, environment: dict[str, str]) -> None:
    """Fails unless `config check` finds nothing wrong."""
    with tempfile.TemporaryDirectory() as place:
        file = installed(settings, pathlib.Path(place))
        well(COMMAND, "config", "check", "--config", file, environment=environment, cwd=place)


def lines_of(file: pathlib.Path) -> dict[str, str]:
    """The variables of a file of NAME=value lines."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def production_toml_is_taken() -> None:
    checked(PRODUCTION, {})


def production_toml_keeps_pages_on_localhost_out() -> None:
    assert setting(PRODUCTION, "bridge.allow_localhost_origins") is False
    assert all(origin.startswith("https://") for origin in setting(PRODUCTION, "bridge.origins"))


def the_environment_of_the_units_is_taken() -> None:
    checked(PRODUCTION, lines_of(DEPLOY / "systemd" / "causeway.env"))


def the_settings_of_kubernetes_are_taken() -> None:
    checked(KUBERNETES, {})


def a_key_that_does_not_exist_would_be_found() -> None:
    with tempfile.TemporaryDirectory() as place:
        file = installed(PRODUCTION, pathlib.Path(place))
        environment = {"CAUSEWAY_BRIDGE__DRIAN": "30s"}
        done = run(COMMAND, "config", "check", "--config", file, environment=environment, cwd=place)
        assert done.returncode == 2 and "drain" in done.stderr, done.stderr


def every_stop_leaves_room_for_the_orderly_way() -> None:
    for file in (PRODUCTION, KUBERNETES):
        orderly = seconds(setting(file, "stop.lead")) + seconds(setting(file, "bridge.drain"))
        assert seconds(setting(file, "stop.timeout")) >= orderly + 15, file


def the_addresses_of_the_services_agree_with_the_ports_of_the_image() -> None:
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    for part in ("chat", "notification", "presence"):
        port = default(f"services.{part}.listen").rpartition(":")[2]
        in_compose = compose["services"]["chat"]["environment"][f"CAUSEWAY_SERVICES__{part.upper()}__URL"]
        assert in_compose == f"dns:///{part}:{port}", in_compose
        assert setting(KUBERNETES, f"services.{part}.url") == f"dns:///causeway-{part}:{port}"


CHECKS = [
    production_toml_is_taken,
    production_toml_keeps_pages_on_localhost_out,
    the_environment_of_the_units_is_taken,
    the_settings_of_kubernetes_are_taken,
    a_key_that_does_not_exist_would_be_found,
    every_stop_leaves_room_for_the_orderly_way,
    the_addresses_of_the_services_agree_with_the_ports_of_the_image,
]
