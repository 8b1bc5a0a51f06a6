"""The Causeway under test: its addresses, and its command line for users, conversations and tokens.

CLIENTS_URL      ws://host:port of the bridge
CLIENTS_GRPC     host:port of the services
CLIENTS_COMMAND  the program
CLIENTS_DATA     its data directory
"""

import itertools
import os
import pathlib
import subprocess

URL = os.environ["CLIENTS_URL"]
GRPC = os.environ["CLIENTS_GRPC"]
DATA = pathlib.Path(os.environ["CLIENTS_DATA"])

# Ids below these belong to whoever else uses the server.
_ids = itertools.count(700_000)


def causeway(*arguments: str) -> str:
    """Runs a call of the command line and returns what it prints."""
    command = [os.environ["CLIENTS_COMMAND"], *arguments, "--data-dir", str(DATA)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def user(first_name: str) -> str:
    """Makes a user and returns the id."""
    id_ = str(next(_ids))
    causeway("user", "put", id_, "--first-name", first_name, "--last-name", "Doe")
    return id_


def group(*participants: str) -> str:
    """Makes a group conversation and returns its id."""
    id_ = str(next(_ids))
    people = [part for participant in participants for part in ("--participant", participant)]
    causeway("conversation", "create", "--kind", "group", "--id", id_, *people)
    return id_


def token(id_: str, *arguments: str) -> str:
    """A token for a user."""
    return causeway("token", "--user", id_, *arguments)


def service_token() -> str:
    """The credential of backends."""
    return (DATA / "service.token").read_text().strip()
