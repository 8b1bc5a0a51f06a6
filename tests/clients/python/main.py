"""Clients in Python against a running Causeway. `tests/run` starts both; see causeway.py for what it gives."""

import asyncio
import sys
import traceback

import backend
import frontend


def main() -> int:
    passed = failed = 0
    for module in (backend, frontend):
        for check in module.CHECKS:
            name = f"python {module.__name__}: {check.__name__.replace('_', ' ')}"
            try:
                asyncio.run(check())
                passed += 1
                print(f"{name} ... ok", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"{name} ... FAILED\n{traceback.format_exc()}", flush=True)
    print(f"python clients: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
