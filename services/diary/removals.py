"""What a deletion takes (S-08). By the member a capture takes its time with it; by an admin only the picture goes.

Pure but for what ``draft`` reads: which minutes go is worked out by ``since_previous`` from what is held.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from services.diary.access import Action, sight
from services.diary.editing import Draft, Entry, Table, visible
from services.diary.edits import segment_key
from services.diary.projections import Document, parts_of
from services.kit.mongo import prefix_range
from services.kit.problems import Problem, forbidden, not_found
from services.wire.language import N_, _
from services.wire.segments import MANUAL
from services.wire.slots import SLOT, SLOT_MINUTES, format_instant, parse_instant, parse_slot, slots_between

_SESSION_AT_MOST = timedelta(hours=24)
Taken = dict[str, set[int]]
"""Minutes (0-9) by the ``_id`` of their segment."""


@dataclass(frozen=True)
class Removal:
    """Segments, or captures, that are to go; of a member, or (pictures alone) by an admin."""

    segments: Sequence[str] = ()
    captures: Sequence[str] = ()
    reason: str | None = None
    team: str | None = None

    async def draft(self, table: Table) -> list[Draft]:
        """One edit a contract-week and kind."""
        taken, pictures, shots = await self._of_segments(table), list[Named](), set[str]()
        for named in await self._of_captures(table):
            if await self._takes_time(table, named):
                await self._take(table, named, taken)
                shots.add(named.capture)
            else:
                pictures.append(named)
        _require_over(table, taken)
        removed = _removals(table, taken, shots, self._personal())
        return [*removed, *picture_drafts(table, pictures, "picture_removal", self._personal())]

    def _personal(self) -> dict[str, Any]:
        return {"reason": self.reason} if self.reason else {}

    async def _of_segments(self, table: Table) -> Taken:
        if not self.segments:
            return {}
        try:
            keys = [segment_key(table.viewer.workspace, table.member, name) for name in dict.fromkeys(self.segments)]
        except ValueError as error:
            raise not_found(N_("segment")) from error
        await table.held.read_segments({key.rsplit("|", 2)[0] for key in keys})
        held = table.held.segments.now
        if any(visible(held, key) is None for key in keys):
            raise not_found(N_("segment"))
        if table.member != table.viewer.member:
            self._require_manual(table, [held[key] for key in keys])
        return {key: set(range(SLOT_MINUTES)) for key in keys}

    def _require_manual(self, table: Table, segments: Iterable[Document]) -> None:
        """Of somebody else's time an admin removes what was entered by hand (S-05), and nothing that was recorded."""
        allowed = sight(table.viewer, Action.ADD_TIME, table.member, self.team)
        if allowed is None or any(one["kind"] != MANUAL for one in segments):
            raise forbidden(
                _("Recorded time is removed by its member alone; an admin removes pictures, and time stays (S-08).")
            )

    async def _of_captures(self, table: Table) -> list["Named"]:
        found = [await find(table, capture) for capture in dict.fromkeys(self.captures)]
        await table.held.read_segments({one.segment.rsplit("|", 2)[0] for one in found})
        for one in found:
            shown = shown_capture(table, one)
            if shown is None or (shown["state"] == "removed" and table.member != table.viewer.member):
                raise not_found(N_("capture"))
        return found

    async def _takes_time(self, table: Table, named: "Named") -> bool:
        """A member's own screenshot takes its time; not what an admin removes, nor a camera's (T-09)."""
        capture = shown_capture(table, named)
        if table.member != table.viewer.member or (capture and capture["kind"] == "camera"):
            return False
        if table.viewer.role not in ("owner", "admin"):
            return True
        # an admin may still remove their own picture where a member could not any more, and time stays (S-08)
        week = table.held.segments.now[named.segment]["week"]
        return await table.refusal(named.segment.split("|")[3], week, takes_time=True) is None

    async def _take(self, table: Table, named: "Named", taken: Taken) -> None:
        if table.settings.deletion_rule == "segment":
            taken[named.segment] = set(range(SLOT_MINUTES))
            return
        _, _, slot, contract, device = named.segment.split("|")
        start = parse_slot(slot)
        around = slots_between(start - _SESSION_AT_MOST, start + _SESSION_AT_MOST)
        await table.held.read_segments({table.moment(format_instant(one)) for one in around})
        own = [
            one
            for key, one in table.held.segments.now.items()
            if key.split("|")[3:] == [contract, device] and one.get("parts")
        ]
        for key, minutes in since_previous(own, named.capture, taken).items():
            taken.setdefault(key, set()).update(minutes)

    def note(self, drafts: Sequence[Draft]) -> list[Entry]:
        """Time that went counts as one; of pictures each is named, with its time or alone (G-02)."""
        removed = [row for draft in drafts for row in draft.about.get("removed", ())]
        with_time, alone = (
            [name for draft in drafts if draft.kind == kind for name, _ in draft.about["captures"]]
            for kind in ("removal", "picture_removal")
        )
        minutes = sum(len(row[1]) for row in removed)
        said = f"{minutes} minutes of {len(removed)} segments, {len(with_time)} captures"
        names = [row[0] for row in removed]
        entries = [Entry("time.removed", said, segments=names)] if removed else []
        entries += [Entry("capture.removed", "with its time", with_time)] if with_time else []
        return entries + ([Entry("capture.removed", "the picture alone", alone)] if alone else [])


