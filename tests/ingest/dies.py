"""Ingest that kills itself, as by ``kill -9``, right before or after one of its calls: ``python -m tests.ingest.dies``.

``before|after services.module:Class.method [nth]``. Everything else is the real service.
"""

import importlib
import os
import signal
import sys
from typing import Any

from services.ingest.app import IngestSettings, build
from services.kit.service import run


def arm(when: str, place: str, nth: int) -> None:
    """Patches one coroutine method so that the process dies at its nth call with something to do."""
    module, _, path = place.partition(":")
    owner_name, method = path.split(".")
    owner = getattr(importlib.import_module(module), owner_name)
    real, calls = getattr(owner, method), 0

    async def fatal(self: Any, *args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += any(args)
        if when == "before" and calls >= nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = await real(self, *args, **named)
        if when == "after" and calls >= nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, fatal)


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    run(build(IngestSettings()))
