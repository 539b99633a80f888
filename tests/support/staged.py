"""``deploy.local up`` whose parts a test may hold down or replace: ``python -m tests.support.staged up …``.

What is to be otherwise stands in ``<data>/stage``: ``<part>.held`` keeps a part that has ended down, and
``<service>.instead`` (a JSON list, arguments of Python) is what a service is started with from its next start on. A
part that is killed often is started again after the same short pause each time.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local import supervisor
from deploy.local.__main__ import main
from deploy.local.services import MODULES, Service

_STAGE = Path(sys.argv[sys.argv.index("--data") + 1]) / "stage" if "--data" in sys.argv else Path("stage")


def staged(check: Callable[[supervisor.Watched, float], bool]) -> Callable[[supervisor.Watched, float], bool]:
    """``Watched.check`` that looks at the stage before it starts a part again."""

    def look(watched: supervisor.Watched, now: float) -> bool:
        name = watched.part.name
        if not watched.part.alive and (_STAGE / f"{name}.held").exists():
            return False
        if isinstance(watched.part, Service):
            watched.part.child.command = [sys.executable, *_arguments(name)]
        return check(watched, now)

    return look


def _arguments(name: str) -> list[str]:
    try:
        found: list[str] = json.loads((_STAGE / f"{name}.instead").read_text())
    except FileNotFoundError:
        return ["-m", MODULES[name]]
    return found


if __name__ == "__main__":
    supervisor.Watched.check = staged(supervisor.Watched.check)  # type: ignore[method-assign]
    supervisor._RESTART_MOST_SECONDS = supervisor._RESTART_SECONDS
    sys.exit(main())
