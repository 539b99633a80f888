"""A locked week is sealed once, for good, and agrees with its records (S-06, B-01)."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from services.diary.sealing import Disagrees, NotLocked, Sealer
from services.diary.weeks import week_key
from services.kit import metrics
from services.kit.bus import round_trip
from services.kit.outbox import Outbox
from services.kit.settings import signing_key
from services.wire import seals
from services.wire.proof import GENESIS
from services.wire.slots import parse_instant
from tests.diary.facts import MONDAY, idle, minutes, slots_from, work
from tests.diary.ledgers import Ledger
from tests.diary.races import Course
from tests.diary.running import Diary

LOCK = "2026-11-23T12:00:00Z"
SLOTS = slots_from("2026-11-17T09:00:00Z", 6)


class Clock:
    """What time it is, for who seals."""

    now = parse_instant(LOCK)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def ledger(diary: Diary) -> Ledger:
    made = Ledger(diary.workspace)
    await made.answer(diary)
    tell = diary.teller
    await diary.tell(
        tell.settings(),
        tell.member("mira"),
        tell.contract("con", "mira", weekly_limit_minutes=40, rate_minor=6100),
        tell.contract("side", "mira"),
    )
    return made


def sealer_of(diary: Diary, clock: Clock | None = None) -> Sealer:
    key = signing_key(SecretStr(diary.installation.keys.signing_seed("seal")))
    return Sealer(diary.db, diary.edge.bus, key, Outbox(diary.db, diary.edge.bus), clock=clock or Clock())


def public_of(diary: Diary) -> bytes:
    return bytes(signing_key(SecretStr(diary.installation.keys.signing_seed("seal"))).verify_key)


def key_of(diary: Diary, contract: str = "con", week: str = MONDAY) -> str:
    return week_key(diary.workspace, contract, week)


async def test_a_week_is_sealed_with_what_it_came_to(diary: Diary, ledger: Ledger) -> None:
    """Two devices, parts, another contract in one slot, a limit: the seal says what the week's document says."""
    await diary.tell(
        ledger.close("mira", SLOTS[0], [work()] * 4 + [None] * 6),
        ledger.close("mira", SLOTS[0], [None] * 4 + [idle()] * 6),
        ledger.close("mira", SLOTS[0], device="tablet", kind="mobile"),
        ledger.close("mira", SLOTS[1], contract="side", session_started="2026-11-16T07:00:00Z"),
        ledger.close("mira", SLOTS[1], [None] * 2 + [work()] * 8, device="laptop"),
        *(ledger.close("mira", slot) for slot in SLOTS[2:]),
    )
    seal = await sealer_of(diary).seal(key_of(diary))
    assert seal is not None
    read = seals.read_seal(public_of(diary), seal["text"], seal["signature"])
    week = await diary.db["weeks"].find_one({"_id": key_of(diary)})
    assert week is not None
    assert read.totals._asdict() == {
        **{name: week[name] for name in ("billable_minutes", "automatic_minutes", "manual_minutes")},
        **{name: week[name] for name in ("over_limit_minutes", "tracked_minutes", "active_minutes")},
        "amount_minor": 4067,
    }
    assert (read.totals.billable_minutes, read.totals.over_limit_minutes) == (40, 10)
    assert (read.records, read.edits, read.previous, read.number) == (8, 0, GENESIS, 1)
    assert set(read.devices) == {"dev", "tablet", "laptop"}
    assert read.elsewhere == {SLOTS[1]: [2, 3, 4, 5, 6, 7, 8, 9]}, "counted on the other contract (T-14)"
    assert week["sealed"]["root"] == read.root
    assert seals.read_about(seal["about"], read.about).project == "Con"


