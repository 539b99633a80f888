"""Records as they go on the wire, read by the models that the services read them with."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agent import chain
from agent.chain import Head, HeldCapture
from agent.slot import App, Minute, OpenSlot
from services.wire import events, proof, slots
from tests.agent.doubles import START, filled_slot, identity

WHO = identity()
texts = st.text(alphabet=st.characters(), max_size=400)
apps = st.builds(App, texts, st.none() | texts, st.none() | texts)


def read(record: chain.Record | None) -> tuple[events.Record, events.Detail]:
    assert record
    envelope = events.read(events.Envelope, record.body)
    proof.check(bytes(WHO.key.verify_key), proof.SEGMENT_DOMAIN, envelope.record.encode(), envelope.signature)
    return events.read(events.Record, envelope.record), events.read(events.Detail, envelope.detail)


def opened() -> OpenSlot:
    return OpenSlot(START, "contract", "s", "2026-11-21T10:00:00Z", "UTC", 1, "boot", (0, 0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), apps, st.integers(0, 90_000)), min_size=1, max_size=80),
    st.none() | texts,
    st.none() | texts,
)
def test_whatever_stands_in_titles_the_services_can_read_the_record(
    fronts: list[tuple[int, App, int]], memo: str | None, label: str | None
) -> None:
    slot = opened()
    slot.memo, slot.label = memo, label
    for index, app, ms in fronts:
        sound = App(app.name[:200].encode("utf-8", "replace").decode(), *app[1:])
        clean = App(*(part and part.encode("utf-8", "replace").decode() for part in sound))
        slot.put(index, Minute(1, 0, 0, 0, "work", clean), [(clean, ms)], 60_000)
    closed = chain.close(slot, [], WHO, Head(), START)
    record, detail = read(closed)
    assert closed
    assert len(closed.body) <= proof.MAX_BODY
    for minute in record.minutes:
        assert minute is None or minute[5] is None or minute[5] < len(detail.apps)


def test_a_thousand_long_titles_become_the_longest_and_one_other() -> None:
    slot = opened()
    fronts = [(App(f"app{n}", '\U0001f4bb"' * 100), 600 + n) for n in range(1000)]
    last = App("rare", "seen in the minute")
    slot.put(0, Minute(1, 0, 0, 0, "work", last), [*fronts, (last, 1)], 60_000)
    closed = chain.close(slot, [HeldCapture({**ENTRY, "capture_id": "cap"}, last)], WHO, Head(), START)
    record, detail = read(closed)
    assert closed
    assert len(closed.body) <= proof.MAX_BODY
    assert list(detail.apps[-1])[:3] == ["other", None, None]
    assert detail.apps[0][3] >= detail.apps[1][3]
    assert sum(row[3] for row in detail.apps) >= 600
    minute = record.minutes[0]
    assert minute
    assert minute[5] == detail.captures[0].app == len(detail.apps) - 1


ENTRY = {
    "capture_id": "cap-1",
    "kind": "screen",
    "at": "2026-11-21T10:01:00Z",
    "sha256": "0" * 64,
    "bytes": 7,
    "width": 1280,
    "height": 720,
    "monitor": 0,
    "blurred": True,
}


def test_the_record_says_what_the_wire_asks_for() -> None:
    closed = chain.close(filled_slot(START, 3), [HeldCapture(ENTRY, App("code", "a title"))], WHO, Head(), START)
    record, detail = read(closed)
    assert closed
    assert record.segment_id == closed.segment_id == f"contract:{WHO.device}:2026-11-21T10:00:00Z"
    assert [minute and list(minute) for minute in record.minutes[:4]] == [[5, 1, 1, 2, "work", 0]] * 3 + [None]
    assert (record.seq, record.prev) == (1, proof.GENESIS)
    assert list(record.uptime_ms) == [0, 180_000]
    assert [list(app) for app in detail.apps] == [["code", "a title", None, 180]]
    assert detail.captures[0].model_dump() == {**ENTRY, "app": 0}
    assert closed.minutes == 0b111
    assert closed.traceparent.startswith("00-")
    assert len(closed.traceparent) == 55


def test_a_slot_without_a_minute_is_no_record() -> None:
    assert chain.close(opened(), [], WHO, Head(), START) is None


@given(st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_every_record_names_the_one_before(count: int) -> None:
    """B-01."""
    head, links = Head(), []
    for number in range(count):
        closed = chain.close(filled_slot(START + number * slots.SLOT), [], WHO, head, START + timedelta(hours=1))
        record, _ = read(closed)
        assert closed
        head = Head(closed.seq, closed.hash)
        links.append(proof.Link(record.seq, closed.hash, record.prev))
    assert proof.examine(links) == proof.Chain(count, count, (), ())


def test_two_records_of_the_same_slot_differ_in_salt_and_hash() -> None:
    """G-03: the detail can be erased, and nobody can guess it back from its hash."""
    one, two = (chain.close(filled_slot(START), [], WHO, Head(), START) for _ in range(2))
    assert read(one)[1].salt != read(two)[1].salt
    assert one
    assert two
    assert one.hash != two.hash
