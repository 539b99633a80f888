"""Wrong figures."""

from typing import Any

from services.diary import projections, sheets, weeks
from services.wire.billing import count_slot


def add_up() -> None:
    """The week's figures are added to with each change, and not computed anew."""
    write: Any = sheets._write

    def adding(one: sheets.Rolled) -> Any:
        unit = one.figures["terms"]["billing_unit"]
        more = sum(weeks.claimed_of(packed, unit) for packed in one.changes.values() if packed is not None)
        added = {"billable_minutes": one.week.get("billable_minutes", 0) + more}
        return write(one._replace(figures=one.figures | added))

    sheets._write = adding


def every_device() -> None:
    """T-14 forgotten: each device's minutes count, whoever else recorded them."""

    def alone(segments: Any, **named: Any) -> Any:
        return {name: count for one in segments for name, count in count_slot([one], **named).items()}

    projections.count_slot = alone  # type: ignore[attr-defined]
