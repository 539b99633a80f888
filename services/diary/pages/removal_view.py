"""Saying the loss before the act (S-08, M-03): what a removal takes, before and after, in the rule's words. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.diary.pages.formatting import counted, duration, week_name

_RULES = {
    "segment": "In this workspace a picture takes its whole segment with it.",
    "since_previous": "In this workspace a picture takes the time back to the picture before it with it.",
}
_LOST = ("billable_minutes", "tracked_minutes", "manual_minutes")
"""Less than nothing where the limit that is freed takes in more than goes (S-03)."""
_NO_UNDO = "There is no undo, and the deletion is recorded."


class Removal(NamedTuple):
    """The dialogue: what is asked, the loss as (what, how much), the rule's words, and what the button says."""

    title: str
    loss: list[tuple[str, str]]
    words: str
    button: str


def removal_view(loss: Mapping[str, Any], contracts: Mapping[str, str], rule: str, span: str) -> Removal:
    """The dialogue of a removal's dry run; ``span`` is ``09:40 to 10:00, Halden portal``."""
    amount = loss_minutes(loss)
    pictures = len(loss["captures"])
    title = f"Delete {_long(amount)}" + (f" and {counted(pictures, 'picture')}?" if pictures else "?")
    lines = [(span, _taken(loss))]
    lines += sorted(_week(week, contracts) for week in loss["week_totals"] if week["before"] or week["after"])
    lines.append(("Pictures erased from the store", str(pictures)))
    words = [_RULES.get(rule, _RULES["segment"])] if pictures else []
    if loss["billable_minutes"] < 0:
        more = _whole(-loss["billable_minutes"])
        words.append(f"The bill grows by {more}: a longer piece of later time fits into the freed limit.")
    elif any(week["before"] for week in loss["week_totals"]) and not loss["billable_minutes"]:
        words.append("The bill stays the same: it was not billed, or later time fills the freed limit.")
    return Removal(title, lines, " ".join([*words, _NO_UNDO]), f"Delete {_long(amount)}")


def _week(week: Mapping[str, Any], contracts: Mapping[str, str]) -> tuple[str, str]:
    name = f"{contracts.get(week['contract'], 'Contract')}, {week_name(date.fromisoformat(week['week']))}"
    return name, _change(week["before"], week["after"])


def loss_minutes(loss: Mapping[str, Any]) -> int:
    """The minutes that the button names: those that leave the bill, else those of the diary."""
    return int(next((loss[name] for name in _LOST if loss[name] > 0), 0))


def _taken(loss: Mapping[str, Any]) -> str:
    said = [f"{_whole(loss[name])} {name.removesuffix('_minutes')}" for name in _LOST if loss[name] > 0]
    return ", ".join(said) or "No time"


def _change(before: int, after: int) -> str:
    return f"{_whole(before)} →\u00a0{_whole(after)}"


def _whole(minutes: int) -> str:
    """A duration that no line breaks within."""
    return duration(minutes).replace(" ", "\u00a0")


def _long(minutes: int) -> str:
    return counted(minutes, "minute") if minutes < 60 else duration(minutes)


def pictures_view(number: int, members: str, *, blur: bool) -> Removal:
    """The dialogue of an admin's deletion or blurring of pictures: the time stays (S-08, M-03)."""
    what = counted(number, "picture")
    act = "Blur" if blur else "Delete"
    words = (
        "What is blurred stays so: it cannot be made sharp again."
        if blur
        else f"{'It is' if number == 1 else 'They are'} erased from the store for good, and the time stays. "
        "There is no undo."
    )
    recorded = f"It is recorded, and {members} can see it."
    loss = [("Pictures", str(number)), ("Time", "stays")]
    return Removal(f"{act} {what}?", loss, f"{words} {recorded}", f"{act} {what}")


def span_of(segments: Sequence[Mapping[str, Any]], clocks: tuple[str, str], contracts: Mapping[str, str]) -> str:
    """``09:40 to 10:00, Halden portal``, or how many segments and contracts."""
    names = sorted({contracts.get(one["contract"], "Contract") for one in segments})
    return f"{clocks[0]} to {clocks[1]}, {names[0] if len(names) == 1 else counted(len(names), 'contract')}"
