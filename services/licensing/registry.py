"""Every device key and its right, in memory: what the bus's sign-in is answered from (L-05, B-04).

It follows the store by a change stream, so several replicas agree within a second. A key that is not known yet is
looked up once, so that a fresh activation can sign in at once at any of them.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from nacl.signing import VerifyKey

from services.licensing.standing import Right
from services.licensing.store import NOBODY, Document, Store, fingerprint
from services.wire import proof

log = logging.getLogger(__name__)

_STRANGERS = 10_000
_STRANGER_SECONDS = 60.0
_OF_RIGHTS = [{f"updateDescription.updatedFields.{one.name}": {"$exists": True}} for one in fields(Right)]
"""What else changes in a device (a notice that it waits for, its name) is not even asked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One device, as far as signing in goes; ``revision`` grows with every change of it.

    ``user`` is its name on the bus, ``<device>:<mark of its right>``: another right, another name.
    """

    workspace: str
    device: str
    nkey: str
    revision: int
    right: Right
    user: str
    verifier: VerifyKey

    @classmethod
    def of(cls, doc: Document) -> "Entry":
        """The entry of a device's document."""
        right = Right.of(doc)
        user = f"{doc['id']}:{fingerprint(repr(right))[:12]}"
        verifier = VerifyKey(proof.read_public_key(doc["public_key"]))
        return cls(doc["workspace"], doc["id"], doc["public_key"], doc["revision"], right, user, verifier)


class Registry:
    """The entries by public nkey. ``changed(old, new)`` is called where a right is another than before."""

    def __init__(self, store: Store, changed: Callable[[Entry, Entry], None] | None = None) -> None:
        self._store, self._changed = store, changed
        self._entries: dict[str, Entry] = {}
        self._strangers: dict[str, float] = {}
        self._following: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, nkey: str) -> Entry | None:
        """What is known of a key, from memory."""
        return self._entries.get(nkey)

    def is_stranger(self, nkey: str) -> bool:
        """Whether the store did not know this key a moment ago."""
        return self._strangers.get(nkey, 0.0) > time.monotonic()

    async def look_up(self, nkey: str) -> Entry | None:
        """Asks the store about a key that is not in memory; one it does not know is not asked about again soon."""
        held = await self._store.one("device_keys", NOBODY, nkey)
        doc = await self._store.one("devices", held["workspace"], held["device"]) if held else None
        if doc is None:
            if len(self._strangers) >= _STRANGERS:
                self._strangers.clear()
            self._strangers[nkey] = time.monotonic() + _STRANGER_SECONDS
            return None
        self.put(Entry.of(doc))
        return self._entries[nkey]

    def put(self, entry: Entry) -> None:
        """Takes an entry, unless a newer one is known."""
        old = self._entries.get(entry.nkey)
        if old is not None and old.revision >= entry.revision:
            return
        self._entries[entry.nkey] = entry
        self._strangers.pop(entry.nkey, None)
        if old is not None and old.right != entry.right and self._changed:
            self._changed(old, entry)

    async def start(self) -> None:
        """Loads all and follows from there; returns once it is complete."""
        self._following = asyncio.create_task(self._follow())
        await self._ready.wait()

    async def stop(self) -> None:
        """Follows no more."""
        if self._following:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def check(self) -> None:
        """Raises while it is not complete."""
        if not self._ready.is_set():
            raise RuntimeError("the registry of devices is not loaded")

    async def _follow(self) -> None:
        while True:
            try:
                await self._watch()
            except Exception:  # whatever it was: who follows no more lets the revoked in
                log.warning("the feed of devices broke off; loading them again", exc_info=True)
                await asyncio.sleep(0.5)

    async def _watch(self) -> None:
        only = [{"$match": {"$or": [{"operationType": {"$in": ["insert", "replace"]}}, *_OF_RIGHTS]}}]
        devices = self._store["devices"]
        async with devices.watch(only, full_document="updateLookup", max_await_time_ms=500) as feed:
            await feed.try_next()  # the feed is open from here on: what is loaded next can only be newer
            async for doc in devices.find():
                self.put(Entry.of(doc))
            self._ready.set()
            async for event in feed:
                if doc := event.get("fullDocument"):
                    self.put(Entry.of(doc))
