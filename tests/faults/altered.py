"""One of our services with something altered: ``python -m tests.faults.altered services.ingest.app [OPTION…]``.

``--defect=NAME``            one seeded defect of tests/faults/defects
``--die="after PLACE NTH"``  SIGKILL itself before or after the nth call of ``module:Class.method`` with something to do
``--fail="before PLACE NTH"``  raise once, as where the store is away for a moment
``--once=FILE``              count, and die or fail, only while the file is there; it is removed then

Everything else is the real service.
"""

import argparse
import importlib
import os
import runpy
import signal
from pathlib import Path
from typing import Any

from pymongo.errors import AutoReconnect

from tests.faults.defects import DEFECTS


def alter(place: str, when: str, nth: int, once: Path, fail: bool) -> None:
    """Patches one coroutine method so that the process dies, or the call fails, at its nth call."""
    module, _, path = place.partition(":")
    owner_name, method = path.split(".")
    owner = getattr(importlib.import_module(module), owner_name)
    real, calls = getattr(owner, method), 0

    def strike() -> None:
        once.unlink()
        if fail:
            raise AutoReconnect("the store is away for a moment")
        os.kill(os.getpid(), signal.SIGKILL)

    async def fatal(self: Any, *args: Any, **named: Any) -> Any:
        nonlocal calls
        armed = once.exists()
        calls += armed and any(args)
        due = armed and calls >= nth
        if due and when == "before":
            strike()
        result = await real(self, *args, **named)
        if due and when == "after":
            strike()
        return result

    setattr(owner, method, fatal)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.altered")
    parser.add_argument("module")
    parser.add_argument("--defect", choices=sorted(DEFECTS))
    parser.add_argument("--die")
    parser.add_argument("--fail")
    parser.add_argument("--once", type=Path, default=Path("never"))
    asked = parser.parse_args()
    if asked.defect:
        DEFECTS[asked.defect].plant()
    for text in (asked.die, asked.fail):
        if text:
            when, place, nth = text.split()
            alter(place, when, int(nth), asked.once, fail=text is asked.fail)
    runpy.run_module(asked.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
