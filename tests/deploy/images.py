"""The image and the Compose file: valid by the format's own rules, and everything that they name is there.

No image is built here: that takes a Docker engine. What the image would start is started as it would be.
DEPLOY_DOCKERFILE_LINT names dockerfile-utils, where Node is.
"""

import fnmatch
import importlib.resources
import json
import os
import pathlib
import re
import tempfile

import jsonschema
import yaml
from dockerfile_parse import DockerfileParser

from settings import checked, lines_of
from stage import Http, Process, free_port, wait_for
from tree import COMMAND, DEPLOY, INSTALLED_COMMAND, PRODUCTION, ROOT, LeftOut, default, run, seconds, setting
from tree import understood

DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
# What a build needs of the tree.
NEEDED = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "src/main.rs", "config/default.toml", "tests/e2e/main.rs"]


def image() -> DockerfileParser:
    """The Dockerfile, parsed."""
    return DockerfileParser(str(DOCKERFILE), cache_content=True)


def instructions(name: str, last_stage: bool = True) -> list[str]:
    """The values of an instruction, of the stage that becomes the image or of all."""
    found: list[str] = []
    for step in image().structure:
        if step["instruction"] == "FROM" and last_stage:
            found = []
        if step["instruction"] == name:
            found.append(step["value"])
    return found


def health_command() -> list[str]:
    """The command of HEALTHCHECK."""
    return json.loads(instructions("HEALTHCHECK")[0].split("CMD ")[1])


def compose() -> dict:
    """The Compose file, with its anchors carried out."""
    return yaml.safe_load(COMPOSE.read_text())


def parts() -> dict[str, dict]:
    """Those services of the Compose file that are ours."""
    return {name: service for name, service in compose()["services"].items() if service["image"] == "causeway"}


def substituted(value: str) -> str:
    """A value with its variables filled in from example.env, as Compose does."""
    given = lines_of(COMPOSE.parent / "example.env")

    def fill(match: re.Match) -> str:
        name, default_value = match[1], match[3]
        assert name in given or match[2] == ":-", f"example.env says nothing of {name}"
        return given.get(name, default_value)

    return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", fill, value)


def the_dockerfile_is_what_docker_takes() -> None:
    linter = os.environ.get("DEPLOY_DOCKERFILE_LINT")
    if not linter:
        raise LeftOut("dockerfile-utils is not installed")
    done = run(linter, "lint", DOCKERFILE)
    assert done.returncode == 0, done.stdout + done.stderr
    with tempfile.TemporaryDirectory() as place:
        wrong = pathlib.Path(place) / "Dockerfile"
        wrong.write_text(DOCKERFILE.read_text().replace("--from=build", "--form=build"))
        assert run(linter, "lint", wrong).returncode == 1, "what is wrong is found"


def the_image_is_made_by_the_toolchain_and_profile_of_the_tree() -> None:
    manifest = (ROOT / "Cargo.toml").read_text()
    version = re.search(r'^rust-version = "([\d.]+)"', manifest, re.MULTILINE)
    assert version and image().parent_images[0].startswith(f"rust:{version[1]}-"), image().parent_images
    build = " ".join(instructions("RUN", last_stage=False))
    profile = re.search(r"--profile (\w+)", build)
    assert profile and f"[profile.{profile[1]}]" in manifest and f"target/{profile[1]}/causeway" in build
    assert "--locked" in build


def the_build_gets_every_source_and_no_output() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line[:1] not in ("", "#")]

    def goes_in(path: str) -> bool:
        inside = True
        for rule in rules:
            pattern = rule.removeprefix("!").removeprefix("**/")
            places = [path, *map(str, pathlib.PurePath(path).parents)]
            if any(fnmatch.fnmatch(place, pattern) for place in places):
                inside = rule.startswith("!")
        return inside

    for needed in NEEDED:
        assert (ROOT / needed).exists() and goes_in(needed), needed
    members = re.search(r"members = \[(.*?)\]", (ROOT / "Cargo.toml").read_text(), re.DOTALL)
    assert members
    for member in re.findall(r'"([^"]+)"', members[1]):
        assert goes_in(f"{member}/Cargo.toml"), member
    for output in ("target/debug/causeway", ".git/HEAD", "causeway-data/signing.key"):
        assert not goes_in(output), output
    for rule in (rule for rule in rules if rule.startswith("!")):
        assert (ROOT / rule[1:]).exists(), rule


def the_image_runs_one_program_as_nobody_and_needs_no_shell() -> None:
    assert not instructions("RUN") and not instructions("SHELL")
    assert instructions("USER") == ["65532:65532"]
    for form in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(instructions(form)[0]), list), form
    assert json.loads(instructions("ENTRYPOINT")[0]) == [INSTALLED_COMMAND]
    assert any(copy.endswith(f" {INSTALLED_COMMAND}") for copy in instructions("COPY"))
    understood(json.loads(instructions("CMD")[0]))
    assert health_command()[0] == INSTALLED_COMMAND
    understood(health_command()[1:])


