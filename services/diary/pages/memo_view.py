"""The dialogue for memo and label of some segments (S-04, S-12): what stands in it, and what was changed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from services.diary.pages.forms import Form, Sent
from services.wire.language import _, ngettext

KEEP = "=keep"
"""The choice that leaves each segment's label as it is; no label begins like this."""


class MemoView(NamedTuple):
    """``mixed``: the segments have several memos, so an empty field keeps them; ``labels`` as a form's choices."""

    title: str
    ids: str
    form: Form
    mixed: bool
    labels: list[tuple[str, str]]
    focus: str


def memo_view(
    segments: Sequence[Mapping[str, Any]], contracts: Mapping[str, Mapping[str, Any]], focus: str, form: Form | None
) -> MemoView:
    """The dialogue for segments of a day's answer; ``contracts`` as licensing told them, by id."""
    memos = {one["memo"] for one in segments}
    labels = {one["label"] for one in segments}
    lists = [contracts[one]["labels"] for one in {one["contract"] for one in segments} if one in contracts]
    memo = memos.pop() if len(memos) == 1 else None
    values = {
        "memo": memo or "",
        "memo_was": memo or "",
        "label": (next(iter(labels)) or "") if len(labels) == 1 else KEEP,
    }
    return MemoView(
        title=ngettext("Memo and label of {number} segment", "Memo and label of {number} segments", len(segments)),
        ids=" ".join(one["segment_id"] for one in segments),
        form=form or Form(values),
        mixed=len(memos) > 1,
        labels=choices(lists, labels),
        focus=focus,
    )


def choices(lists: Sequence[Sequence[str]], present: Iterable[str | None]) -> list[tuple[str, str]]:
    """The labels that every contract concerned has, those that stand there already, none, and keeping them."""
    common = [one for one in lists[0] if all(one in other for other in lists[1:])] if lists else []
    there = sorted({one for one in present if one} - set(common))
    strange = [(one, _("{label} (not on the list)", label=one)) for one in there]
    found = [("", _("No label")), *((one, one) for one in common), *strange]
    return found if len(set(present)) == 1 else [(KEEP, _("Keep as they are")), *found]


def changes_of(sent: Sent, *, memo: bool, label: bool) -> dict[str, str | None]:
    """What a sent dialogue changes: ``memo`` and ``label``, each only where it is another; None clears it.

    ``memo``, ``label``: whether the viewer may change them.
    """
    changes: dict[str, str | None] = {}
    if memo and sent.text("memo") != sent.text("memo_was"):
        changes["memo"] = sent.some("memo")
    if memo and sent.ticked("clear"):
        changes["memo"] = None
    if label and sent.text("label") != KEEP:
        changes["label"] = sent.some("label")
    return changes
