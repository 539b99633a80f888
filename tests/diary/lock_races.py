"""Edits against the seal of their week: ``python -m tests.diary.lock_races [ROUNDS]``, 10,000 if not said otherwise.

In each round several edits and several sealers start at once on a week of its own. An edit is answered 200 and is in
the seal, or is refused and nothing of it is anywhere; the sealed figures are those of the week's document for ever.
"""

import asyncio
import random
import sys
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.wire import seals
from services.wire.edits import Signed, read_edit
from services.wire.slots import format_instant, parse_instant
from tests.diary.facts import slots_from
from tests.diary.ledgers import Ledger
from tests.diary.running import Diary
from tests.diary.test_sealing import public_of, sealer_of
from tests.support.servers import Installation, mongo, new_id

LOCK = parse_instant("2026-11-23T12:00:00Z")


async def race(diary: Diary, ledger: Ledger, *, rounds: int, seed: int) -> Counter[str]:
    """How many of the rounds' edits were in the seal, and how many refused; AssertionError where one was neither."""
    dice, outcomes = random.Random(seed), Counter[str]()
    diary.edge.editor.clock = lambda: LOCK - timedelta(seconds=1)
    for number in range(rounds):
        contract, device, member = (f"{kind}{seed}-{number}" for kind in ("con", "dev", "mem"))
        slots = slots_from("2026-11-17T09:00:00Z", 4)
        await diary.tell(
            diary.teller.contract(contract, member),
            *(ledger.close(member, slot, contract=contract, device=device) for slot in slots),
        )
        outcomes[await _round(diary, dice, member, f"{contract}:{device}", slots)] += 1
    return outcomes


async def _round(diary: Diary, dice: random.Random, member: str, place: str, slots: list[str]) -> str:
    contract = place.split(":")[0]
    key = f"{diary.workspace}|{contract}|2026-11-16"
    names = [f"{place}:{slot}" for slot in slots]
    edits: list[tuple[str, str, Any]] = [
        ("PATCH", "segments", {"segment_ids": names, "memo": "racing"}),
        ("POST", "removals", {"segment_ids": names[:2]}),
        ("POST", "manual-time", {"contract": contract, **_span("2026-11-18T09:00:00Z")}),
    ]
    method, path, body = dice.choice(edits)

    async def edit() -> bool:
        await asyncio.sleep(dice.random() * 0.03)
        async with diary.browse(member) as http:
            answer = await http.request(method, f"/api/v1/diary/{member}/{path}", json=body)
        assert answer.status_code in (200, 201, 409), answer.text
        return answer.status_code != 409

    async def seal() -> None:
        await asyncio.sleep(dice.random() * 0.03)
        await sealer_of(diary).seal(key)

    taken, *_ = await asyncio.gather(edit(), seal(), seal())
    sealed = await sealer_of(diary).seal(key)
    assert sealed is not None
    kept = await diary.db["edits"].find({"contract": contract}).to_list(None)
    assert len(kept) == taken, "refused whole, or kept once"
    read = seals.read_seal(public_of(diary), sealed["text"], sealed["signature"])
    assert read.edits == len(kept), "in the seal, or nowhere"
    for one in kept:
        read_edit(public_of(diary), Signed(one["text"], one["detail"], one["signature"]))
    week = await diary.db["weeks"].find_one({"_id": key})
    assert week is not None
    assert week["billable_minutes"] == read.totals.billable_minutes
    lost = 20 if taken and path == "removals" else -10 if taken and path == "manual-time" else 0
    assert week["billable_minutes"] == 40 - lost
    return "in" if taken else "refused"


def _span(start: str) -> dict[str, str]:
    return {"start": start, "end": format_instant(parse_instant(start) + timedelta(minutes=10))}


async def main(rounds: int) -> None:
    """Races on servers of its own."""
    with tempfile.TemporaryDirectory() as folder, mongo(Path(folder) / "mongo") as found:
        installation = Installation(Path(folder) / "installation", found if isinstance(found, str) else found.url)
        try:
            diary = Diary(installation, new_id("t").replace("-", ""), new_id("ws"))
            async with diary.running():
                ledger = Ledger(diary.workspace)
                await ledger.answer(diary)
                await diary.tell(diary.teller.settings())
                for seed in range(0, rounds, 100):
                    print(seed, await race(diary, ledger, rounds=min(100, rounds - seed), seed=seed), flush=True)
        finally:
            installation.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
