"""Wrong figures."""

from typing import Any

from services.diary import projections, sheets, weeks
from services.wire.billing import count_slot


def add_up() -> None:
    """The week's figures are added to with each change, and not computed anew."""
    write: Any = sheets._write

    def adding(week: Any, changes: Any, sheet: Any, rolled: Any) -> Any:
        unit = rolled["terms"]["billing_unit"]
        more = sum(weeks.claimed_of(packed, unit) for packed in changes.values() if packed is not None)
        return write(week, changes, sheet, {**rolled, "billable_minutes": week.get("billable_minutes", 0) + more})

    sheets._write = adding


def every_device() -> None:
    """T-14 forgotten: each device's minutes count, whoever else recorded them."""

    def alone(segments: Any, **named: Any) -> Any:
        return {name: count for one in segments for name, count in count_slot([one], **named).items()}

    projections.count_slot = alone  # type: ignore[attr-defined]
