"""Checks of config/deploy: that the files are what their formats ask, agree with each other and with the program, and, in
front of real bridges, do what they are for. `tests/run` starts this; tree.py says what it gives.

Arguments name modules to run: `main.py proxies`. What needs a program that is not here is left out, and says so.
"""

import inspect
import sys
import traceback

import cluster
import images
import proxies
import settings
import units
from tree import LeftOut

MODULES = (settings, units, images, cluster, proxies)


def checks(module):
    """The functions of a module that it lists in CHECKS."""
    for check in module.CHECKS:
        yield f"deploy {module.__name__}: {check.__name__.replace('_', ' ')}", check


def main(wanted: list[str]) -> int:
    passed = failed = 0
    for module in MODULES:
        if wanted and module.__name__ not in wanted:
            continue
        for name, check in checks(module):
            assert not inspect.signature(check).parameters, name
            try:
                check()
                passed += 1
                print(f"{name} ... ok", flush=True)
            except LeftOut as why:
                print(f"{name} ... left out: {why}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"{name} ... FAILED\n{traceback.format_exc()}", flush=True)
    print(f"deployment files: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
