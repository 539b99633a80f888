"""Saying the loss before the act (S-08, M-03): what a removal takes, before and after, in the rule's words. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from services.diary.pages.formatting import between, duration, week_name
from services.wire.language import N_, _, again, ngettext

_RULES = {
    "segment": N_("In this workspace a picture takes its whole segment with it."),
    "since_previous": N_("In this workspace a picture takes the time back to the picture before it with it."),
}
_LOST = {
    "billable_minutes": N_("{time} billable"),
    "tracked_minutes": N_("{time} tracked"),
    "manual_minutes": N_("{time} manual"),
}
"""Less than nothing where the limit that is freed takes in more than goes (S-03)."""
_NO_UNDO = N_("There is no undo, and the deletion is recorded.")


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
    title = _("Delete {time}?", time=_long(amount))
    if pictures:
        title = ngettext(
            "Delete {time} and {number} picture?",
            "Delete {time} and {number} pictures?",
            pictures,
            time=_long(amount),
        )
    lines = [(span, _taken(loss))]
    lines += sorted(_week(week, contracts) for week in loss["week_totals"] if week["before"] or week["after"])
    lines.append((_("Pictures erased from the store"), str(pictures)))
    words = [again(_RULES.get(rule, _RULES["segment"]))] if pictures else []
    if loss["billable_minutes"] < 0:
        more = _whole(-loss["billable_minutes"])
        grows = _("The bill grows by {time}: a longer piece of later time fits into the freed limit.", time=more)
        words.append(grows)
    elif any(week["before"] for week in loss["week_totals"]) and not loss["billable_minutes"]:
        words.append(_("The bill stays the same: it was not billed, or later time fills the freed limit."))
    button = _("Delete {time}", time=_long(amount))
    return Removal(title, lines, " ".join([*words, again(_NO_UNDO)]), button)


def _week(week: Mapping[str, Any], contracts: Mapping[str, str]) -> tuple[str, str]:
    name = f"{contracts.get(week['contract']) or _('Contract')}, {week_name(date.fromisoformat(week['week']))}"
    return name, _change(week["before"], week["after"])


def loss_minutes(loss: Mapping[str, Any]) -> int:
    """The minutes that the button names: those that leave the bill, else those of the diary."""
    return int(next((loss[name] for name in _LOST if loss[name] > 0), 0))


def _taken(loss: Mapping[str, Any]) -> str:
    said = [_taken_of(name, loss[name]) for name in _LOST if loss[name] > 0]
    return ", ".join(said) or _("No time")


def _taken_of(name: str, minutes: int) -> str:
    return again(_LOST[name]).format(time=_whole(minutes))


def _change(before: int, after: int) -> str:
    return f"{_whole(before)} →\u00a0{_whole(after)}"


def _whole(minutes: int) -> str:
    """A duration that no line breaks within."""
    return duration(minutes).replace(" ", "\u00a0")


def _long(minutes: int) -> str:
    return ngettext("{number} minute", "{number} minutes", minutes) if minutes < 60 else duration(minutes)


def pictures_view(number: int, members: str, *, blur: bool) -> Removal:
    """The dialogue of an admin's deletion or blurring of pictures: the time stays (S-08, M-03)."""
    if blur:
        title = ngettext("Blur {number} picture?", "Blur {number} pictures?", number)
        button = ngettext("Blur {number} picture", "Blur {number} pictures", number)
        words = _("What is blurred stays so: it cannot be made sharp again.")
    else:
        title = ngettext("Delete {number} picture?", "Delete {number} pictures?", number)
        button = ngettext("Delete {number} picture", "Delete {number} pictures", number)
        words = ngettext(
            "It is erased from the store for good, and the time stays. There is no undo.",
            "They are erased from the store for good, and the time stays. There is no undo.",
            number,
        )
    recorded = _("It is recorded, and {name} can see it.", name=members)
    loss = [(_("Pictures"), str(number)), (_("Time"), _("stays"))]
    return Removal(title, loss, f"{words} {recorded}", button)


def span_of(segments: Sequence[Mapping[str, Any]], clocks: tuple[str, str], contracts: Mapping[str, str]) -> str:
    """``09:40 to 10:00, Halden portal``, or how many segments and contracts."""
    names = sorted({contracts.get(one["contract"]) or _("Contract") for one in segments})
    many = ngettext("{number} contract", "{number} contracts", len(names))
    return f"{between(*clocks)}, {names[0] if len(names) == 1 else many}"
