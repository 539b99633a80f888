"""What the agent must not lose, on disk: the open slot, records until they are safe, pictures until they are sent.

SQLite in WAL mode with ``synchronous=FULL``: what a call has committed survives kill -9 and a power cut. A record is
freed by a receipt only, and is kept 14 days more, for a restored server to ask for. One process owns a spool.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent import chain
from agent.chain import Head, HeldCapture, Identity, Record
from agent.slot import App, OpenSlot, dump, load
from services.wire import slots

KEEP = timedelta(days=14)
"""How long a record stays after its receipt, and a refused picture after its refusal."""

_SCHEMA = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, segment TEXT NOT NULL, minutes INTEGER NOT NULL, closed_at TEXT NOT NULL,
    hash TEXT NOT NULL, body BLOB NOT NULL, traceparent TEXT NOT NULL,
    sent_at INTEGER, sendings INTEGER NOT NULL DEFAULT 0, safe_at INTEGER, quarantined TEXT);
CREATE INDEX records_segment ON records (segment);
CREATE INDEX records_unsafe ON records (seq) WHERE safe_at IS NULL;
CREATE TABLE pictures (
    capture_id TEXT PRIMARY KEY, segment TEXT NOT NULL, at TEXT NOT NULL, entry TEXT NOT NULL, app TEXT,
    state TEXT NOT NULL, reason TEXT, settled_at INTEGER, picture BLOB, thumbnail BLOB);
CREATE INDEX pictures_state ON pictures (state, at);
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = 1;
"""
_FREE = """
UPDATE records SET safe_at = ? WHERE safe_at IS NULL AND sendings > 0 AND EXISTS (
    SELECT 1 FROM json_each(?) WHERE seq BETWEEN json_extract(value, '$[0]') AND json_extract(value, '$[1]'))
"""
_TAKE_BACK = """
UPDATE records SET safe_at = NULL, sent_at = NULL, sendings = 0, quarantined = NULL
WHERE safe_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM json_each(?) WHERE seq BETWEEN json_extract(value, '$[0]') AND json_extract(value, '$[1]'))
"""


