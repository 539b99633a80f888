"""``python -m tests.licensing.races [ROUNDS]``: sixteen race for the last seat, again and again; how often went wrong.

Its own MongoDB; the activation itself (``seats.activate``) is what races, with real keys and transactions, no bus.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.kit import mongo
from services.kit.problems import Problem
from services.licensing import seats
from services.licensing.store import Store
from tests.licensing.support import Acme, Device, Licensing
from tests.support import servers

log = logging.getLogger(__name__)

RACERS = 16


async def run(store: Store, acme: Acme, rounds: int) -> int:
    """How many rounds had another outcome than one winner, fifteen who were told why, and one seat taken.

    A released seat is what the next round races for, so every round is on the same licence.
    """
    wrong = 0
    devices = [Device() for _ in range(RACERS * 4)]
    licence = str(acme.answer["licences"][0]["licence"])
    for number in range(rounds):
        racing = devices[number % 4 * RACERS :][:RACERS]
        offers = [one.offer(acme.key()) for one in racing]
        results = await asyncio.gather(*(seats.activate(store, one) for one in offers), return_exceptions=True)
        won = [one[1] for one in results if isinstance(one, tuple)]
        lost = [one for one in results if isinstance(one, Problem) and one.kind == "no-seat-left"]
        held = await store["devices"].count_documents({"workspace": acme.workspace, "licence": licence})
        doc = await store.one("licences", acme.workspace, licence)
        taken = doc["seats_taken"] if doc else -1
        wrong += (len(won), len(lost), held, taken) != (1, RACERS - 1, 1, 1)
        await _forget(store, acme.workspace, licence, won)
        if (number + 1) % 50 == 0:
            log.info("%d of %d rounds, %d wrong", number + 1, rounds, wrong)
    return wrong


async def _forget(store: Store, workspace: str, licence: str, won: Sequence[dict[str, Any]]) -> None:
    """Everything is as before the round, by hand: a release would use the winner's key up."""
    for device in won:
        await store["devices"].delete_one({"_id": device["_id"]})
        await store["device_keys"].delete_one({"_id": f"-|{device['public_key']}"})
    fresh = {"seats_taken": 0, "activated": 0, "state": "issued"}
    await store["licences"].update_one({"_id": f"{workspace}|{licence}"}, {"$set": fresh})
    await store["workspaces"].update_one({"_id": workspace}, {"$set": {"seats_taken": 0}})


class Silent:
    """A bus that nobody listens on: what races is the store's."""

    async def journal(self, *_: Any, **__: Any) -> None:
        """Nobody hears it."""


async def _main(rounds: int) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as folder, servers.mongo(Path(folder) / "mongo") as found:
        url = found if isinstance(found, str) else found.url
        installation = servers.Installation(Path(folder) / "installation", url)
        try:
            licensing = Licensing(installation, "races")
            licensing.store = Store(mongo.database(licensing.settings, "licensing"), Silent())  # type: ignore[arg-type]
            acme = await licensing.seed()
            started, wrong = time.monotonic(), await run(licensing.store, acme, rounds)
        finally:
            installation.stop()
    seconds = time.monotonic() - started
    sys.stdout.write(f"{rounds} rounds of {RACERS} racers: {wrong} wrong, {seconds / rounds * 1000:.0f} ms a round\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