async def test_it_is_sealed_once_whoever_tries(diary: Diary, ledger: Ledger) -> None:
    await diary.tell(*(ledger.close("mira", slot) for slot in SLOTS[:3]))
    found = await asyncio.gather(*(sealer_of(diary).seal(key_of(diary)) for _ in range(6)))
    assert len({one["text"] for one in found if one}) == 1
    assert await diary.db["seals"].count_documents({}) == 1
    assert await diary.db["outbox"].count_documents({"subject": f"week.sealed.{diary.workspace}.mira"}) <= 1


async def test_before_the_lock_nothing_is_sealed(diary: Diary, ledger: Ledger) -> None:
    await diary.tell(ledger.close("mira", SLOTS[0]))
    clock = Clock()
    clock.now = datetime(2026, 11, 23, 11, 59, 59, tzinfo=UTC)
    with pytest.raises(NotLocked):
        await sealer_of(diary, clock).seal(key_of(diary))
    assert await sealer_of(diary, clock).sweep() == 0
    assert await sealer_of(diary).sweep() == 1
    assert await sealer_of(diary).sweep() == 0


async def test_a_week_that_still_changes_is_left_alone(diary: Diary, ledger: Ledger) -> None:
    await diary.tell(ledger.close("mira", SLOTS[0]))
    clock = Clock()
    key = signing_key(SecretStr(diary.installation.keys.signing_seed("seal")))
    sealer = Sealer(diary.db, diary.edge.bus, key, Outbox(diary.db, diary.edge.bus), quiet=30, clock=clock)
    assert await sealer.sweep() == 0
    clock.now += timedelta(seconds=29)
    await diary.tell(ledger.close("mira", SLOTS[1]))
    assert await sealer.sweep() == 0
    clock.now += timedelta(seconds=29)
    assert await sealer.sweep() == 0
    clock.now += timedelta(seconds=1)
    assert await sealer.sweep() == 1


async def test_an_empty_week_needs_no_seal(diary: Diary, ledger: Ledger) -> None:
    assert await sealer_of(diary).seal(key_of(diary)) is None


async def test_each_seal_names_the_one_before(diary: Diary, ledger: Ledger) -> None:
    clock = Clock()
    clock.now = parse_instant("2026-12-14T12:00:00Z")
    weeks = ("2026-11-17", "2026-11-24", "2026-12-01")
    await diary.tell(*(ledger.close("mira", f"{day}T09:00:00Z") for day in weeks))
    await asyncio.gather(*(sealer_of(diary, clock).sweep() for _ in range(3)))
    found = await diary.db["seals"].find({}).sort("number", 1).to_list(None)
    assert [one["number"] for one in found] == [1, 2, 3]
    assert [one["previous"] for one in found] == [GENESIS, found[0]["hash"], found[1]["hash"]]


async def test_a_week_that_disagrees_with_its_records_is_not_sealed(diary: Diary, ledger: Ledger) -> None:
    await diary.tell(*(ledger.close("mira", slot) for slot in SLOTS[:2]))
    await diary.db["weeks"].update_one({"_id": key_of(diary)}, {"$inc": {"billable_minutes": 10}})
    with pytest.raises(Disagrees):
        await sealer_of(diary).seal(key_of(diary))
    assert await sealer_of(diary).sweep() == 0
    assert await diary.db["seals"].count_documents({}) == 0