class Named(NamedTuple):
    """A capture and the segment (``_id``) that names it."""

    capture: str
    segment: str


async def find(table: Table, capture: str) -> Named:
    """The member's segment that names a capture; 404 where none does."""
    keys = prefix_range(table.viewer.workspace, capture)
    found = (
        await table.db["pictures"].find({"_id": keys}, {"named": 1}, session=table.session).sort("_id", 1).to_list(10)
    )
    mine = f"{table.viewer.workspace}|{table.member}|"
    for document in found:
        for segment in sorted(document["named"]):
            if segment.startswith(mine):
                return Named(capture, segment)
    raise not_found(N_("capture"))


def shown_capture(table: Table, named: Named) -> dict[str, Any] | None:
    """The capture as its segment shows it; None where it does not."""
    shown = visible(table.held.segments.now, named.segment) or {"captures": []}
    return next((one for one in shown["captures"] if one["capture_id"] == named.capture), None)


def _require_over(table: Table, taken: Taken) -> None:
    """The running segment's time is discarded in the agent: what it still holds would come after (T-07)."""
    for key in taken:
        slot = key.split("|")[2]
        if parse_slot(slot) + SLOT > table.now:
            raise Problem(
                409,
                "segment-running",
                _("This segment is still running."),
                _("Discard the capture in the agent, or wait until the ten minutes are over (T-07)."),
                rule="T-07",
                slot=slot,
            )


def _removals(table: Table, taken: Taken, shots: set[str], personal: dict[str, Any]) -> list[Draft]:
    weeks: dict[tuple[str, str], Draft] = {}
    for key, minutes in sorted(taken.items()):
        document, shown = table.held.segments.now[key], visible(table.held.segments.now, key)
        if shown is None:
            continue
        _, _, _, contract, device = key.split("|")
        there = [index for index in sorted(minutes) if shown["minutes"][index] is not None]
        captures = _going(shown, minutes, shots, whole=len(there) == _count(shown))
        if not there and not captures:
            continue
        week = document["week"]
        draft = weeks.setdefault(
            (contract, week), Draft("removal", contract, week, {"removed": [], "captures": []}, personal)
        )
        draft.about["removed"].append([shown["segment_id"], there, max(part.seq for part in parts_of(document))])
        draft.about["captures"].extend([one, device] for one in captures)
    return list(weeks.values())


def _going(shown: dict[str, Any], minutes: set[int], shots: set[str], *, whole: bool) -> list[str]:
    """The captures that go with these minutes of a segment; a camera's only with the whole of it (T-09)."""
    return [
        one["capture_id"]
        for one in shown["captures"]
        if whole
        or one["capture_id"] in shots
        or (one["kind"] == "screen" and _minute(one["at"]) - _minute(shown["slot"]) in minutes)
    ]


