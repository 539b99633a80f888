"""Memo and label of many segments at once (S-04, S-07, S-12)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.diary.access import Action, sight
from services.diary.editing import Draft, Entry, Table, visible
from services.diary.edits import segment_key
from services.kit.problems import Problem, forbidden, not_found
from services.wire.language import N_, _


@dataclass(frozen=True)
class Note:
    """``said`` has memo, label or both: what these segments are to say, null for nothing any more."""

    segments: Sequence[str]
    said: dict[str, str | None]
    team: str | None

    async def draft(self, table: Table) -> list[Draft]:
        """One edit a contract-week."""
        keys = {name: _key(table, name) for name in dict.fromkeys(self.segments)}
        await table.held.read_segments({key.rsplit("|", 2)[0] for key in keys.values()})
        weeks: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, key in keys.items():
            contract = key.split("|")[3]
            if visible(table.held.segments.now, key) is None or not self._reaches(table, Action.CHANGE_LABEL, contract):
                raise not_found(N_("segment"))
            weeks[contract, table.held.segments.now[key]["week"]].append(name)
        if "memo" in self.said and not all(self._reaches(table, Action.CHANGE_MEMO, one) for one, _week in weeks):
            raise forbidden(_("A client corrects the label, and nothing else (S-07)."))
        if self.said.get("label"):
            for contract in {contract for contract, _week in weeks}:
                await self._require_label(table, contract)
        return [
            Draft("note", contract, week, {"segments": names}, dict(self.said))
            for (contract, week), names in weeks.items()
        ]

    def _reaches(self, table: Table, action: Action, contract: str) -> bool:
        allowed = sight(table.viewer, action, table.member, self.team)
        return allowed is not None and allowed.shows(contract)

    async def _require_label(self, table: Table, contract: str) -> None:
        """A label is chosen from the contract's list, where there is one."""
        known = await table.db["contracts"].find_one(
            {"_id": f"{table.viewer.workspace}|{contract}"}, {"labels": 1}, session=table.session
        )
        if known and known["labels"] and self.said["label"] not in known["labels"]:
            raise Problem(
                422,
                "unlisted-label",
                _("The label is not on the contract's list."),
                _("label: choose one of the contract's labels, or null for none."),
                field="label",
                labels=known["labels"],
            )

    def note(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Which of the two was changed, of how many segments; never what it says."""
        names = [name for draft in drafts for name in draft.about["segments"]]
        return [Entry("segment.noted", f"{' and '.join(sorted(self.said))} of {len(names)} segments", segments=names)]


def _key(table: Table, name: str) -> str:
    try:
        return segment_key(table.viewer.workspace, table.member, name)
    except ValueError as error:
        raise not_found(N_("segment")) from error


def answer(outcome: Any) -> dict[str, Any]:
    """The API's answer to a change of memo and label."""
    return {
        "change": outcome.change,
        "segments": [name for edit in outcome.edits for name in edit.about["segments"]],
        "edits": [edit.id for edit in outcome.edits],
    }