async def test_a_week_that_cannot_be_sealed_is_told_of_and_holds_up_no_other(diary: Diary, ledger: Ledger) -> None:
    """Operators see it until it is sealed; it is not tried again before it changes."""
    await diary.tell(diary.teller.contract("third", "mira"))
    contracts = ("con", "side", "third")
    await diary.tell(*(ledger.close("mira", slot, contract=name) for name, slot in zip(contracts, SLOTS, strict=False)))
    wrong, broken = {"$inc": {"billable_minutes": 10}}, {"$unset": {"terms.billing_unit": ""}}
    await diary.db["weeks"].update_one({"_id": key_of(diary)}, wrong)
    await diary.db["weeks"].update_one({"_id": key_of(diary, "side")}, broken)
    tries = [metrics.WEEKS_SEALED.labels(outcome)._value.get() for outcome in ("disagrees", "failed")]
    sealer = sealer_of(diary)
    assert [await sealer.sweep(), await sealer.sweep()] == [1, 0]
    now = [metrics.WEEKS_SEALED.labels(outcome)._value.get() for outcome in ("disagrees", "failed")]
    assert now == [one + 1 for one in tries]
    unsealed = {one: metrics.WEEKS_UNSEALED.labels(one)._value.get() for one in ("disagrees", "failed", "waiting")}
    assert unsealed == {"disagrees": 1, "failed": 1, "waiting": 0}
    await diary.db["weeks"].update_one({"_id": key_of(diary)}, {"$inc": {"billable_minutes": -10, "version": 1}})
    assert await sealer.sweep() == 1
    assert metrics.WEEKS_UNSEALED.labels("disagrees")._value.get() == 0


async def test_a_record_the_ledger_has_lost_keeps_the_week_open_to_be_sealed(diary: Diary, ledger: Ledger) -> None:
    await diary.tell(*(ledger.close("mira", slot) for slot in SLOTS[:2]))
    lost = ledger.rows.pop()
    sealer = sealer_of(diary)
    assert await sealer.sweep() == 0
    ledger.rows.append(lost)
    assert await sealer.sweep() == 1


async def test_a_week_that_is_rebuilt_keeps_its_seal(diary: Diary, ledger: Ledger) -> None:
    facts = [ledger.close("mira", slot) for slot in SLOTS[:3]]
    await diary.tell(*facts)
    before = await sealer_of(diary).seal(key_of(diary))
    for name in ("weeks", "segments"):
        await diary.db[name].delete_many({})
    await diary.tell(*facts)
    assert await sealer_of(diary).sweep() <= 1
    week = await diary.db["weeks"].find_one({"_id": key_of(diary)})
    assert week is not None and week["sealed"]["root"] == before["root"] if before else False
    assert await diary.db["seals"].find({}).to_list(None) == [before]


async def test_the_projector_seals_by_itself_and_says_so(diary: Diary, ledger: Ledger) -> None:
    """A week long past its lock, by the clock of the machine; ``week.sealed`` is on the journal."""
    said = await diary.client.subscribe(f"week.sealed.{diary.workspace}.*")
    await round_trip(diary.client)
    week, slot = "2026-01-05", "2026-01-06T09:00:00Z"
    await diary.tell(ledger.close("mira", slot, minutes(3)))
    async with diary.projecting(seal_every_seconds="0.1", seal_grace_seconds="0", seal_quiet_seconds="0"):
        fact = json.loads((await said.next_msg(timeout=20)).data)
    assert (fact["contract"], fact["week"]) == ("con", week)
    assert seals.read_seal(public_of(diary), fact["seal"], fact["signature"]).totals.billable_minutes == 10


async def test_seals_are_said_again_to_who_asks(diary: Diary, ledger: Ledger) -> None:
    await diary.tell(ledger.close("mira", SLOTS[0]))
    seal = await sealer_of(diary).seal(key_of(diary))
    assert seal is not None
    said = await diary.client.subscribe(f"week.sealed.{diary.workspace}.*")
    span = {"workspace": diary.workspace, "from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"}
    answer = await diary.client.request("rpc.diary.replay", json.dumps(span).encode(), timeout=10)
    assert json.loads(answer.data) == {"emitted": 1}
    assert json.loads((await said.next_msg(timeout=20)).data)["seal"] == seal["text"]


async def test_an_edit_is_wholly_in_the_seal_or_refused(diary: Diary) -> None:
    """Some dozens of races with late records among them; ``python -m tests.diary.races 10000`` runs more (S-06)."""
    course = await Course(diary).ready()
    results = [await course.run(number, seed=number) for number in range(12)]
    assert sum(one.made for one in results) > 0
    assert sum(one.refused for one in results) > 0
    assert len(results) == sum(one.early + one.later for one in results)