class SpoolError(Exception):
    """The disk did not take it (full, read-only, broken). Nothing was written; the same call may be made again."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: records without a receipt, the first of them closed at, and pictures."""

    unsent: int
    oldest: datetime | None
    pictures: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that waits to be sent; ``entry`` is the capture as its record names it."""

    capture_id: str
    entry: Mapping[str, Any]
    picture: bytes
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Settled:
    """What a receipt did: how many records became safe, and how many have to go again."""

    freed: int = 0
    again: int = 0


class Spool:
    """One device's spool. ``durable=False`` leaves syncing to the system: for simulations only.

    ``path`` may be ``:memory:``. Use from one thread. Writing raises SpoolError where the disk does not take it.
    """

    def __init__(self, path: Path | str, *, durable: bool = True) -> None:
        self._depth = 0
        try:
            self._db = _open(path, durable)
        except (sqlite3.Error, OSError) as error:
            raise SpoolError(str(error)) from error
        with self.batch():
            if self._one("PRAGMA user_version") == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)

    def close(self) -> None:
        """Closes the file; what was committed stays."""
        self._db.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Everything inside is one transaction: kept whole, with one sync, or not at all. May be nested."""
        if self._depth:
            yield
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise SpoolError(str(error)) from error
            raise
        finally:
            self._depth = 0

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise SpoolError(str(error)) from error

    def _one(self, sql: str, *values: Any) -> Any:
        rows = self._rows(sql, *values)
        return rows[0][0] if rows else None

    def _write(self, sql: str, *values: Any) -> int:
        with self.batch():
            return self._db.execute(sql, values).rowcount

    def _write_all(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.batch():
            self._db.executemany(sql, rows)

    # notes: small things that are replaced whole ----------------------------------------------------------------------

    def note(self, name: str) -> str | None:
        """What was noted under a name."""
        found: str | None = self._one("SELECT value FROM notes WHERE name = ?", name)
        return found

    def write_note(self, name: str, value: str | None) -> None:
        """Notes a text under a name; None forgets it."""
        if value is None:
            self._write("DELETE FROM notes WHERE name = ?", name)
        else:
            self._write("INSERT OR REPLACE INTO notes VALUES (?, ?)", name, value)

    # the open slot ----------------------------------------------------------------------------------------------------

    def checkpoint(self, slot: OpenSlot) -> None:
        """Keeps the open slot as it is now: all that a kill can cost from here on is the running minute (T-10)."""
        self.write_note("open", dump(slot))

    def open_slot(self) -> OpenSlot | None:
        """The slot that was open at the last checkpoint and was not closed since."""
        text = self.note("open")
        return load(text) if text else None

    # records ----------------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """The end of the chain."""
        rows = self._rows("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1")
        return Head(*rows[0]) if rows else Head()

    def carried(self, segment_id: str) -> int:
        """Which minutes the records of a segment carry already; bit i is minute i."""
        mask = 0
        for (minutes,) in self._rows("SELECT minutes FROM records WHERE segment = ?", segment_id):
            mask |= minutes
        return mask

    def close_slot(self, slot: OpenSlot, identity: Identity, closed_at: datetime) -> Record | None:
        """Closes a slot, in one transaction: the record is appended, its pictures may go, the checkpoint is gone.

        None where no minute was tracked; pictures held for it are then dropped.
        """
        segment = chain.segment_id(slot.contract, identity.device, slot.slot)
        with self.batch():
            record = chain.close(slot, self.held(segment), identity, self.head(), closed_at)
            if record is None:
                self.drop_held(segment)
            else:
                self.append(record)
            self.write_note("open", None)
        return record

    def append(self, record: Record) -> None:
        """Appends the next record of the chain; its held pictures may go from now on. A gap is a ValueError."""
        with self.batch():
            if record.seq != self.head().seq + 1:
                raise ValueError(f"record {record.seq} does not follow {self.head().seq}")
            self._write(
                "INSERT INTO records (seq, segment, minutes, closed_at, hash, body, traceparent)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                record.seq,
                record.segment_id,
                record.minutes,
                slots.format_instant(record.closed_at),
                record.hash,
                record.body,
                record.traceparent,
            )
            if self.held(record.segment_id):
                named = json.loads(json.loads(record.body)["detail"])["captures"]
                self._write_all(
                    "UPDATE pictures SET state = 'ready', entry = ? WHERE capture_id = ?",
                    [(json.dumps(entry), entry["capture_id"]) for entry in named],
                )

    def minutes_since(self, start: datetime) -> int:
        """How many minutes were recorded in slots from an instant on; for the counters of the window (T-12)."""
        masks: dict[str, int] = {}
        rows = self._rows("SELECT segment, minutes FROM records WHERE closed_at >= ?", slots.format_instant(start))
        for segment, minutes in rows:
            slot = segment.split(":", 2)[2]
            if slot >= slots.format_instant(start):
                masks[slot] = masks.get(slot, 0) | minutes
        return sum(mask.bit_count() for mask in masks.values())

    def unsent(self, limit: int = 100) -> list[Record]:
        """Records that are neither safe nor on their way, oldest first."""
        rows = self._rows(
            "SELECT seq, segment, minutes, closed_at, hash, body, traceparent FROM records"
            " WHERE safe_at IS NULL AND sent_at IS NULL ORDER BY seq LIMIT ?",
            limit,
        )
        return [
            Record(seq, segment, minutes, slots.parse_instant(closed_at), digest, body, trace)
            for seq, segment, minutes, closed_at, digest, body, trace in rows
        ]

    def mark_sending(self, seqs: Sequence[int]) -> None:
        """These are about to be sent. Said first, because a receipt may be faster than the bus's acknowledgement."""
        self._write_all("UPDATE records SET sendings = max(sendings, 1) WHERE seq = ?", [(seq,) for seq in seqs])

    def mark_sent(self, seqs: Sequence[int], at: datetime) -> None:
        """The bus has taken these: they are on their way, not safe."""
        at_second = int(at.timestamp())
        self._write_all(
            "UPDATE records SET sent_at = ?, sendings = sendings + 1 WHERE seq = ?", [(at_second, seq) for seq in seqs]
        )

    def send_again(self, at: datetime, patience: timedelta) -> int:
        """Puts back what was sent and has had no receipt for too long; twice as long after each sending. How many."""
        return self._write(
            "UPDATE records SET sent_at = NULL WHERE safe_at IS NULL AND sent_at + (? << min(sendings - 2, 6)) <= ?",
            int(patience.total_seconds()),
            int(at.timestamp()),
        )

    def backlog(self) -> Backlog:
        """What has no receipt yet."""
        ((unsent, oldest),) = self._rows("SELECT count(*), min(closed_at) FROM records WHERE safe_at IS NULL")
        pictures = self._one("SELECT count(*) FROM pictures WHERE state = 'ready'")
        return Backlog(unsent, slots.parse_instant(oldest) if oldest else None, pictures)

    def ledger(self) -> str | None:
        """The generation of the ledger that the last answer named."""
        return self.note("ledger")

    def settle(self, receipt: Mapping[str, Any], at: datetime, *, answered: bool) -> Settled:
        """Believes a receipt whose signature holds.

        One that was pushed only raises what is safe, and counts only for the ledger known; the answer to a question
        may lower it (a restored server): what is still here goes again. What was never sent is not freed, so a
        spool that was set back cannot lose new work to old receipts.
        """
        ledger = str(receipt["ledger"])
        if not answered and ledger != self.ledger():
            return Settled()
        spans = json.dumps([[0, int(receipt["through"])], *([int(low), int(high)] for low, high in receipt["above"])])
        with self.batch():
            freed = self._write(_FREE, int(at.timestamp()), spans)
            again = self._write(_TAKE_BACK, spans) if answered else 0
            if answered:
                self.write_note("ledger", ledger)
                self._write("UPDATE records SET quarantined = NULL WHERE quarantined IS NOT NULL")
            self._write_all(
                "UPDATE records SET quarantined = ? WHERE seq = ?",
                [(str(reason), int(seq)) for seq, reason in receipt["quarantined"]],
            )
        return Settled(freed, again)

    def quarantined(self) -> list[tuple[int, str]]:
        """Records that arrived but were not admitted, with the reason, oldest first."""
        return self._rows("SELECT seq, quarantined FROM records WHERE quarantined IS NOT NULL ORDER BY seq")

    def prune(self, now: datetime) -> int:
        """Forgets what has been safe for 14 days; the chain's last record always stays. How many records went."""
        before = int((now - KEEP).timestamp())
        with self.batch():
            self._write("DELETE FROM pictures WHERE settled_at < ?", before)
            gone = self._write("DELETE FROM records WHERE safe_at < ? AND seq < (SELECT max(seq) FROM records)", before)
        self._rows("PRAGMA incremental_vacuum")
        return gone

    # pictures ---------------------------------------------------------------------------------------------------------

    def hold_picture(
        self, segment_id: str, entry: Mapping[str, Any], app: App | None, picture: bytes, thumbnail: bytes
    ) -> None:
        """Keeps a capture of the running segment; it is sent when the segment's record is closed."""
        self._write(
            "INSERT INTO pictures (capture_id, segment, at, entry, app, state, picture, thumbnail)"
            " VALUES (?, ?, ?, ?, ?, 'held', ?, ?)",
            entry["capture_id"],
            segment_id,
            entry["at"],
            json.dumps(entry),
            json.dumps(app) if app else None,
            picture,
            thumbnail,
        )

    def held(self, segment_id: str) -> list[HeldCapture]:
        """The captures that the running segment's record will name, in the order they were taken."""
        rows = self._rows(
            "SELECT entry, app FROM pictures WHERE segment = ? AND state = 'held' ORDER BY at, capture_id LIMIT ?",
            segment_id,
            chain.MAX_CAPTURES,
        )
        return [HeldCapture(json.loads(entry), App(*json.loads(app)) if app else None) for entry, app in rows]

    def drop_held(self, segment_id: str | None = None, *, but: str | None = None) -> int:
        """Forgets held captures: of one segment, or of all segments but one. How many.

        That they were taken stays known for 14 days, so that no further one is taken in their place.
        """
        return self._write(
            "UPDATE pictures SET state = 'dropped', picture = NULL, thumbnail = NULL, entry = '', app = NULL,"
            " settled_at = CAST(strftime('%s', at) AS INTEGER)"
            " WHERE state = 'held' AND (? IS NULL OR segment = ?) AND segment IS NOT ?",
            segment_id,
            segment_id,
            but,
        )

    def captures_between(self, start: datetime, end: datetime) -> list[datetime]:
        """The moments of the captures that were taken in [start, end), also of those that were dropped."""
        rows = self._rows(
            "SELECT at FROM pictures WHERE at >= ? AND at < ?",
            slots.format_instant(start),
            slots.format_instant(end),
        )
        return [slots.parse_instant(at) for (at,) in rows]

    def picture_bytes(self) -> int:
        """How much the pictures take."""
        return int(self._one("SELECT coalesce(sum(length(picture) + length(thumbnail)), 0) FROM pictures"))

    def next_picture(self) -> Picture | None:
        """The oldest picture that may go."""
        rows = self._rows(
            "SELECT capture_id, entry, picture, thumbnail FROM pictures WHERE state = 'ready'"
            " ORDER BY at, capture_id LIMIT 1"
        )
        return Picture(rows[0][0], json.loads(rows[0][1]), *rows[0][2:]) if rows else None

    def picture_stored(self, capture_id: str, at: datetime) -> None:
        """``media`` has it: the bytes are freed at once."""
        self._write(
            "UPDATE pictures SET state = 'stored', settled_at = ?, picture = NULL, thumbnail = NULL"
            " WHERE capture_id = ?",
            int(at.timestamp()),
            capture_id,
        )

    def picture_refused(self, capture_id: str, reason: str, at: datetime) -> None:
        """``media`` does not take it: it is not sent again, and goes after 14 days."""
        self._write(
            "UPDATE pictures SET state = 'refused', reason = ?, settled_at = ? WHERE capture_id = ?",
            reason,
            int(at.timestamp()),
            capture_id,
        )


def _open(path: Path | str, durable: bool) -> sqlite3.Connection:
    if str(path) != ":memory:":
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    for pragma in (
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        f"synchronous = {'FULL' if durable else 'OFF'}",
        "secure_delete = FAST",
        "cache_size = -256",
    ):
        db.execute(f"PRAGMA {pragma}")
    return db
