"""The spool on a real disk: receipts, 14 days, pictures, and a process that is killed while it writes."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chain import Head
from agent.slot import App
from agent.spool import KEEP, Backlog, Settled, Spool, SpoolError
from services.wire import slots
from tests.agent.doubles import START, filled_slot, identity, record_slots

WHO = identity()
ROOT = Path(__file__).parents[2]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.db")
    yield made
    made.close()


def receipt(through: int, *above: tuple[int, int], ledger: str = "one", **more: Any) -> dict[str, Any]:
    return {"ledger": ledger, "through": through, "above": [list(span) for span in above], "quarantined": []} | more


def send(spool: Spool, count: int) -> None:
    seqs = [record.seq for record in spool.unsent(count)]
    spool.mark_sending(seqs)
    spool.mark_sent(seqs, START)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(0, 30), st.lists(st.integers(1, 35)), st.booleans()), max_size=6),
)
def test_what_is_unsent_is_what_the_last_word_does_not_cover(
    sent: int, words: list[tuple[int, list[int], bool]]
) -> None:
    """Pushes raise, answers replace; what was never sent is never safe."""
    spool = Spool(":memory:")
    record_slots(spool, WHO, 30)
    send(spool, sent)
    safe: set[int] = set()
    spool.settle(receipt(0), START, answered=True)
    for through, above, answered in words:
        covered = set(range(1, through + 1)) | set(above)
        send(spool, 0)
        sendable = set(range(1, sent + 1))
        again = spool.settle(receipt(through, *((seq, seq) for seq in above)), START, answered=answered).again
        assert again == (len(safe - covered) if answered else 0)
        if again:
            sent_again = [record.seq for record in spool.unsent(100) if record.seq in safe]
            assert sorted(sent_again) == sorted(safe - covered)
            spool.mark_sending(sent_again)
            spool.mark_sent(sent_again, START)
        safe = (safe & covered if answered else safe) | (covered & sendable)
        assert spool.backlog().unsent == 30 - len(safe)


def test_a_spool_that_was_set_back_does_not_lose_new_work_to_old_receipts() -> None:
    """A disk image from last week: the server's receipt covers more than is here, new records must still be sent."""
    spool = Spool(":memory:")
    record_slots(spool, WHO, 3)
    assert spool.settle(receipt(400), START, answered=True) == Settled(0, 0)
    assert len(spool.unsent()) == 3