def _count(shown: dict[str, Any]) -> int:
    return sum(minute is not None for minute in shown["minutes"])


def picture_drafts(
    table: Table,
    pictures: Iterable[Named],
    kind: Literal["picture_removal", "picture_blur"],
    personal: dict[str, Any],
) -> list[Draft]:
    """One edit a contract-week about pictures alone; by an admin in locked weeks too, for no time goes (S-08)."""
    weeks: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for one in pictures:
        _, _, _, contract, device = one.segment.split("|")
        weeks[contract, table.held.segments.now[one.segment]["week"]].append([one.capture, device])
    anyhow = table.viewer.role in ("owner", "admin")
    return [
        Draft(kind, contract, week, {"captures": captures}, personal, anyhow)
        for (contract, week), captures in weeks.items()
    ]


# since the previous capture -----------------------------------------------------------------------------------------


class _Minute(NamedTuple):
    """A minute that was recorded: its place on the clock (minutes since 1970), its segment, its session."""

    at: int
    segment: str
    place: int
    session: str


def since_previous(segments: Collection[Document], capture: str, taken: Taken) -> Taken:
    """The minutes that go with a capture under ``since_previous``: back to the capture before it, or to the start of
    the entry; with the entry's last capture goes all of it (S-08).

    ``segments``: one contract's on one device, around the capture; ``taken``: what goes with other captures of the same
    deletion. An entry is an unbroken span of one session, as it was recorded: time removed before does not break it,
    and is not taken twice, for it is not there any more.
    """
    shots = sorted(
        (_minute(one["at"]), one["capture_id"], document["_id"])
        for document in segments
        for one in (visible({document["_id"]: document}, document["_id"]) or {"captures": []})["captures"]
        if one["kind"] == "screen"
    )
    mine = next(one for one in shots if one[1] == capture)
    entry = _entry_around(_recorded(segments), mine)
    if not entry:
        return {mine[2]: set()}
    first, last = entry[0].at, entry[-1].at
    # two monitors' captures of one minute are one moment: either takes its time, and the other with it
    others = [one for one in shots if first <= one[0] <= last and one[0] != mine[0] and not _is_taken(one, taken)]
    before = [one[0] for one in others if one[0] < mine[0]]
    span = range(before[-1] + 1 if before else first, (mine[0] if others else last) + 1)
    found: Taken = {mine[2]: set()}
    for minute in entry:
        if minute.at in span:
            found.setdefault(minute.segment, set()).add(minute.place)
    return found


def _is_taken(shot: tuple[int, str, str], taken: Taken) -> bool:
    index = shot[0] - _minute(shot[2].split("|")[2])
    return index in taken.get(shot[2], ())


def _minute(instant: str) -> int:
    return int(parse_instant(instant).timestamp()) // 60


def _recorded(segments: Iterable[Document]) -> list[_Minute]:
    """Every minute that was ever recorded in these segments, in the order of the clock."""
    found: dict[int, _Minute] = {}
    for document in segments:
        start = _minute(document["_id"].split("|")[2])
        for part in sorted(parts_of(document), key=lambda one: one.seq):
            for index, minute in enumerate(part.minutes):
                if minute is not None:
                    found.setdefault(start + index, _Minute(start + index, document["_id"], index, part.session))
    return [found[at] for at in sorted(found)]


def _entry_around(minutes: Sequence[_Minute], shot: tuple[int, str, str]) -> list[_Minute]:
    """The unbroken span of one session in which a capture was taken; none where that minute was not recorded."""
    entry: list[_Minute] = []
    for minute in minutes:
        if entry and (minute.at != entry[-1].at + 1 or minute.session != entry[-1].session):
            if entry[-1].at >= shot[0]:
                break
            entry = []
        entry.append(minute)
    return entry if entry and entry[0].at <= shot[0] <= entry[-1].at else []
