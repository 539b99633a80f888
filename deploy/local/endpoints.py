"""One process's share of a load (load.py): activate, live offline, write the ledger, come home."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import nats
import orjson
from nacl.signing import SigningKey
from nats.aio.client import Client

from agent.chain import Record
from agent.clock import HandClock
from deploy.local import company
from deploy.local.company import Calendar
from deploy.local.device import Activation, Device, drained
from deploy.local.screens import Screens
from services.wire import proof, slots
from services.wire.requests import Activate

_AT_ONCE = 20
_ACTIVATE_SECONDS = 60.0


class Share(NamedTuple):
    """What a process is given; the licences are of this ``number``'s share alone."""

    folder: Path
    bus: str
    seed: str
    number: int
    licences: list[Mapping[str, Any]]
    hours: int
    now: datetime


def live(share: Share) -> dict[str, float]:
    """The whole life of a share; gives how many seconds after the first connection all had their receipts."""
    return asyncio.run(_live(share))


async def _live(share: Share) -> dict[str, float]:
    share.folder.mkdir(parents=True)
    activations = await _activate_all(share)
    people = company.personas(len(activations))
    calendar, screens = Calendar(share.now), Screens(share.folder / "screens")
    devices = []
    with (share.folder / "ledger.jsonl").open("w") as ledger:
        for number, (persona, activation) in enumerate(zip(people, activations, strict=True)):
            device = _Endpoint(share.folder / f"device-{number}", persona, calendar, screens, activation)
            device.ledger = ledger
            since = slots.slot_of(share.now - timedelta(hours=share.hours))
            device.work(since, slots.slot_of(share.now))
            devices.append(device)
    begun = time.monotonic()
    uplinks = [asyncio.create_task(device.uplink.run()) for device in devices]
    await drained(devices)
    took = time.monotonic() - begun
    for uplink in uplinks:
        uplink.cancel()
    await asyncio.gather(*uplinks, return_exceptions=True)
    return {"drained_seconds": took}


class _Endpoint(Device):
    """A device that works on, whatever the hour, and writes down what it closes before it is sent."""

    ledger: Any = None

    def work(self, since: datetime, until: datetime) -> None:
        """Live through a span in one session."""
        minutes = int((until - since).total_seconds()) // 60
        session = company.session(self.persona, since, minutes, self.persona.random(self.identity.device, since))
        clock = HandClock(since, f"{self.identity.device}-{since:%Y%m%d}")
        with self.spool.batch():
            for stretch, lived in self._minutes(session, clock, since, until):
                self._put(clock, session, stretch, lived)
            self._close(clock.now())

    def _closed(self, record: Record) -> None:
        line = {"device": self.identity.device, "seq": record.seq, "hash": record.hash}
        self.ledger.write(json.dumps(line) + "\n")
        self.ledger.flush()


async def _activate_all(share: Share) -> list[Activation]:
    """Activates on the bus, as the web does for computers all over the world: each from an address of its own."""
    client = await nats.connect(share.bus, nkeys_seed_str=share.seed)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int, licence: Mapping[str, Any]) -> Activation:
        async with gate:
            address = f"load-{share.number}-{number}"
            return await _activate(client, licence["key"], address)

    try:
        return list(await asyncio.gather(*(one(number, licence) for number, licence in enumerate(share.licences))))
    finally:
        await client.close()


async def _activate(client: Client, licence_key: str, address: str) -> Activation:
    key = SigningKey.generate()
    public = proof.user_nkey(bytes(key.verify_key))
    asked = Activate.model_validate(
        {
            "licence_key": licence_key,
            "device": {"name": address, "os": "linux", "kind": "desktop", "public_key": public},
            "proof": proof.prove_possession(key, public),
            "address": address,
        }
    )
    body = asked.model_dump_json().encode()
    answer = await client.request("rpc.licensing.activate", body, timeout=_ACTIVATE_SECONDS)
    if status := (answer.headers or {}).get("Daybook-Status"):
        raise RuntimeError(f"{address} was not activated: {status} {answer.data.decode()}")
    return Activation(key, orjson.loads(answer.data))
