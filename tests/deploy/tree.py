"""The tree under test, and the program made from it.

DEPLOY_COMMAND  the program
"""

import os
import pathlib
import re
import shutil
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "config" / "deploy"
PRODUCTION = ROOT / "config" / "production.toml"
COMMAND = os.environ["DEPLOY_COMMAND"]

# Where the files say that things are, and what stands in for it.
INSTALLED_COMMAND = "/usr/local/bin/causeway"
INSTALLED_KEY = "/etc/causeway/2026.pub.pem"


class LeftOut(Exception):
    """A check cannot be made here."""


def program(name: str) -> str:
    """Where a program is; leaves the check out where there is none, but not where CI is set."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found:
        return found
    assert not os.environ.get("CI"), f"{name} is not installed"
    raise LeftOut(f"{name} is not installed")


def run(*arguments, environment=None, **options) -> subprocess.CompletedProcess:
    """Runs a command to its end. Its environment has nothing of ours but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAUSEWAY_")}
    return subprocess.run(
        [str(argument) for argument in arguments],
        env=kept | (environment or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def well(*arguments, **options) -> str:
    """Runs a command that must succeed, and returns what it prints."""
    done = run(*arguments, **options)
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def key_pair(directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Makes an ES256 key pair: the private key (PKCS #8) and the public one."""
    program("openssl")
    private, public = directory / "2026.pem", directory / "2026.pub.pem"
    if not public.exists():
        curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        well("openssl", "genpkey", *curve, "-out", private)
        well("openssl", "pkey", "-in", private, "-pubout", "-out", public)
    return private, public


def installed(settings: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """A settings file as it would be on a machine where its key is in place."""
    text = settings.read_text()
    assert INSTALLED_KEY in text, f"{settings} names {INSTALLED_KEY}"
    copy = directory / settings.name
    copy.write_text(text.replace(INSTALLED_KEY, str(key_pair(directory)[1])))
    return copy


def default(key: str):
    """The default of a setting, by the reference."""
    value = tomllib.loads((ROOT / "config" / "default.toml").read_text())
    for part in key.split("."):
        value = value[part]
    return value


def setting(settings: pathlib.Path, key: str):
    """A value of a settings file, or its default."""
    value = tomllib.loads(settings.read_text())
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return default(key) if value is None else value


def seconds(text) -> float:
    """A duration such as 75, 500ms, 75s, 1m 30s or 1h in seconds."""
    if isinstance(text, (int, float)) or text.isdigit():
        return float(text)
    units = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
    parts = re.findall(r"(\d+)\s*([a-z]+)", text)
    assert parts, f"{text} is not a duration"
    return sum(int(count) * units[unit] for count, unit in parts)


def understood(arguments: list[str]) -> None:
    """Fails unless the program knows a call: its subcommands and its flags."""
    words = [word for word in arguments if not word.startswith("-")]
    flags = [word for word in arguments if word.startswith("--")]
    subcommand = words[:2] if words[0] in ("plugin", "config") else words[:1]
    help_text = well(COMMAND, *subcommand, "--help")
    for flag in flags:
        assert f"{flag} <" in help_text or f"{flag}\n" in help_text, f"{arguments}: no {flag}"
