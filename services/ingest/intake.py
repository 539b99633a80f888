"""The way of a batch: read → admission → ledger → JOURNAL → watermark → receipt (architecture.md, *The way*).

Every step is idempotent and a duplicate goes the whole way again, so a crash between any two is repaired when the batch
comes again. Nothing of one message keeps another from going its way.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.ingest import admission, ledger, quarantine
from services.ingest.admission import POSTPONED, Decision
from services.ingest.grants import Device, Grants, Snapshot
from services.ingest.ledger import Ledger
from services.ingest.quarantine import Quarantine
from services.ingest.reading import Arrival, Fault, Proved, Refused, read
from services.ingest.receipts import News, Receipts
from services.ingest.traces import Traces
from services.kit import metrics, telemetry
from services.kit.bus import Bus

_NO_DEVICE = Refused(Fault("bad_signature", "licensing knows no such device"))


@dataclass(slots=True, eq=False)
class Case:
    """One arrival and what is known of it so far."""

    arrival: Arrival
    snapshot: Snapshot
    reading: Proved | Refused | None = None
    decision: Decision = POSTPONED
    row: ledger.Row | None = None
    held_as: str | None = None
    key: str = ""
    """Where the ledger keeps it, once it is proved."""

    @property
    def device(self) -> Device:
        """Workspace and device, of the subject."""
        return self.arrival.workspace, self.arrival.device

    @property
    def admitted(self) -> bool:
        """It is in the ledger, now or already."""
        return self.decision.outcome in ("recorded", "duplicate")

    @property
    def postponed(self) -> bool:
        """It is to come again, when licensing can be asked."""
        return self.decision.outcome == "postponed"


class Intake:
    """Takes arrivals in, from the bus or out of quarantine."""

    def __init__(
        self, bus: Bus, grants: Grants, ledger: Ledger, quarantine: Quarantine, receipts: Receipts, traces: Traces
    ) -> None:
        self._bus, self._grants, self._ledger = bus, grants, ledger
        self._quarantine, self._receipts, self._traces = quarantine, receipts, traces

    async def take(self, arrivals: Sequence[Arrival]) -> list[Case]:
        """Takes each its whole way; returns when all is safe and told, in the order given. Raises where a store does
        not answer: then they must come again.
        """
        started, now = time.monotonic(), datetime.now(UTC)
        with telemetry.Steps() as step:
            cases = await self._read(arrivals, started)
            await self._decide(cases, now, started)
            await self._quarantine.hold(
                [_quarantined(case, now) for case in cases if not case.admitted and not case.postponed]
            )
            admitted: dict[str, Case] = {}
            for case in cases:
                if case.admitted:
                    admitted.setdefault(case.key, case)
            await self._journal(admitted.values(), step)
        await self._quarantine.forget(await self._quarantine.held([_place(case) for case in admitted.values()]))
        await self._receipts.push(await self._receipts.settle(_news(cases)))
        _count(cases, datetime.now(UTC))
        return cases

    async def _read(self, arrivals: Sequence[Arrival], started: float) -> list[Case]:
        snapshots = await self._grants.of({(one.workspace, one.device) for one in arrivals})
        cases = [Case(one, snapshots[one.workspace, one.device]) for one in arrivals]
        for case in cases:
            if case.snapshot.terms is not None:
                case.reading = read(case.arrival, case.snapshot.terms.public_key)
            elif case.snapshot.asked_at >= started:
                case.reading = _NO_DEVICE
            if isinstance(case.reading, Proved):
                case.key = ledger.key(*case.device, case.reading.seq)
            elif case.reading is not None:
                case.decision = Decision(*_fault(case.reading))
        return cases

    async def _decide(self, cases: Sequence[Case], now: datetime, started: float) -> None:
        proved = [case for case in cases if isinstance(case.reading, Proved)]
        rows = await self._ledger.known({case.key for case in proved})
        self._pass(proved, rows, now, started)
        if doubtful := [case for case in proved if case.postponed]:
            snapshots = await self._grants.again(list({case.device for case in doubtful}))
            for case in doubtful:
                case.snapshot = snapshots[case.device]
            self._pass(doubtful, rows, now, started)
        new = {case.key: case.row for case in proved if case.decision.outcome == "recorded" and case.row}
        rows |= await self._ledger.write(list(new.values()))
        for case in proved:
            if case.admitted:
                _confirm(case, rows[case.key])

    @staticmethod
    def _pass(cases: Iterable[Case], rows: dict[str, ledger.Row], now: datetime, started: float) -> None:
        """Decides on each, in the order of arrival: of two with the same seq the first takes it."""
        for case in cases:
            reading, (terms, asked_at) = case.reading, case.snapshot
            if terms is None or not isinstance(reading, Proved):
                continue
            known = rows.get(case.key)
            case.decision = admission.decide(
                reading.record,
                reading.detail["label"],
                reading.slot,
                reading.closed_at,
                terms,
                now,
                certain=asked_at >= started,
                hash=reading.hash,
                known=known["hash"] if known else None,
            )
            if case.decision.outcome == "recorded":
                case.row = rows[case.key] = ledger.row_of(case.arrival, reading, terms, case.decision, now)

    async def _journal(self, cases: Iterable[Case], step: telemetry.Steps) -> None:
        """Says ``segment.recorded`` of each; returns when the bus has them all."""
        messages = []
        for case in cases:
            reading, traceparent = case.reading, case.arrival.traceparent
            assert isinstance(reading, Proved)
            assert case.row is not None
            if case.decision.outcome == "recorded":
                traceparent = self._traces.begin(step, traceparent, reading.record)
            subject, body = ledger.fact_of(case.row, reading.record, reading.record_text, reading.detail_text)
            messages.append((subject, body, traceparent))
        if messages:
            await self._bus.journal(messages)


def _confirm(case: Case, row: ledger.Row) -> None:
    """What the ledger really holds decides: another replica may have been first."""
    assert isinstance(case.reading, Proved)
    if row["hash"] != case.reading.hash:
        case.decision = Decision("conflict", "the ledger holds other bytes here")
    elif case.row is not row:
        case.decision = Decision("duplicate")
    case.row = row


def _fault(refused: Refused) -> tuple[admission.Reason, str]:
    return refused.fault.reason, refused.fault.message


def _place(case: Case) -> str:
    """Where quarantine would keep, or had kept, this record."""
    assert isinstance(case.reading, Proved)
    return quarantine.key(case.arrival, case.reading.seq, case.reading.hash)


def _quarantined(case: Case, now: datetime) -> quarantine.Row:
    if isinstance(case.reading, Proved):
        # decide() gives no other outcomes here than reasons
        fault = Fault(case.decision.outcome, case.decision.message)  # type: ignore[arg-type]
        row = quarantine.row_of(
            case.arrival, fault, now, case.reading.seq, case.reading.hash, case.reading.record["prev"]
        )
    else:
        assert case.reading is not None
        refused = case.reading
        row = quarantine.row_of(case.arrival, refused.fault, now, refused.seq, refused.hash, refused.prev)
    case.held_as = row["_id"]
    return row


def _news(cases: Iterable[Case]) -> dict[Device, News]:
    """What became safe, by device; what proves nothing is no news."""
    news: dict[Device, News] = {}
    for case in cases:
        seq = case.reading.seq if case.reading is not None else None
        if seq is None or case.postponed:
            continue
        one = news.setdefault(case.device, News())
        if case.admitted:
            one.admitted.add(seq)
        else:
            one.quarantined[seq] = case.decision.outcome
    return news


def _count(cases: Sequence[Case], now: datetime) -> None:
    outcomes: Mapping[str, int] = Counter(case.decision.outcome for case in cases)
    for outcome, number in outcomes.items():
        metrics.SEGMENTS.labels(outcome).inc(number)
    recorded = metrics.FRESHNESS_SECONDS.labels("recorded")
    for case in cases:
        if case.decision.outcome == "recorded" and isinstance(case.reading, Proved):
            recorded.observe(max(0.0, (now - case.reading.closed_at).total_seconds()))
