"""What a reader may do to the day that they read: which buttons the page has (mock-ups, *Structure to keep*). Pure.

Without the right a button is left out; where only the time is wrong (a locked or approved week) it stays, disabled.
"""

from typing import NamedTuple

from services.diary.access import Action, Viewer, sight


class Rights(NamedTuple):
    """``remove``: time, with its pictures; ``pictures``: only the picture, time stays (S-08, M-03).

    ``entries``: what was entered by hand, also of others (S-05).
    """

    memo: bool
    label: bool
    add: bool
    remove: bool
    pictures: bool
    blur: bool
    entries: bool

    @property
    def any(self) -> bool:
        """Whether it is worth selecting segments at all."""
        return self.memo or self.label or self.remove or self.pictures or self.blur


def rights_of(viewer: Viewer, member: str, team: str | None) -> Rights:
    """The rights of a viewer to the diary of ``member`` (of ``team``, None: of none)."""

    def may(action: Action) -> bool:
        return sight(viewer, action, member, team) is not None

    return Rights(
        memo=may(Action.CHANGE_MEMO),
        label=may(Action.CHANGE_LABEL),
        add=may(Action.ADD_TIME),
        remove=may(Action.REMOVE_TIME),
        pictures=may(Action.REMOVE_PICTURE) and member != viewer.member,
        blur=may(Action.BLUR_PICTURE),
        entries=may(Action.ADD_TIME),
    )
