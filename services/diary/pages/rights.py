"""What a reader may do to the day that they read: which buttons the page has (mock-ups, *Structure to keep*). Pure.

Without the right a button is left out; where only the time is wrong (a locked or approved week) it stays, disabled.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from services.diary.access import Action, Viewer, may_write, sight


class Rights(NamedTuple):
    """``remove``: time, with its pictures; ``pictures``: only the picture, time stays (S-08, M-03).

    ``entries``: what was entered by hand, also of others (S-05). ``only_read``: the contracts on which none of it but
    ``add`` and ``blur`` holds for this reader (T-02).
    """

    memo: bool
    label: bool
    add: bool
    remove: bool
    pictures: bool
    blur: bool
    entries: bool
    only_read: frozenset[str] = frozenset()

    @property
    def any(self) -> bool:
        """Whether it is worth selecting segments at all."""
        return self.memo or self.label or self.remove or self.pictures or self.blur

    def on(self, contract: str) -> "Rights":
        """The rights to time on one contract."""
        return self._reading() if contract in self.only_read else self

    def _reading(self) -> "Rights":
        return self._replace(memo=False, label=False, remove=False, pictures=False, entries=False)


def rights_of(viewer: Viewer, member: str, team: str | None, contracts: Iterable[Mapping[str, Any]]) -> Rights:
    """The rights of a viewer to the diary of ``member`` (of ``team``, None: of none); ``contracts`` as licensing told
    them.
    """

    def may(action: Action) -> bool:
        return sight(viewer, action, member, team) is not None

    own = [one for one in contracts if one["member"] == member]
    closed = [one for one in own if not may_write(viewer, member, monitored=one.get("monitored", False))]
    rights = Rights(
        memo=may(Action.CHANGE_MEMO),
        label=may(Action.CHANGE_LABEL),
        add=may(Action.ADD_TIME),
        remove=may(Action.REMOVE_TIME),
        pictures=may(Action.REMOVE_PICTURE) and member != viewer.member,
        blur=may(Action.BLUR_PICTURE),
        entries=may(Action.ADD_TIME),
        only_read=frozenset(one["contract"] for one in closed),
    )
    return rights if len(closed) < len(own) or not own else rights._reading()
