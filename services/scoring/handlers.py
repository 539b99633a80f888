"""What arrives on the bus: records to fold, settings to fold by, and questions."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from services.kit import declared, metrics, telemetry
from services.kit.bus import Bus, Delivery
from services.kit.deletions import Deletions
from services.scoring.classes import Catalogue
from services.scoring.folds import fold, scored, slot_key, slots_of, workspace_of
from services.scoring.rollups import day_key, roll_up, tally_between
from services.scoring.store import Document, Documents, Store, first_slot
from services.scoring.tracko import Rules
from services.wire import subjects
from services.wire.edits import Edit, Signed, parse_edit
from services.wire.events import DiaryEdited, SegmentRecorded, WorkspaceChanged, read_fact
from services.wire.requests import Replay, ScoresOf
from services.wire.scores import score
from services.wire.subjects import STREAMS

log = logging.getLogger(__name__)

DURABLE = next(durable for stream in STREAMS for durable in stream.durables if durable.name == "scoring")
_REPLAYED_AT_ONCE = 500
_TRIES = 20
_OF_A_FACT = (KeyError, IndexError, TypeError, ValueError, AttributeError)

Facts = Mapping[str, Sequence[SegmentRecorded | Edit]]
"""What there is to fold, by slot."""
Traces = Mapping[str, str | None]
"""For each slot the ``traceparent`` of the record that its scores are said for; of several, of the last."""


class Handlers:
    """Scoring's work and answers."""

    def __init__(self, bus: Bus, store: Store, catalogue: Catalogue, deletions: Deletions) -> None:
        self._bus, self._store, self._catalogue, self._deletions = bus, store, catalogue, deletions

    def register(self) -> None:
        """Subscribes them all."""
        self._bus.work(DURABLE, self.take)
        self._bus.serve("scores", ScoresOf, self.scores)
        self._bus.serve("replay", Replay, self.replay)

    async def take(self, batch: list[Delivery]) -> None:
        """Folds a batch of facts, says the scores, and only then lets the bus forget it."""
        batch = await self._deletions.sift(batch)
        facts: dict[str, list[SegmentRecorded | Edit]] = defaultdict(list)
        traceparents: list[tuple[str, str | None]] = []
        unreadable = []
        for delivery in batch:
            try:
                fact = read_fact(delivery.subject, delivery.body)
                removals = _removals(fact) if isinstance(fact, DiaryEdited) else []
            except _OF_A_FACT as error:  # only services publish here: a defect, which must not block its neighbours
                unreadable.append(error)
                continue
            if isinstance(fact, SegmentRecorded):
                key = slot_key(fact)
                facts[key].append(fact)
                traceparents.append((key, delivery.traceparent))
            elif isinstance(fact, WorkspaceChanged):
                await self._store.keep_rules(fact)
            for key, edit in removals:
                facts[key].append(edit)
                traceparents.append((key, delivery.traceparent))
        if unreadable:
            log.error("%d facts that cannot be read are passed over; one is %s", len(unreadable), unreadable[0])
            metrics.MESSAGES.labels(DURABLE.name, "poison").inc(len(unreadable))
        if facts:
            with telemetry.Steps() as step:
                traces = {key: step.below(declared.SEGMENT_SCORED, one) for key, one in traceparents}
                try:
                    await self._score(facts, traces)
                except _OF_A_FACT:
                    await self._score(self._foldable(facts), traces)

    def _foldable(self, facts: Facts) -> Facts:
        """Without what cannot be folded, which is a defect of who said it, so that its neighbours go their way."""
        good = {}
        for key, some in facts.items():
            try:
                fold(key, None, some, Rules(), self._catalogue)
                good[key] = some
            except _OF_A_FACT as error:
                # the error's text may quote the fact, and what is personal in it has no place in a log
                log.error("%d facts of a slot cannot be folded: %s", len(some), type(error).__name__)
                metrics.MESSAGES.labels(DURABLE.name, "poison").inc(len(some))
        return good

    async def _score(self, facts: Facts, traces: Traces, *, replay: bool = False) -> int:
        """Folds, rolls up and says ``segment.scored`` of every segment of these slots; gives how many.

        It is said again where nothing changed: so a crash after the commit is repaired by the redelivery. It is said
        for the whole slot, for what one segment counts depends on the others (T-14). And where another replica has
        meanwhile made a slot newer, that state is said after ours, for ours may have come out after theirs.
        """
        said = 0
        while facts:
            slots, rules = await self._fold(facts)
            await self._roll_up(slots)
            said += await self._say(slots, rules, traces, replay=replay)
            facts = dict.fromkeys(await self._store.superseded(slots), ())
        return said

    async def _fold(self, facts: Facts) -> tuple[Documents, Mapping[str, Rules]]:
        slots: Documents = {}
        missing = set(facts)
        for _ in range(_TRIES):
            known = await self._store.find("slots", missing)
            # read after the slots, so that they are never older than those a slot was last scored by
            rules = await self._store.rules(map(workspace_of, facts))
            new = {
                key: fold(key, known.get(key), facts[key], rules[workspace_of(key)], self._catalogue) for key in missing
            }
            slots |= new
            missing = await self._store.save("slots", "stamp", known, new)
            if not missing:
                return slots, rules
        raise RuntimeError("the same slots were written by others again and again")

    async def _roll_up(self, slots: Documents) -> None:
        by_day: dict[str, list[Document]] = defaultdict(list)
        for key, slot in slots.items():
            by_day[day_key(key)].append(slot)
        missing = set(by_day)
        for _ in range(_TRIES):
            known = await self._store.find("rollups", missing)
            new = {key: roll_up(key, known.get(key), by_day[key]) for key in missing}
            missing = await self._store.save("rollups", "revision", known, new)
            if not missing:
                return
        raise RuntimeError("the same days were written by others again and again")

    async def _say(self, slots: Documents, rules: Mapping[str, Rules], traces: Traces, *, replay: bool) -> int:
        messages = [
            (subjects.fact("segment.scored", *key.split("|")[:2]), fact, traces.get(key))
            for key, slot in slots.items()
            for fact in scored(slot, rules[workspace_of(key)])
        ]
        await self._bus.journal(messages, replay=replay)
        return len(messages)

    async def scores(self, wanted: ScoresOf) -> dict[str, Any]:
        """``rpc.scoring.scores``: per member and UTC day the tally and score of the slots that start in the span."""
        rules = (await self._store.rules([wanted.workspace]))[wanted.workspace]
        first, end = first_slot(wanted.start), first_slot(wanted.end)
        items = []
        for day in await self._store.days(wanted.workspace, wanted.members, first[:10], end[:10]):
            _, member, date = day["_id"].split("|")
            tally = tally_between(
                day, first[11:16] if date == first[:10] else "00:00", end[11:16] if date == end[:10] else "24:00"
            )
            if tally is not None:
                result = score(tally, rules.unproductive_weight_percent)
                items.append({"member": member, "date": date, "tally": tally._asdict(), **result._asdict()})
        return {"items": items}

    async def replay(self, wanted: Replay) -> dict[str, Any]:
        """``rpc.scoring.replay``: scores a span anew by the present rules and classes, and says it all again."""
        emitted, after = 0, ""
        while keys := await self._store.slots_between(
            wanted.workspace, wanted.start, wanted.end, after, _REPLAYED_AT_ONCE
        ):
            emitted += await self._score(dict.fromkeys(keys, ()), {}, replay=True)
            after = keys[-1]
        return {"emitted": emitted}


def _removals(fact: DiaryEdited) -> list[tuple[str, Edit]]:
    """The slots that an edit removes minutes from, each with the edit; who may say edits the bus decides."""
    edit = parse_edit(Signed(fact.edit, fact.detail, fact.signature))
    return [(key, edit) for key in sorted(slots_of(edit))]
