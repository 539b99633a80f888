"""``python -m tests.licensing.races [ROUNDS] [SEED]``: sixteen computers race for the last seat, over and over (L-03).

Four replicas of the licensing service on a bus and a MongoDB of their own. Every round is sixteen activations with keys
that nobody has seen, as the edge asks for them; either the licence's own seats or the workspace's total is what is
short. Then the winner gives the seat back, as an admin does it, and the next round races for that one.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from services.kit.problems import Problem
from tests.licensing.support import Acme, Device, Licensing
from tests.support import servers

RACERS = 16
REPLICAS = 4
"""Within one, those after the same seat take turns before they reach the store; between them the store decides."""
LANES = 4
"""Workspaces that race beside each other, each for its own last seat: one alone waits for the disk half of the time."""
_SHORT = {
    "licence": (1, None, "The licence has no seat left."),
    "workspace": (RACERS, 1, "The workspace has no seat left."),
}
"""What is short, with the seats of the licence and of the workspace, and what the losers are told."""


class Silent:
    """A bus that nobody listens on."""

    async def journal(self, *_: Any, **__: Any) -> None:
        """Nobody hears it."""


async def run(acme: Acme, rounds: int, seed: int = 1) -> Counter[str]:
    """The rounds by what was short, and ``wrong``: those with another outcome than one winner, fifteen who were told
    why, and one seat taken of the licence and of the workspace.
    """
    dice, counted, started = random.Random(seed), Counter[str](), time.monotonic()
    licence, short = str(acme.answer["licences"][0]["licence"]), ""
    for number in range(rounds):
        if number % 25 == 0:  # to change what is short costs as much as a race
            short = dice.choice(list(_SHORT)) if number else "licence"
            await acme.change("olga", "licences", licence, seats=_SHORT[short][0])
            await acme.change("olga", "workspaces", acme.workspace, seats=_SHORT[short][1])
        counted[short] += 1
        counted["wrong"] += not await _race(acme, licence, _SHORT[short][2], dice)
        acme.licensing.heard.clear()
        if number % 500 == 499:
            print(f"{number + 1} rounds, {time.monotonic() - started:.0f} s, {dict(counted)}", flush=True)
    return counted


async def _race(acme: Acme, licence: str, told: str, dice: random.Random) -> bool:
    """Whether a round came out as it must."""
    offers = [Device().offer(acme.key()) for _ in range(RACERS)]
    dice.shuffle(offers)
    asked = (acme.licensing.ask("activate", one) for one in offers)
    results = await asyncio.gather(*asked, return_exceptions=True)
    won = [one["device"] for one in results if isinstance(one, dict)]
    lost = [one for one in results if isinstance(one, Problem) and (one.kind, one.title) == ("no-seat-left", told)]
    store = acme.licensing.store
    held = await store["devices"].distinct("id", {"workspace": acme.workspace, "licence": licence, "released_at": None})
    docs = await store.one("licences", acme.workspace, licence), await store.one("workspaces", acme.workspace)
    taken = [doc["seats_taken"] if doc else -1 for doc in docs]
    for device in held:
        await acme.change("olga", "devices", device, state="released", drain_hours=0)
    if (held, len(lost), taken) == (won, RACERS - 1, [1, 1]):
        return True
    others = Counter(repr(one) for one in results if not isinstance(one, dict) and one not in lost)
    print(f"wrong: {len(won)} won, {held} hold a seat, {len(lost)} were told why, {taken} taken; {others}", flush=True)
    return False


async def _main(rounds: int, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder, servers.mongo(Path(folder) / "mongo") as found:
        url = found if isinstance(found, str) else found.url
        installation = servers.Installation(Path(folder) / "installation", url)
        try:
            installation.migrate("races")
            licensing = Licensing(installation, "races")
            for _ in range(REPLICAS):
                await licensing.start()
            await licensing.open()
            licensing.patience = 120.0  # an answer that a busy machine gives late says as well who has the seat
            lanes = [await licensing.seed() for _ in range(LANES)]
            started = time.monotonic()
            lots = [rounds // LANES + (lane < rounds % LANES) for lane in range(LANES)]
            races = [run(acme, lots[lane], seed + lane) for lane, acme in enumerate(lanes)]
            counted = sum(await asyncio.gather(*races), Counter())
            seconds = time.monotonic() - started
            await licensing.stop()
        finally:
            installation.stop()
    print(
        f"{rounds} rounds of {RACERS} racers from seed {seed} ({seconds / rounds * 1000:.0f} ms each): "
        f"{counted['licence']} for a licence's last seat, {counted['workspace']} for the workspace's; "
        f"{counted['wrong']} went wrong"
    )
    return 1 if counted["wrong"] else 0


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:]]
    sys.exit(asyncio.run(_main(numbers[0] if numbers else 10_000, numbers[1] if numbers[1:] else 1)))
