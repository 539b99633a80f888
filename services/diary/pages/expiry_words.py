"""How long pictures are kept, and that their days are over, as the pages word it (M-05). Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.wire import retention
from services.wire.language import _, ngettext


def expired(days: int) -> tuple[str, str]:
    """What stands in the place of a picture: ``Expired after 7 days``; and within a sentence."""
    return (
        ngettext("Expired after {number} day", "Expired after {number} days", days),
        ngettext("picture expired after {number} day", "picture expired after {number} days", days),
    )


def expired_whole(days: int) -> str:
    """The same with room: what became of it, and what did not."""
    return ngettext(
        "This picture was kept for {number} day, and is gone for good. Its time stays.",
        "This picture was kept for {number} days, and is gone for good. Its time stays.",
        days,
    )


def expired_of(captures: Sequence[Mapping[str, Any]]) -> str:
    """How many pictures of some are over: ``5 expired after 7 days``; empty where none is."""
    days: Collection[int] = {one["expired_after_days"] for one in captures if "expired_after_days" in one}
    number = sum("expired_after_days" in one for one in captures)
    if not number:
        return ""
    if len(days) > 1:
        return _("{count} expired", count=number)
    return ngettext("{count} expired after {number} day", "{count} expired after {number} days", *days, count=number)


def kept(days: int | None) -> str:
    """For how long: ``7 days``."""
    return _("without an end") if days is None else ngettext("{number} day", "{number} days", days)


def choices(workspace: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """What a policy may say of a kind of capture, with what its workspace says now."""
    days: int | None = workspace.get(retention.FIELDS[kind], retention.DEFAULT_DAYS)
    return [
        (retention.WORKSPACES, _("As the settings say: {days}", days=kept(days))),
        ("days", _("For so many days")),
        ("always", _("Without an end")),
    ]