def the_image_listens_on_the_usual_ports_and_exposes_them() -> None:
    environment = image().envs
    exposed = set(instructions("EXPOSE")[0].split())
    for name, value in environment.items():
        if name == "CAUSEWAY_DATA_DIR":
            assert value in instructions("VOLUME")
            continue
        host, _, port = value.partition(":")
        assert host == "0.0.0.0" and port in exposed, name
        if not name.endswith("ADMIN"):
            key = name.removeprefix("CAUSEWAY_").lower().replace("__", ".")
            assert default(key).endswith(f":{port}"), key
    checked(PRODUCTION, environment)


def the_image_knows_whether_it_is_healthy() -> None:
    with tempfile.TemporaryDirectory() as place:
        environment = {name: f"127.0.0.1:{free_port()}" for name in image().envs if "LISTEN" in name or "ADMIN" in name}
        environment["CAUSEWAY_DATA_DIR"] = f"{place}/data"

        def health() -> int:
            return run(COMMAND, *health_command()[1:], environment=environment, cwd=place).returncode

        command = [COMMAND, *json.loads(instructions("CMD")[0])]
        bridge = Http(environment["CAUSEWAY_BRIDGE__LISTEN"])
        with Process(command, environment, pathlib.Path(place)) as process:
            wait_for("it is ready", lambda: bridge.get("/readyz") == 200)
            assert health() == 0
            process.kill()
            assert health() == 1


def compose_yaml_is_what_compose_takes() -> None:
    schemas = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.validate(compose())
    wrong = compose()
    wrong["services"]["chat"]["stop_grace_perriod"] = "1s"
    assert not validator.is_valid(wrong), "what is wrong is found"


def compose_starts_two_of_each() -> None:
    count: dict[str, int] = {}
    for service in parts().values():
        part = service["command"][0]
        count[part] = count.get(part, 0) + service.get("deploy", {}).get("replicas", 1)
    assert count == {"bridge": 2, "chat": 2, "notification": 2, "presence": 2}, count


def compose_mounts_files_that_are_there() -> None:
    for name, service in compose()["services"].items():
        for volume in service.get("volumes", []):
            source = substituted(volume).split(":")[0]
            if source.startswith(".") and not source.endswith(".pub.pem"):
                assert (COMPOSE.parent / source).resolve().is_file(), f"{name}: {source}"
    build = parts()["chat"]["build"]
    context = (COMPOSE.parent / build["context"]).resolve()
    assert context == ROOT and (context / build["dockerfile"]) == DOCKERFILE


def every_part_in_compose_is_taken_by_the_program() -> None:
    for service in parts().values():
        understood(service["command"])
        environment = {name: substituted(value) for name, value in service["environment"].items()}
        checked(PRODUCTION, image().envs | environment)


def only_services_of_compose_know_the_database() -> None:
    for service in parts().values():
        knows = "CAUSEWAY_STORE__URL" in service["environment"]
        assert knows == (service["command"] != ["bridge"]), service["command"]


def every_part_in_compose_has_longer_to_stop_than_it_takes_and_room_for_sockets() -> None:
    for name, service in parts().items():
        assert seconds(service["stop_grace_period"]) >= seconds(setting(PRODUCTION, "stop.timeout")) + 10, name
        assert service["ulimits"]["nofile"] > setting(PRODUCTION, "bridge.max_connections") + 256, name
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name


def nginx_in_compose_knows_the_bridges() -> None:
    bridges = [name for name, service in parts().items() if service["command"] == ["bridge"]]
    servers = re.findall(r"^server (\S+)", (COMPOSE.parent / "bridges.conf").read_text(), re.MULTILINE)
    port = image().envs["CAUSEWAY_BRIDGE__LISTEN"].partition(":")[2]
    assert servers == [f"{bridge}:{port}" for bridge in bridges]
    listens = re.findall(r"listen (\d+)", (COMPOSE.parent / "site.conf").read_text())
    published = [port.split(":")[1] for port in compose()["services"]["nginx"]["ports"]]
    assert listens == published


CHECKS = [
    the_dockerfile_is_what_docker_takes,
    the_image_is_made_by_the_toolchain_and_profile_of_the_tree,
    the_build_gets_every_source_and_no_output,
    the_image_runs_one_program_as_nobody_and_needs_no_shell,
    the_image_listens_on_the_usual_ports_and_exposes_them,
    the_image_knows_whether_it_is_healthy,
    compose_yaml_is_what_compose_takes,
    compose_starts_two_of_each,
    compose_mounts_files_that_are_there,
    every_part_in_compose_is_taken_by_the_program,
    only_services_of_compose_know_the_database,
    every_part_in_compose_has_longer_to_stop_than_it_takes_and_room_for_sockets,
    nginx_in_compose_knows_the_bridges,
]
