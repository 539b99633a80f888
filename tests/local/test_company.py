"""The demo company's days, and the records that its computers make of them."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from nacl.signing import SigningKey

from deploy.local import company
from deploy.local.album import fresh_since
from deploy.local.company import Calendar
from deploy.local.device import Activation, Device
from deploy.local.screens import Screens
from services.wire import events, proof, slots

CALENDAR = Calendar(datetime(2026, 11, 22, 3, tzinfo=UTC))
FORTNIGHT = [date(2026, 11, 9) + timedelta(days=step) for step in range(14)]


def test_the_same_seed_and_date_give_the_same_day() -> None:
    for persona in company.personas(5):
        assert company.day(persona, FORTNIGHT[0], CALENDAR) == company.day(persona, FORTNIGHT[0], CALENDAR)


def test_days_are_in_order_and_weekends_are_free() -> None:
    for persona in company.personas(3):
        for day in FORTNIGHT:
            stretches = [one for session in company.day(persona, day, CALENDAR) for one in session.stretches]
            assert bool(stretches) == (day.weekday() < 5) or day == CALENDAR.travel_day
            for before, after in pairwise(stretches):
                assert before.start < before.end <= after.start


def test_a_fortnight_has_everything_that_a_diary_must_show() -> None:
    stretches = [
        one
        for persona in company.personas(3)
        for day in FORTNIGHT
        for session in company.day(persona, day, CALENDAR)
        for one in session.stretches
    ]
    assert {one.doing for one in stretches} == {"work", "meeting", "break", "idle", "private", "locked"}
    assert any(one.memo is None for one in stretches)
    assert {one.label for one in stretches} >= {"Delivery", "Review", "Meeting"}


@pytest.mark.parametrize("seeded", [datetime(2026, 11, 22, 3, tzinfo=UTC) + timedelta(days=step) for step in range(14)])
def test_one_week_passes_its_limit_whenever_it_is_seeded(seeded: datetime) -> None:
    calendar = Calendar(seeded)
    week = [calendar.long_week + timedelta(days=step) for step in range(7)]
    assert seeded - timedelta(days=14) < datetime.combine(week[-1], datetime.min.time(), UTC) < seeded
    booked = sum(
        (one.end - one.start).seconds // 60
        for day in week
        for session in company.day(company.PRIYA, day, calendar)
        for one in session.stretches
    )
    assert company.PRIYA.weekly_limit_minutes
    assert booked > company.PRIYA.weekly_limit_minutes


def test_the_day_of_travel_is_on_the_laptop_only() -> None:
    assert not company.day(company.JONAS, CALENDAR.travel_day, CALENDAR)
    assert company.day(company.JONAS, CALENDAR.travel_day, CALENDAR, travelling=True)
    assert not company.day(company.JONAS, CALENDAR.travel_day + timedelta(days=1), CALENDAR, travelling=True)


@pytest.mark.parametrize("hour", range(0, 7 * 24, 7))
def test_somebody_is_at_work_at_whatever_hour_of_the_week_it_is_seeded(
    tmp_path: Path, screens: Screens, hour: int
) -> None:
    now = datetime(2026, 11, 16, 0, 20, tzinfo=UTC) + timedelta(hours=hour)
    device = _device(tmp_path, screens, _activation(), Calendar(now))
    device.live_through(now - timedelta(days=2), slots.slot_of(now), on_call=True)
    records, local = _records(device), now.astimezone(ZoneInfo(company.JONAS.zone))
    days = Counter(slots.parse_instant(record.slot).astimezone(local.tzinfo).date() for record in records)
    assert days[local.date()] >= min(3, local.hour * 6 + local.minute // 10)
    assert len({record.slot for record in records}) == len(records)
    assert [record.closed_at for record in records] == sorted(record.closed_at for record in records)


def test_who_worked_as_planned_today_is_not_called() -> None:
    now = datetime(2026, 11, 17, 20, tzinfo=UTC)
    planned = company.day(company.JONAS, now.date(), CALENDAR)
    assert company.on_call(company.JONAS, planned, now - timedelta(days=1), now) is None
    called = company.on_call(company.JONAS, [], now - timedelta(hours=1), now)
    assert called is not None
    assert (called.started, called.stretches[-1].end) == (now - timedelta(hours=1), now)


def test_names_are_unique_in_a_large_fleet() -> None:
    names = Counter(persona.name for persona in company.personas(600))
    assert names.most_common(1)[0][1] == 1


# the records ----------------------------------------------------------------------------------------------------------


def _activation() -> Activation:
    """What licensing would answer, by a services' key of the test's own: there is no network in these tests."""
    services = SigningKey.generate()
    policy = {"version": 3, **company.OPEN_POLICY}
    entitlement = {"workspace": "ws", "device": "dev", "licence": "lic", "policy": policy}
    sealed = proof.seal_notice(services, entitlement | {"contracts": [{"contract": "con"}]})
    answer = {"workspace": "ws", "member": "mem", "device": "dev", "bus": ["nats://127.0.0.1:9"]}
    answer |= {"notice_key": proof.user_nkey(bytes(services.verify_key)), "entitlement": json.loads(sealed)}
    return Activation(SigningKey.generate(), answer)


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Screens:
    """Drawn once for all tests here."""
    return Screens(tmp_path_factory.mktemp("screens"))


def _device(folder: Path, screens: Screens, activation: Activation, calendar: Calendar = CALENDAR) -> Device:
    return Device(folder, company.JONAS, calendar, screens, activation)


def _records(device: Device) -> list[events.Record]:
    envelopes = [events.read(events.Envelope, record.body) for record in device.spool.unsent(10_000)]
    public = bytes(device.identity.key.verify_key)
    for envelope in envelopes:
        proof.check(public, proof.SEGMENT_DOMAIN, envelope.record.encode(), envelope.signature)
        events.read(events.Detail, envelope.detail)
    return [events.read(events.Record, envelope.record) for envelope in envelopes]


async def test_a_device_lives_through_days_as_the_agent_would(tmp_path: Path, screens: Screens) -> None:
    activation = _activation()
    device = _device(tmp_path, screens, activation)
    since, until = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, 10, 25, tzinfo=UTC)
    device.live_through(since, slots.slot_of(until))
    records = _records(device)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert all(slots.parse_instant(record.closed_at) <= until for record in records)
    assert {minute[4] for record in records for minute in record.minutes if minute} >= {"work", "idle"}
    assert device.spool.backlog().pictures > len(records) // 2
    assert all(any(minute for minute in record.minutes) for record in records)


async def test_a_device_started_again_goes_on_where_it_was(tmp_path: Path, screens: Screens) -> None:
    activation = _activation()
    since, until = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC)
    whole = _device(tmp_path / "whole", screens, activation)
    whole.live_through(since, until)
    for stop in (datetime(2026, 11, 16, 9, 40, tzinfo=UTC), datetime(2026, 11, 16, 8, tzinfo=UTC), until):
        parted = _device(tmp_path / "parted", screens, activation)
        parted.live_through(since, stop)
    wanted, found = _records(whole), _records(parted)
    assert [(one.segment_id, one.minutes) for one in found] == [(one.segment_id, one.minutes) for one in wanted]


def test_pictures_are_drawn_once_and_small_enough_to_send(tmp_path: Path) -> None:
    uses = [company.CALL, company.BREAK, *(use for p in company.personas(3) for use in p.trade.uses)]
    first, second = Screens(tmp_path), Screens(tmp_path)
    for use in uses:
        picture = first.of(use, blurred=False)
        assert second.of(use, blurred=False) == picture
        assert len(picture.thumbnail) <= 16 * 1024
        assert len(picture.data) <= 160 * 1024


# what is sent first ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(14))
def test_what_is_looked_at_first_has_a_day_of_work_before_today(step: int) -> None:
    now = datetime(2026, 11, 16, 9, tzinfo=UTC) + timedelta(days=step)
    first = fresh_since(now)
    assert timedelta(days=1) <= now.date() - first <= timedelta(days=3)
    assert company.day(company.PRIYA, first, Calendar(now))


def test_the_pictures_of_the_last_days_go_first_and_none_is_forgotten(tmp_path: Path, screens: Screens) -> None:
    device = _device(tmp_path, screens, _activation())
    device.live_through(datetime(2026, 11, 12, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC))
    spool, sent = device.spool, list[str]()
    spool.fresh = "2026-11-16"
    waiting = spool.fresh_waiting()
    for spool.older in (False, True):
        while picture := spool.next_picture():
            spool.picture_stored(picture.capture_id, CALENDAR.seeded_at)
            sent.append(picture.entry["at"])
        assert spool.fresh_waiting() == 0
        assert bool(spool.backlog().pictures) != spool.older
    fresh, older = sent[:waiting], sent[waiting:]
    assert fresh == sorted(at for at in sent if at >= spool.fresh)
    assert older == sorted(at for at in sent if at < spool.fresh) != []
