"""What must be so once all is at rest, and the words for each thing that is not (quality.md, *Nothing lost*)."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
from pymongo.errors import PyMongoError

from services.wire import proof
from tests.faults.book import EITHER, KEPT, Line
from tests.faults.computers import Computer
from tests.faults.crew import Crew
from tests.faults.reference import Diary, Segment, fold
from tests.faults.world import World
from tests.support.stack import day

REST_SECONDS = 60.0
GRACE_SECONDS = 4.0
_STORED = {"stored", "removed"}


@dataclass
class Verdict:
    """Figures of one fault, and in ``findings`` what is wrong, each beginning with the word that names it."""

    closed: int = 0
    accepted: int = 0
    quarantined: int = 0
    lost: int = 0
    doubled: int = 0
    recovery: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings


async def examine(world: World, crew: Crew, grace: float = GRACE_SECONDS) -> Verdict:
    """Waits until nothing is on its way any more, and compares; what is not so after the grace is found wrong.

    Recovery is counted from when the last part was killed or let go on; where none was, from the call.
    """
    begun = time.monotonic()
    struck = world.struck_at if world.struck_at > crew.hired_at else begun
    unrest = await _rest(world, crew, begun + REST_SECONDS)
    deadline = time.monotonic() + grace
    while True:
        verdict = await _compare(world, crew)
        if verdict.sound or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.3)  # what is said at last, after the last ack, may need a moment
    verdict.recovery = round(time.monotonic() - struck, 1)
    if unrest:
        verdict.findings.insert(0, unrest)
    await crew.claims.join()
    verdict.findings += crew.lies
    return verdict


async def _rest(world: World, crew: Crew, deadline: float) -> str | None:
    """None once the spools are empty and the durables have nothing left; else what still waits."""
    while True:
        waiting: dict[str, Any] = {
            f"{one.name} waits": one.waiting() for one in crew.computers if not one.cut_off and any(one.waiting())
        }
        try:
            waiting |= await world.lag()
        except Exception as error:  # the bus may be on its way up
            waiting["bus"] = type(error).__name__
        if not waiting or crew.lies:
            return None
        if time.monotonic() > deadline:
            return f"lag: not at rest after {REST_SECONDS:.0f} s: {waiting}"
        await asyncio.sleep(0.2)


async def _compare(world: World, crew: Crew) -> Verdict:
    verdict = Verdict()
    admitted: list[Line] = []
    try:
        for book, device in crew.books():
            admitted += await asyncio.to_thread(_check_ledger, world, book, device, crew, verdict)
        reference = fold(admitted, crew.limits, crew.edits)
        async with world.owner() as http:
            for device in sorted({one.device for one in crew.computers}):
                await _check_chain(http, device, crew, verdict)
            for member in sorted(crew.limits_of):
                await _check_days(http, member, reference, verdict)
        await asyncio.to_thread(_check_pictures, world, reference, verdict)
    except (httpx.HTTPError, PyMongoError, AssertionError) as error:
        verdict.findings.append(f"unreadable: {type(error).__name__}: {error}")
    return verdict


# ledger and quarantine ------------------------------------------------------------------------------------------------


def _check_ledger(world: World, lines: list[Line], device: str, crew: Crew, verdict: Verdict) -> list[Line]:
    """Each line of the book is once in the ledger or in quarantine, as expected; gives those admitted."""
    kept = Counter((int(row["_id"].rsplit("|", 1)[1]), row["hash"]) for row in world.ingest_rows("ledger", device))
    rows = world.ingest_rows("quarantine", device)
    held = Counter((row["seq"], row["hash"]) for row in rows if row["seq"] is not None)
    reasons = {(row["seq"], row["hash"]): row["reason"] for row in rows}
    known = {(line.seq, line.hash) for line in lines}
    verdict.closed += len(lines)
    verdict.accepted += kept.total()
    verdict.quarantined += held.total()
    per_seq = Counter(seq for seq, _ in kept.elements())
    for line in lines:
        key = (line.seq, line.hash)
        times = kept[key] + held[key]
        if line.expected == KEPT:
            if times:
                verdict.findings.append(f"misjudged: {device} seq {line.seq} was taken from a refused device")
        elif times == 0:
            verdict.lost += 1
            other = " (other bytes stand there: overwritten)" if per_seq[line.seq] else ""
            verdict.findings.append(f"lost: {device} seq {line.seq} is neither admitted nor quarantined{other}")
        elif times > 1:
            verdict.doubled += 1
            verdict.findings.append(f"doubled: {device} seq {line.seq} is there {times} times")
        elif not _as_expected(line, reasons.get(key)):
            why = reasons.get(key) or "admitted"
            verdict.findings.append(f"misjudged: {device} seq {line.seq} is {why}, not {line.expected or 'admitted'}")
    for seq, _ in {*kept, *held} - known:
        verdict.findings.append(f"invented: {device} seq {seq} holds a record that was never closed")
    for seq in (seq for seq, times in per_seq.items() if times > 1):
        verdict.findings.append(f"doubled: {device} seq {seq} has {per_seq[seq]} records in the ledger")
    loose = sum(row["seq"] is None for row in rows)
    if loose != crew.litter.get(device, 0):
        verdict.findings.append(
            f"litter: {device} has {loose} unproved entries, sent were {crew.litter.get(device, 0)}"
        )
    return [line for line in lines if kept[line.seq, line.hash]]


def _as_expected(line: Line, reason: str | None) -> bool:
    return reason in (None, "conflict") if line.expected == EITHER else reason == line.expected


async def _check_chain(http: httpx.AsyncClient, device: str, crew: Crew, verdict: Verdict) -> None:
    """B-02: the statement of a device says no gap and no break; where the device was cloned, its chain has two ends."""
    answer = await http.get(f"/api/v1/devices/{device}/sync")
    assert answer.is_success, f"sync of {device}: {answer.text}"
    sync = answer.json()
    if sync["missing"] and device not in crew.unfinished:
        verdict.findings.append(f"chain: {device} misses {sync['missing']}")
    if sync["broken"] and device not in crew.cloned:
        verdict.findings.append(f"chain: {device} is broken at {sync['broken']}")


# the diary ------------------------------------------------------------------------------------------------------------


async def _check_days(http: httpx.AsyncClient, member: str, reference: Diary, verdict: Verdict) -> None:
    weeks: dict[tuple[str, str], dict[str, Any]] = {}
    own = [one for one in reference.segments.values() if one.member == member]
    gone = [one for one in reference.removed if one.member == member]
    for date in sorted({one.slot[:10] for one in own + gone}):
        shown = await day(http, member, date)
        wanted = reference.day(member, date)
        weeks |= {(week["contract"], week["week"]): week for week in shown["weeks"]}
        for name, times in Counter(one["segment_id"] for one in shown["segments"]).items():
            if times > 1:
                verdict.doubled += 1
                verdict.findings.append(f"doubled: the diary shows {name} {times} times")
        there = {one["segment_id"]: one for one in shown["segments"]}
        for name in wanted.keys() - there.keys():
            verdict.lost += 1
            verdict.findings.append(f"diary: lacks {name}")
        for name in there.keys() - wanted.keys():
            verdict.findings.append(f"diary: shows {name}, which was not admitted")
        for name in wanted.keys() & there.keys():
            verdict.findings += [f"diary: {name}: {what}" for what in _differences(wanted[name], there[name])]
        verdict.findings += [f"diary: {date}: {what}" for what in _totals(wanted.values(), shown["totals"])]
    for (contract, monday), (billed, _) in reference.weeks.items():
        if any(one.contract == contract for one in own):
            found = weeks.get((contract, monday), {}).get("billable_minutes")
            if found != billed:
                verdict.findings.append(f"week: {contract} {monday} bills {found} minutes, and {billed} are right")


def _differences(wanted: Segment, shown: dict[str, Any]) -> list[str]:
    minutes = [
        minute and [*minute[:5], None if minute[5] is None else shown["apps"][minute[5]][0]]
        for minute in shown["minutes"]
    ]
    states = {one["capture_id"]: one["state"] for one in shown["captures"]}
    pairs = {
        "minutes": (minutes, wanted.minutes),
        "memo": (shown["memo"], wanted.memo),
        "label": (shown["label"], wanted.label),
        "apps": ({tuple(app): seconds for *app, seconds in shown["apps"]}, wanted.apps),
        "captures": (set(states), set(wanted.captures)),
        "active_minutes": (shown["active_minutes"], wanted.active),
        "billable_minutes": (shown["billable_minutes"], wanted.billable),
        "status": (shown["status"], wanted.status),
        "score": ({name: shown["score"][name] for name in wanted.score}, wanted.score),
    }
    found = [f"{name} {got!r} instead of {right!r}" for name, (got, right) in pairs.items() if got != right]
    pending = [capture for capture, state in states.items() if state not in _STORED]
    return found + ([f"pictures pending: {pending}"] if pending else [])


def _totals(segments: Iterable[Segment], totals: dict[str, int]) -> list[str]:
    there = list(segments)
    right = {
        "tracked_minutes": sum(one.tracked for one in there),
        "active_minutes": sum(one.active for one in there),
        "billable_minutes": sum(one.billable for one in there),
        "over_limit_minutes": sum(one.wanted for one in there if one.over),
        "office_minutes": sum(sum(one.counts) for one in there),
    }
    return [f"{name} {totals[name]} instead of {value}" for name, value in right.items() if totals[name] != value]


def _check_pictures(world: World, reference: Diary, verdict: Verdict) -> None:
    """What counts as stored can be had, byte for byte; of what was removed nothing is left (S-08)."""
    for one in reference.segments.values():
        for name, capture in one.captures.items():
            found = world.picture(one.device, name, capture["sha256"])
            if found is None or hashlib.sha256(found[: capture["bytes"]]).hexdigest() != capture["sha256"]:
                verdict.lost += 1
                verdict.findings.append(f"picture: {name} of {one.segment_id} is {'gone' if found is None else 'torn'}")
    for one in reference.removed:
        for name, capture in one.captures.items():
            if world.picture(one.device, name, capture["sha256"]) is not None:
                verdict.findings.append(f"picture: {name} of {one.segment_id} is there, which was removed")


def check_signatures(computer: Computer) -> None:
    """The book itself must be sound, or nothing that is compared with it says anything."""
    prev = proof.GENESIS
    for line in computer.book.lines:
        assert (line.record["prev"], line.seq) == (prev, line.record["seq"])
        prev = line.hash
