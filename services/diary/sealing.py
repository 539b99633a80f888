"""Sealing: after its lock every contract-week becomes a signed text that nothing changes any more (S-06, B-01).

Any number of processes may try. A seal is written against the version of the week it was computed from, together with
the mark on the week, the head of the contract's chain and the fact: all or nothing, and once. So an edit or a record is
either folded before, and in it, or finds the week sealed.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from nacl.signing import SigningKey
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.diary import evidence
from services.diary.evidence import Missing, Signature
from services.diary.people import Workspace
from services.diary.sheets import StaleWeek
from services.diary.weeks import locks_at, term_in
from services.kit import metrics
from services.kit.bus import Bus
from services.kit.mongo import Database, Session, transaction
from services.kit.outbox import Outbox
from services.kit.problems import Problem
from services.kit.rounds import Rounds
from services.wire import seals, slots
from services.wire.edits import Signed
from services.wire.events import WeekSealed
from services.wire.proof import GENESIS, ProofError, digest
from services.wire.reckoning import reckon
from services.wire.seals import About, Seal, Terms, Totals

log = logging.getLogger(__name__)
Document = dict[str, Any]
_TRIES = 12
_UNSEALED = ("waiting", "disagrees", "failed")


class Disagrees(Exception):
    """A week's records and edits come to other figures than its document has: it is not sealed, and needs a look."""


class NotLocked(Exception):
    """The week's lock has not come yet, or only just."""


