"""Blurring pictures afterwards: by an admin, for good (M-03)."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.diary.editing import Draft, Entry, Table
from services.diary.removals import find, picture_drafts, shown_capture
from services.kit.problems import not_found
from services.wire.language import N_


@dataclass(frozen=True)
class Blur:
    """Captures of one member that are to be seen blurred only."""

    captures: Sequence[str]

    async def draft(self, table: Table) -> list[Draft]:
        """One edit a contract-week; 404 for what is no capture, or gone already."""
        found = [await find(table, capture) for capture in dict.fromkeys(self.captures)]
        await table.held.read_segments({one.segment.rsplit("|", 2)[0] for one in found})
        for one in found:
            shown = shown_capture(table, one)
            if shown is None or shown["state"] == "removed":
                raise not_found(N_("capture"))
        return picture_drafts(table, found, "picture_blur", {})

    def note(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Each capture by name."""
        named = [capture for draft in drafts for capture, _ in draft.about["captures"]]
        return [Entry("capture.blurred", "for good", named)]
