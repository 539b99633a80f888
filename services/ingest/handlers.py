"""What arrives on the bus: closed segments, a device asking for its receipt, and the requests of other services."""

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

from nats.aio.msg import Msg

from services.ingest import ledger as ledgers
from services.ingest.grants import Device
from services.ingest.intake import Intake
from services.ingest.ledger import Ledger
from services.ingest.quarantine import Quarantine
from services.ingest.reading import Arrival
from services.ingest.receipts import Receipts
from services.ingest.traces import well_formed
from services.kit.bus import Bus, Delivery, retry_delay
from services.kit.deletions import Deletions
from services.kit.problems import Problem, forbidden
from services.wire import proof
from services.wire.language import _
from services.wire.requests import Doubt, QuarantineOf, RecordsOf, Release, Replay, SyncOf
from services.wire.slots import format_instant, parse_instant
from services.wire.subjects import ID, rpc

ANSWER_BYTES = 700_000
"""What an answer with records may weigh: the bus takes 1 MiB."""
_CHUNK = 500
_MAY_RELEASE = frozenset({"owner", "admin"})


class Handlers:
    """One method for each durable, device request and verb."""

    def __init__(
        self,
        bus: Bus,
        intake: Intake,
        ledger: Ledger,
        quarantine: Quarantine,
        receipts: Receipts,
        deletions: Deletions,
    ) -> None:
        self._bus, self._intake, self._deletions = bus, intake, deletions
        self._ledger, self._quarantine, self._receipts = ledger, quarantine, receipts

    async def segments(self, batch: list[Delivery]) -> None:
        """``segments.closed``: takes a batch in; what must wait for licensing is postponed."""
        batch = await self._deletions.sift(batch)
        cases = await self._intake.take([_arrival(one) for one in batch])
        for delivery, case in zip(batch, cases, strict=True):
            if case.postponed:
                delivery.postpone(retry_delay(delivery.message.metadata.num_delivered))
        await self._doubt({case.device for case in cases if case.decision.outcome == "conflict"})

    async def _doubt(self, devices: set[Device]) -> None:
        """Two records of one seq: two computers sign with one key, or a spool was put back. Licensing notes it (L-06).

        Nobody waits for the answer, and what is not heard is not lost: the conflict stays in quarantine, and shows in
        the proof of sync.
        """
        for workspace, device in devices:
            doubt = Doubt(workspace=workspace, device=device, because="conflict")
            await self._bus.say(rpc("licensing", "doubt"), doubt.model_dump_json().encode())

    async def receipt(self, workspace: str, device: str, message: Msg) -> bytes:
        """``rpc.device.….receipts``: the signed receipt as the ledger has it now."""
        return await self._receipts.current(workspace, device)

    async def records(self, request: RecordsOf) -> dict[str, Any]:
        """``rpc.ingest.records``: records of a span of slots, verbatim. Too many for one answer: 413, unless paged."""
        items: list[dict[str, Any]] = []
        weight, last = 0, ""
        async for row in self._span(request):
            weight += len(row["record"]) + len(row["detail"] or "") + 300
            if items and weight > ANSWER_BYTES:
                if request.after is None:
                    words = _("More than one answer holds."), _("Ask page by page, with `after`.")
                    raise Problem(413, "too-large", *words)
                return {"records": items, "next": last}
            items.append({name: row[name] for name in ("device", "record", "detail", "signature")})
            items[-1]["seq"] = ledgers.seq_of(row["_id"])
            last = row["_id"]
        return {"records": items, "next": None}

    async def _span(self, request: RecordsOf) -> AsyncIterator[ledgers.Row]:
        start, end = parse_instant(request.start), parse_instant(request.end)
        for device in sorted(set(request.devices)):
            async for row in self._ledger.span(request.workspace, device, start, end, request.after or ""):
                yield row

    async def sync(self, request: SyncOf) -> dict[str, Any]:
        """``rpc.ingest.sync``: what arrived, what is missing, what is quarantined and why (B-02)."""
        return {"devices": [await self._sync(request.workspace, device) for device in request.devices]}

    async def _sync(self, workspace: str, device: str) -> dict[str, Any]:
        history = await self._ledger.history(workspace, device)
        quarantined = await self._quarantine.proved(workspace, device)
        # A quarantined record is signed too: it has arrived, and its place in the chain can be examined.
        chain = proof.examine([*history.links, *(link for link, _ in quarantined)])
        last = history.last_received_at
        return {
            "device": device,
            "records": len(history.links),
            "through": chain.through,
            "missing": [list(one) for one in chain.missing],
            "broken": list(chain.broken),
            "quarantined": [[link.seq, reason] for link, reason in quarantined],
            "last_received_at": format_instant(last) if last else None,
        }

    async def quarantine(self, request: QuarantineOf) -> dict[str, Any]:
        """``rpc.ingest.quarantine``: the newest thousand entries, without their bytes."""
        return {"items": await self._quarantine.newest(request.workspace, request.device)}

    async def release(self, request: Release) -> dict[str, int]:
        """``rpc.ingest.release``: tried again as if just arrived; what still fails stays."""
        if request.principal.role not in _MAY_RELEASE:
            raise forbidden(_("Owners and admins release what is quarantined."))
        rows = await self._quarantine.get(request.principal.workspace, request.ids)
        arrivals = [Arrival(row["workspace"], row["device"], bytes(row["body"]), row["traceparent"]) for row in rows]
        cases = await self._intake.take(arrivals)
        # what is held under another name now (its device has become known, say) must not stand there twice
        done = [
            row["_id"]
            for row, case in zip(rows, cases, strict=True)
            if case.admitted or case.held_as not in (None, row["_id"])
        ]
        await self._quarantine.forget(done)
        return {"released": sum(case.admitted for case in cases)}

    async def replay(self, request: Replay) -> dict[str, int]:
        """``rpc.ingest.replay``: says ``segment.recorded`` of every record of a span of slots again."""
        start, end = parse_instant(request.start), parse_instant(request.end)
        emitted, messages = 0, []
        for device in await self._receipts.devices(request.workspace):
            async for row in self._ledger.span(request.workspace, device, start, end):
                messages.append((*ledgers.stored_fact(row), None))
                if len(messages) == _CHUNK:
                    await self._bus.journal(messages, replay=True)
                    emitted, messages = emitted + len(messages), []
        await self._bus.journal(messages, replay=True)
        return {"emitted": emitted + len(messages)}


def _arrival(delivery: Delivery) -> Arrival:
    return Arrival(*_device(delivery.subject), delivery.body, well_formed(delivery.traceparent))


@lru_cache(50_000)
def _device(subject: str) -> Device:
    """Identity is the subject's. Tokens that are no ids belong to nobody, and must not pass for another's prefix."""
    _, _, workspace, device = subject.split(".")
    return (workspace, device) if ID.fullmatch(workspace) and ID.fullmatch(device) else ("-", "-")