class Sealer:
    """Seals locked weeks, ``grace`` seconds after their lock at the earliest; ``clock`` gives the present instant.

    A week that time still arrives for is left alone until nothing has come for ``quiet`` seconds: a computer that
    comes back after its holidays brings a whole week, and not its first minute and then late time.
    """

    def __init__(
        self,
        db: Database,
        bus: Bus,
        key: SigningKey,
        outbox: Outbox,
        *,
        grace: float = 0.0,
        quiet: float = 0.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db, self._bus, self._key, self._outbox = db, bus, key, outbox
        self._grace, self._clock = timedelta(seconds=grace), clock
        self._quiet = timedelta(seconds=quiet)
        self._changed: dict[str, tuple[int, datetime]] = {}
        self._looked_at: dict[str, tuple[int, str]] = {}
        """Weeks that nothing was to be done about: in which version, and how it went."""

    async def sweep(self) -> int:
        """Seals all weeks that are due, the earliest first; gives how many. What cannot be sealed yet waits.

        A Problem where ingest or licensing does not answer. A week that cannot be sealed holds up no other, and is
        looked at again when it changes, or by another process; until then ``WEEKS_UNSEALED`` tells of it.
        """
        # no zone is further than a day from UTC, and no lock earlier than the Monday after
        latest = (self._clock() - timedelta(days=6)).date().isoformat()
        due = self._db["weeks"].find({"sealed.root": None, "week": {"$lte": latest}}, {"claims": 0, "over": 0})
        weeks, sealed = await due.sort([("week", 1), ("_id", 1)]).to_list(None), 0
        self._changed = {one["_id"]: self._changed[one["_id"]] for one in weeks if one["_id"] in self._changed}
        unsealed: Counter[str] = Counter()
        for week in weeks:
            version, outcome = self._looked_at.get(week["_id"], (0, ""))
            if version != week["version"]:
                outcome = await self._try(week) if self._is_quiet(week) else ""
            sealed += outcome == "sealed"
            unsealed[outcome] += 1
        for outcome in _UNSEALED:
            metrics.WEEKS_UNSEALED.labels(outcome).set(unsealed[outcome])
        return sealed

    async def _try(self, week: Document) -> str:
        """What came of sealing a week, as ``WEEKS_SEALED`` counts it; nothing where it is not locked or empty."""
        self._looked_at.pop(week["_id"], None)
        outcome = "disagrees"
        try:
            if await self.seal(week["_id"]) is None:
                return ""
            return "sealed"
        except NotLocked:
            return ""
        except (Missing, StaleWeek) as error:
            log.info("week %s waits to be sealed: %s", week["_id"], error)
            outcome = "waiting"
        except (Disagrees, ProofError) as error:
            log.error("week %s cannot be sealed: %s", week["_id"], error)
        except (Problem, PyMongoError):
            raise
        except Exception:
            log.exception("week %s cannot be sealed", week["_id"])
            outcome = "failed"
        metrics.WEEKS_SEALED.labels(outcome).inc()
        if outcome != "waiting":
            self._looked_at[week["_id"]] = week["version"], outcome
        return outcome

    def _is_quiet(self, week: Document) -> bool:
        version, since = self._changed.get(week["_id"], (0, self._clock()))
        if version != week["version"]:
            since = self._clock()
        self._changed[week["_id"]] = week["version"], since
        return self._clock() >= since + self._quiet

    async def seal(self, key: str) -> Document | None:
        """The seal of a contract-week (``workspace|contract|week``), made now where there is none; None: nothing in it.

        NotLocked before its time; Missing, Problem or Disagrees where it cannot be sealed just now.
        """
        for attempt in range(_TRIES):
            await asyncio.sleep(random.uniform(0, min(1.0, 0.01 * 2**attempt)) if attempt else 0)
            week = await self._db["weeks"].find_one({"_id": key})
            known: Document | None = await self._db["seals"].find_one({"_id": key})
            if known is not None:
                if week is not None and not week.get("sealed"):
                    await self._mark_again(week, known)
                return known
            if week is None:
                return None
            settings = await self._require_locked(week)
            try:
                return await self._seal(week, settings)
            except (StaleWeek, DuplicateKeyError):
                continue  # somebody else changed or sealed it meanwhile
            except (Missing, Disagrees):
                now = await self._db["weeks"].find_one({"_id": key}, {"version": 1})
                if now is not None and now["version"] == week["version"]:
                    raise
        raise StaleWeek("a week changes faster than it can be sealed")

    async def _require_locked(self, week: Document) -> Workspace:
        settings = Workspace.of(await self._db["workspaces"].find_one({"_id": f"{week['workspace']}|"}))
        lock = locks_at(date.fromisoformat(week["week"]), settings.billing, settings.lock_hour)
        if not settings.revision or self._clock() < lock + self._grace:
            raise NotLocked
        return settings

    async def _seal(self, week: Document, settings: Workspace) -> Document:
        contract = await self._db["contracts"].find_one({"_id": f"{week['workspace']}|{week['contract']}"})
        if contract is None:
            raise Missing("the contract is not known yet")
        terms = terms_of(week, contract, settings)
        seen = await evidence.folded(self._db, week)
        signed = await evidence.edits(self._db, week)
        places = evidence.places_of(seen, week["week"])
        span = evidence.span_of(seen) if places else None
        records = await evidence.records(self._bus, week["workspace"], places, span) if span else []
        devices = await evidence.devices(self._bus, week["workspace"], {device for device, _ in places})
        edits = evidence.read_edits(bytes(self._key.verify_key), [one for _, one in signed])
        around = evidence.around(seen, week["week"], edits, movement_counts=terms.movement_counts)
        kinds = {name: device.kind for name, device in devices.items()}
        totals = reckon([one.body for one in records], edits, terms, kinds, around).totals
        _require_agreement(week, totals)
        about = seals.write_about(await self._about(week, contract, settings))
        lock = locks_at(date.fromisoformat(week["week"]), settings.billing, settings.lock_hour)
        names = {name: week[name] for name in ("workspace", "contract", "member", "week", "version")}
        draft = Seal(
            **names,
            zone=settings.billing_zone,
            locks_at=slots.format_instant(lock),
            sealed_at=slots.format_instant(self._clock()),
            rules=seals.RULES,
            terms=terms,
            devices=devices,
            elsewhere={slot: list(minutes) for slot, minutes in around.elsewhere.items()},
            billed_before=sorted(around.billed.items()),
            records=len(records),
            edits=len(signed),
            root=seals.root_of([one.hash for one in records], [digest(one.text) for _, one in signed]),
            totals=totals,
            about=digest(about),
            number=0,
            previous=GENESIS,
        )
        return await self._write(week, draft, {"about": about, "span": span and list(span)}, records, signed)

    async def _about(self, week: Document, contract: Document, settings: Workspace) -> About:
        names = {}
        for member in {week["member"], contract["client"]} - {None}:
            found = await self._db["members"].find_one({"_id": f"{week['workspace']}|{member}"})
            names[member] = found["name"] if found else member
        client = names.get(contract["client"]) if contract["client"] else None
        return About(settings.name, names[week["member"]], client, contract["project"])

    async def _write(
        self, week: Document, draft: Seal, also: Document, records: list[Signature], signed: list[tuple[str, Signed]]
    ) -> Document:
        kept = {"records": [list(one.place) for one in records], "edits": [edit for edit, _ in signed], **also}

        async def work(session: Session) -> Document:
            number, previous = await self._take_number(week, session)
            seal = draft._replace(number=number, previous=previous)
            text, signature = seals.write_seal(self._key, seal)
            document = _document(week["_id"], seal, text, signature) | kept
            mark = {"sealed": _mark(document), "version": week["version"] + 1}
            seen = {"_id": week["_id"], "version": week["version"], "sealed.root": None}
            done = await self._db["weeks"].update_one(seen, {"$set": mark}, session=session)
            if not done.matched_count:
                raise StaleWeek("the week was changed while it was sealed")
            await self._db["seals"].insert_one(document, session=session)
            await self._db["seal_chains"].update_one(
                {"_id": f"{week['workspace']}|{week['contract']}"},
                {"$set": {"number": number, "hash": document["hash"]}},
                upsert=True,
                session=session,
            )
            await self._outbox.stage([("week.sealed", fact_of(document))], session)
            return document

        document = await transaction(self._db, work)
        metrics.WEEKS_SEALED.labels("sealed").inc()
        self._outbox.nudge()
        return document

    async def _take_number(self, week: Document, session: Session) -> tuple[int, str]:
        """The next place in the contract's chain of seals; two at once meet at its head, and one begins again."""
        chain = {"_id": f"{week['workspace']}|{week['contract']}"}
        head = await self._db["seal_chains"].find_one(chain, session=session)
        return (head["number"] + 1, head["hash"]) if head else (1, GENESIS)

    async def _mark_again(self, week: Document, seal: Document) -> None:
        """A week that was rebuilt has its seal already: it is marked as before, and never sealed otherwise."""
        if _totals_of(week) != {name: seal["totals"][name] for name in _FIGURES}:
            log.error("week %s was rebuilt to other figures than its seal has", week["_id"])
        mark = {"$set": {"sealed": _mark(seal)}, "$inc": {"version": 1}}
        await self._db["weeks"].update_one({"_id": week["_id"], "version": week["version"]}, mark)


_FIGURES = (
    *("billable_minutes", "automatic_minutes", "manual_minutes"),
    *("over_limit_minutes", "tracked_minutes", "active_minutes"),
)


def terms_of(week: Document, contract: Document, settings: Workspace) -> Terms:
    """What a week is billed by: as the week itself keeps it, and where it does not yet, as things are now."""
    kept = week["terms"]
    return Terms(
        kept["billing_unit"],
        kept["limit_minutes"],
        kept.get("movement_counts", settings.movement_counts),
        kept.get("currency", contract["currency"]),
        kept.get("rate_minor", contract["rate_minor"]),
        *term_in(kept),
    )


def _document(key: str, seal: Seal, text: str, signature: str) -> Document:
    """A seal as it is kept: its text and signature, and what is asked of it without reading them."""
    names = ("workspace", "contract", "member", "week", "sealed_at", "root", "number", "previous", "leaves")
    document: Document = {"_id": key, "text": text, "signature": signature, "hash": seals.seal_hash(text)}
    document |= {name: getattr(seal, name) for name in names}
    return document | {"totals": seal.totals._asdict(), "terms": seal.terms._asdict()}


def fact_of(seal: Document) -> WeekSealed:
    """What tells of a seal."""
    names = ("workspace", "member", "contract", "week", "signature")
    return WeekSealed(seal=seal["text"], **{name: seal[name] for name in names})


def _mark(seal: Document) -> Document:
    return {name: seal[name] for name in ("root", "sealed_at", "leaves", "previous")}


def _totals_of(week: Document) -> dict[str, int]:
    return {name: week[name] for name in _FIGURES}


def _require_agreement(week: Document, totals: Totals) -> None:
    found, kept = {name: getattr(totals, name) for name in _FIGURES}, _totals_of(week)
    if found != kept:
        others = (f"{name} {kept[name]} instead of {found[name]}" for name in _FIGURES if found[name] != kept[name])
        raise Disagrees(f"the week has {', '.join(others)}")


class Watch(Rounds):
    """Looks for weeks that are due, from time to time; what was under way at the end is whole or not there."""

    def __init__(self, sealer: Sealer, every_seconds: float) -> None:
        self._sealer = sealer
        late = "weeks wait to be sealed: the bus or the store does not answer"
        super().__init__(self._look, every_seconds, log, late)

    async def _look(self) -> None:
        try:
            await self._sealer.sweep()
        except Problem as problem:
            log.info("weeks wait to be sealed: %s", problem.title)
