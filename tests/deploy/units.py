"""systemd units: `systemd-analyze` takes them, they are closed to the world, and agree with the settings."""

import pathlib
import re
import shlex
import tempfile

from settings import checked
from tree import COMMAND, DEPLOY, INSTALLED_COMMAND, PRODUCTION, program, run, seconds, setting, understood, well

UNITS = DEPLOY / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
# Of 10, as `systemd-analyze security` counts; a unit without any of it has 9.6.
EXPOSURE = 2.0
# What stands for %i.
INSTANCES = {"plugin": "telegram"}


def directives(unit: pathlib.Path) -> dict[str, list[str]]:
    """The directives of a unit, each with its values in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def instance_of(unit: pathlib.Path) -> str:
    """Some instance of a template."""
    part = re.sub(r"causeway-|@\.service", "", unit.name)
    return INSTANCES.get(part, "1")


def systemd_takes_every_unit() -> None:
    analyze = program("systemd-analyze")
    with tempfile.TemporaryDirectory() as place:
        copies = []
        for unit in [*SERVICES, *UNITS.glob("*.target")]:
            copy = pathlib.Path(place) / unit.name
            copy.write_text(unit.read_text().replace(INSTALLED_COMMAND, COMMAND))
            copies.append(copy)
        done = run(analyze, "verify", "--man=no", "--recursive-errors=yes", *copies)
        said = [line for line in done.stderr.splitlines() if "causeway" in line]
        assert not said, "\n".join(said)
        assert done.returncode == 0, done.stderr


def systemd_would_say_what_is_wrong() -> None:
    analyze = program("systemd-analyze")
    with tempfile.TemporaryDirectory() as place:
        copy = pathlib.Path(place) / "causeway.service"
        text = (UNITS / "causeway.service").read_text().replace(INSTALLED_COMMAND, COMMAND)
        copy.write_text(text.replace("TimeoutStopSec=", "TimeoutStopSecs="))
        assert "TimeoutStopSecs" in run(analyze, "verify", "--man=no", copy).stderr


def every_service_is_closed_to_the_world() -> None:
    analyze = program("systemd-analyze")
    for unit in SERVICES:
        done = run(analyze, "security", "--offline=yes", unit)
        level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        if level is None:
            raise AssertionError(done.stdout + done.stderr)
        assert float(level[1]) <= EXPOSURE, f"{unit.name}: {level[1]}"


def every_service_has_the_same_sandbox() -> None:
    sandboxes = {unit.read_text().split("# The process may")[1].split("[Install]")[0] for unit in SERVICES}
    assert len(sandboxes) == 1


def every_service_starts_what_there_is() -> None:
    for unit in SERVICES:
        line = directives(unit)["ExecStart"][0].replace("%i", instance_of(unit))
        command, *arguments = shlex.split(line)
        assert command == INSTALLED_COMMAND, unit
        understood(arguments)


def every_service_has_longer_to_stop_than_it_takes() -> None:
    for unit in SERVICES:
        given = directives(unit)
        assert seconds(given["TimeoutStopSec"][0]) >= seconds(setting(PRODUCTION, "stop.timeout")) + 10, unit
        assert given["KillSignal"] == ["SIGTERM"] and given["Restart"] == ["on-failure"], unit
        assert "-HUP $MAINPID" in given["ExecReload"][0], unit


def every_service_may_have_as_many_files_as_sockets() -> None:
    for unit in SERVICES:
        assert int(directives(unit)["LimitNOFILE"][0]) > setting(PRODUCTION, "bridge.max_connections") + 256


def the_environment_of_every_service_is_taken() -> None:
    for unit in SERVICES:
        pairs = [value.split("=", 1) for value in directives(unit).get("Environment", [])]
        checked(PRODUCTION, {name: value.replace("%i", "1") for name, value in pairs})


def processes_on_one_machine_have_ports_of_their_own() -> None:
    taken: set[str] = set()
    for unit in SERVICES:
        addresses = [value.rpartition("=")[2] for value in directives(unit).get("Environment", [])]
        for address in (address.replace("%i", str(n)) for address in addresses for n in range(1, 10)):
            assert address not in taken, f"{unit.name}: {address}"
            taken.add(address)


def the_user_of_the_services_can_be_made() -> None:
    sysusers = program("systemd-sysusers")
    users = UNITS / "causeway.sysusers"
    with tempfile.TemporaryDirectory() as root:
        (pathlib.Path(root) / "etc").mkdir()
        said = well(sysusers, "--root", root, "--replace", "/usr/lib/sysusers.d/causeway.conf", users)
        made = (pathlib.Path(root) / "etc" / "passwd").read_text()
        assert "causeway:" in made and "/var/lib/causeway" in made, said
    for unit in SERVICES:
        assert directives(unit)["User"] == ["causeway"], unit


CHECKS = [
    systemd_takes_every_unit,
    systemd_would_say_what_is_wrong,
    every_service_is_closed_to_the_world,
    every_service_has_the_same_sandbox,
    every_service_starts_what_there_is,
    every_service_has_longer_to_stop_than_it_takes,
    every_service_may_have_as_many_files_as_sockets,
    the_environment_of_every_service_is_taken,
    processes_on_one_machine_have_ports_of_their_own,
    the_user_of_the_services_can_be_made,
]
