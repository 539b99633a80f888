"""What a removal of time takes of a segment's captures, in whichever order edit and record come (S-08, S-11)."""

from itertools import permutations
from typing import Any

from services.diary import edits, projections
from services.diary.projections import Document
from services.wire.edits import Edit
from tests.diary.facts import Teller, capture, minutes

SLOT = "2026-11-18T09:00:00Z"
KEY, NAME = f"ws|mira|{SLOT}|con|dev", f"con:dev:{SLOT}"


def _after(steps: tuple[str, ...]) -> Document:
    """The segment after these facts, put together as each comes."""
    shots = [capture(name, SLOT) for name in ("mine", "kept")]
    record = Teller("ws").segment("mira", SLOT, minutes(8), captures=shots)
    about: dict[str, Any] = {"removed": [[NAME, [0, 1, 2], 1]], "captures": [["mine", "dev"], ["another", "dev"]]}
    who = {"workspace": "ws", "member": "mira", "contract": "con", "week": "2026-11-16", "actor": "mira"}
    at = "2026-11-20T09:00:00Z"
    edit = Edit(id="edt_1", change="chg_1", at=at, role="employee", kind="removal", about=about, personal={}, **who)
    keys = [f"ws|{name}|dev" for name in ("mine", "kept", "another")]
    pictures = {key: projections.new_picture(key) for key in keys}
    segments: dict[str, Document] = {}
    for step in steps:
        if step == "record":
            segments[KEY] = projections.new_segment(KEY) | segments.get(KEY, {})
            projections.add_part(segments[KEY], record)
        else:
            edits.apply(edit, segments, pictures)
        projections.put_together(segments[KEY], pictures)
    return segments[KEY]


def test_a_capture_goes_with_its_time_whatever_came_first() -> None:
    """Also where a computer sends the record again, and where the edit is told twice."""
    first = _after(("record", "edit"))
    assert [one["capture_id"] for one in projections.shown_of(first)["captures"]] == ["kept"]
    assert first["dropped"] == ["mine"], "its own alone: an edit names the captures of all its segments"
    for steps in {*permutations(("record", "edit")), *permutations(("record", "record", "edit", "edit"))}:
        assert _after(steps) == first, steps