def test_without_a_receipt_it_goes_again_later_and_later() -> None:
    spool = Spool(":memory:")
    record_slots(spool, WHO, 1)
    patience, now, waits = timedelta(minutes=10), START, []
    for _ in range(4):
        for _ in range(5):
            spool.mark_sending([1])  # a full bus did not take it at first
        spool.mark_sent([1], now)
        sent = now
        while not spool.send_again(now, patience):
            now += timedelta(minutes=1)
        waits.append((now - sent) // timedelta(minutes=1))
    assert waits == [10, 20, 40, 80]


def test_records_stay_fourteen_days_after_their_receipt_and_the_chain_goes_on(spool: Spool) -> None:
    record_slots(spool, WHO, 5)
    send(spool, 5)
    spool.settle(receipt(5), START, answered=True)
    assert spool.prune(START + KEEP) == 0
    assert spool.prune(START + KEEP + timedelta(seconds=1)) == 4
    assert spool.head().seq == 5
    (record,) = record_slots(spool, WHO, 1, START + timedelta(days=20))
    assert record.seq == 6
    assert spool.backlog() == Backlog(1, START + timedelta(days=20), 0)


def test_what_has_no_receipt_stays_for_ever(spool: Spool) -> None:
    record_slots(spool, WHO, 5)
    send(spool, 5)
    assert spool.prune(START + timedelta(days=400)) == 0
    assert spool.backlog().unsent == 5


def test_quarantined_records_are_named_with_their_reason(spool: Spool) -> None:
    """B-02."""
    record_slots(spool, WHO, 3)
    send(spool, 3)
    spool.settle(receipt(3, quarantined=[[2, "unknown_contract"]]), START, answered=True)
    assert spool.quarantined() == [(2, "unknown_contract")]
    assert spool.backlog().unsent == 0
    spool.settle(receipt(3), START, answered=True)
    assert spool.quarantined() == [], "an admin has released it"


def test_a_gap_in_the_chain_is_refused(spool: Spool) -> None:
    (record,) = record_slots(spool, WHO, 1)
    with pytest.raises(ValueError, match="does not follow"):
        spool.append(record)
    assert spool.head() == Head(1, record.hash)


def entry(name: str, at: str = "2026-11-21T10:01:00Z") -> dict[str, Any]:
    return {"capture_id": name, "at": at}


def test_pictures_wait_for_their_record_and_name_their_app_as_it_does(spool: Spool) -> None:
    segment = f"contract:{WHO.device}:2026-11-21T10:00:00Z"
    spool.hold_picture(segment, entry("cap-1"), App("code", "a title"), b"one", b"1")
    spool.hold_picture(segment, entry("cap-2"), None, b"two", b"2")
    spool.hold_picture("other", entry("cap-3"), None, b"three", b"3")
    assert spool.next_picture() is None
    assert len(spool.captures_between(START, START + slots.SLOT)) == 3
    spool.close_slot(filled_slot(START), WHO, START)
    first = spool.next_picture()
    assert first
    assert (first.entry["capture_id"], first.entry["app"], first.picture, first.thumbnail) == ("cap-1", 0, b"one", b"1")
    spool.picture_stored("cap-1", START)
    second = spool.next_picture()
    assert second
    assert second.entry["app"] is None
    spool.picture_refused("cap-2", "not_allowed", START)
    assert spool.next_picture() is None
    assert spool.drop_held() == 1
    assert spool.picture_bytes() == len(b"two2")
    spool.prune(START + KEEP + timedelta(seconds=1))
    assert spool.picture_bytes() == 0


def test_a_slot_without_minutes_takes_its_pictures_with_it(spool: Spool) -> None:
    segment = f"contract:{WHO.device}:2026-11-21T10:00:00Z"
    spool.hold_picture(segment, entry("cap-1"), None, b"one", b"1")
    assert spool.close_slot(filled_slot(START, 0), WHO, START) is None
    assert spool.picture_bytes() == 0


def test_a_batch_is_kept_whole_or_not_at_all(spool: Spool) -> None:
    def fail() -> None:
        with spool.batch():
            record_slots(spool, WHO, 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert spool.head() == Head()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    Spool(tmp_path / "spool.db").close()
    assert (tmp_path / "spool.db").stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_spool_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"no database" * 500)
    with pytest.raises(SpoolError):
        Spool(tmp_path / "spool.db")


WRITER = """
import sys
from tests.agent.doubles import START, filled_slot, identity
from agent.chain import Identity
from agent.spool import Spool
from nacl.signing import SigningKey
from services.wire import slots
spool = Spool(sys.argv[1])
who = Identity("ws", "member", "dev", "lic", SigningKey(b"k" * 32))
while True:
    slot = filled_slot(START + spool.head().seq * slots.SLOT)
    spool.checkpoint(slot)
    record = spool.close_slot(slot, who, START)
    print(record.seq, record.hash, flush=True)
"""


def test_nothing_that_was_closed_is_lost_to_kill_9(tmp_path: Path) -> None:
    """T-10: what the process said it had closed is there, in an unbroken chain, after each of three kills."""
    path, closed, chance = tmp_path / "spool.db", {}, random.Random(11)
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert writer.stdout
        for _ in range(chance.randint(1, 60)):
            seq, _, digest = writer.stdout.readline().strip().partition(" ")
            closed[int(seq)] = digest
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout.read().splitlines():
            seq, _, digest = line.partition(" ")
            if len(digest) == 64:
                closed[int(seq)] = digest
        writer.wait()
    spool = Spool(path)
    found = {record.seq: record.hash for record in spool.unsent(10_000)}
    assert set(found) == set(range(1, len(found) + 1))
    assert closed.items() <= found.items()
    assert len(found) - len(closed) <= 3
    spool.close()
