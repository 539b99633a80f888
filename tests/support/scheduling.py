"""In which order tests run, and which of them share a pytest-xdist worker.

The tests of a module stay together, and so do modules that stand on one running stack, for a stack costs some twenty
seconds of CPU to start. What takes longest starts first, else one worker goes on alone at the end. (The groups
of ``--dist loadgroup`` would change the tests' names, by which ``--last-failed`` finds them.)
"""

from typing import Any, NamedTuple

import pytest
from xdist.scheduler import LoadScopeScheduling


class Group(NamedTuple):
    """Beginnings of paths whose tests share a worker, in the order in which they run there."""

    name: str
    paths: tuple[str, ...]


#: Two workers have a stack at the same time; one alone uses its own for both, the second after the first.
ON_A_STACK = (
    Group(
        "the stack",
        (
            "tests/telemetry/",  # looks at all that was emitted
            "tests/journeys/",
            "tests/local/test_load.py",
            "tests/hostile/",
        ),
    ),
    Group("faults", ("tests/faults/",)),  # leaves servers behind that were wiped and killed
)
LONGEST_FIRST = (
    *ON_A_STACK,
    Group("images", ("tests/manifests/test_processes.py", "tests/manifests/test_images.py")),
    *(
        Group(path, (path,))
        for path in (
            "tests/diary/office/test_first_day_in_a_browser.py",
            "tests/ingest/test_crashes.py",
            "tests/local/test_stack.py",
            "tests/diary/pages/test_in_a_browser.py",
            "tests/diary/pages/test_live_in_a_browser.py",
            "tests/diary/office/test_in_a_browser.py",
            "tests/media/test_looking.py",
            "tests/licensing/test_accounts.py",
            "tests/licensing/test_bus_sign_in.py",
            "tests/media/test_arriving.py",
            "tests/licensing/test_deleting.py",
            "tests/licensing/test_imports.py",
            "tests/licensing/test_reach.py",
            "tests/agent/test_x11.py",
            "tests/diary/test_sealing.py",
            "tests/bench/test_bench.py",
        )
    ),
)


def _place(nodeid: str) -> tuple[int, int]:
    """Its group's place, and its own within; what has no group comes last."""
    for index, group in enumerate(LONGEST_FIRST):
        for inner, path in enumerate(group.paths):
            if nodeid.startswith(path):
                return index, inner
    return len(LONGEST_FIRST), 0


def in_order(items: list[Any]) -> None:
    """Sorts the collected tests; those of one place stay as they were.

    UsageError where a test takes ``stack`` and is not of its groups: it would start another.
    """
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()) and not _is_on_a_stack(item.nodeid):
            raise pytest.UsageError(f"{item.nodeid} takes `stack`: name its file in tests/support/scheduling.py")
    items.sort(key=lambda item: _place(item.nodeid))


def scope_of(nodeid: str) -> str:
    """What stays on one worker: the test's group, or its module."""
    index, _ = _place(nodeid)
    return LONGEST_FIRST[index].name if index < len(LONGEST_FIRST) else nodeid.split("::")[0]


def _is_on_a_stack(nodeid: str) -> bool:
    return _place(nodeid)[0] < len(ON_A_STACK)


def is_last_of_the_stack(nodeid: str, next_nodeid: str | None) -> bool:
    """Whether no test of the stack's groups follows on this worker."""
    return _is_on_a_stack(nodeid) and (next_nodeid is None or not _is_on_a_stack(next_nodeid))


class Together(LoadScopeScheduling):
    """Hands out whole groups, in the order of the tests."""

    def __init__(self, config: Any, log: Any = None) -> None:
        config.option.loadscopereorder = False  # by the number of tests
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
