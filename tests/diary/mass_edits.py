"""How long changes of very many segments take: ``python -m tests.diary.mass_edits [SEGMENTS]``, 10,000 if not said.

A memo, then a removal, of all of them at once through the API, on servers of its own; each has a picture; seconds a
thousand (S-12).
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from services.diary.folding import Folder
from services.wire.slots import parse_instant
from tests.diary.editing import done, send
from tests.diary.facts import capture, slots_from
from tests.diary.running import Diary, until
from tests.support.servers import Installation, mongo, new_id

FIRST, WEEK = "2026-11-16T00:00:00Z", 1008


async def measure(diary: Diary, count: int) -> None:
    """Fills a week with as many contracts as it takes, and changes all of it."""
    tell = diary.teller
    contracts = [f"con-{number}" for number in range(-(-count // WEEK))]
    await diary.tell(tell.settings(), tell.member("mira"), *(tell.contract(one, "mira") for one in contracts))
    left = count
    for contract in contracts:
        slots = slots_from(FIRST, min(left, WEEK))
        shots = [[capture(f"{contract}-{number}", slot)] for number, slot in enumerate(slots)]
        facts = [
            tell.segment("mira", slot, contract=contract, device=f"dev-{contract}", captures=shot)
            for slot, shot in zip(slots, shots, strict=True)
        ]
        for start in range(0, len(facts), 250):
            await Folder(diary.db).fold(facts[start : start + 250], ())
        left -= len(slots)
    diary.edge.editor.clock = lambda: parse_instant("2026-11-23T11:00:00Z")
    span = {"from": FIRST, "to": "2026-11-23T00:00:00Z"}
    for name, method, path, body in (
        ("memo", "PATCH", "segments", {**span, "memo": "a long week"}),
        ("removal", "POST", "removals", span),
    ):
        began, cpu = time.monotonic(), time.process_time()
        await _do(diary, method, path, body)
        took, spent = time.monotonic() - began, time.process_time() - cpu
        print(f"{name} of {count}: {took:.1f} s, {took * 1000 / count:.2f} s a thousand, {spent:.1f} s CPU", flush=True)


async def _do(diary: Diary, method: str, path: str, body: Any) -> None:
    answer = (await send(diary, method, f"/diary/mira/{path}", body)).json()

    async def ended() -> bool:
        found = await done(diary, "GET", f"/operations/{answer['operation']}")
        assert found["state"] != "failed", found
        return bool(found["state"] == "done")

    if "operation" in answer:
        await until(ended, seconds=120, every=0.1)


async def main(count: int) -> None:
    """Measures on servers of its own."""
    with tempfile.TemporaryDirectory() as folder, mongo(Path(folder) / "mongo") as found:
        installation = Installation(Path(folder) / "installation", found if isinstance(found, str) else found.url)
        try:
            diary = Diary(installation, new_id("t").replace("-", ""), new_id("ws"))
            async with diary.running():
                await measure(diary, count)
        finally:
            installation.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
