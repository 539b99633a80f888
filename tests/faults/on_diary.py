"""Faults behind the diary: what its member changed must outlast whatever is said again (S-04, S-08, S-11)."""

import asyncio
from typing import Any

import httpx

from services.kit.bus import round_trip
from tests.faults.computers import SLOT, Computer
from tests.faults.reference import Edit
from tests.faults.scenes import Scene, fault
from tests.faults.world import Hired
from tests.support.stack import until

_KILLED = ("projector", "media")
_SOME = 0.2


@fault(devices=1)
async def edited_and_removed_then_sent_again(scene: Scene) -> None:
    """Memos and removals, and then every record once more, by its computer and by the ledger, while services die and
    somebody else works on.
    """
    hired = await scene.crew.join(1, days=(0, 0), pictures=0.4)
    one, records = scene.crew.computers[-1], scene.records // 2
    one.clock.jump(-(2 * records + 6) * SLOT.total_seconds())  # it goes through every second slot
    one.live(records)
    await scene.crew.quiet()
    await until(scene.world.is_idle, 60)
    await _edit(scene, hired, one)
    await asyncio.gather(
        scene.crew.live(scene.records, only=scene.crew.computers[0]),
        _send_again(scene, one),
        scene.world.replay("ingest"),
        *(scene.world.kill(name) for name in _KILLED),
    )


async def _edit(scene: Scene, hired: Hired, one: Computer) -> None:
    """A fifth of its open segments gets a memo, a fifth goes, and some of the first go, too."""
    async with hired.signed_in() as http:
        those = await _open_segments(http, hired, one)
        share = max(2, round(len(those) * _SOME))
        noted, gone = scene.random.sample(those, share), scene.random.sample(those, share)
        where = f"/api/v1/diary/{hired.member}"
        await _done(http.patch(f"{where}/segments", json={"segment_ids": noted, "memo": "Looked through again"}))
        scene.crew.edits.append(Edit(frozenset(noted), memo="Looked through again"))
        await _done(http.post(f"{where}/removals", json={"segment_ids": gone}))
        scene.crew.edits.append(Edit(frozenset(gone), removed=True))


async def _open_segments(http: httpx.AsyncClient, hired: Hired, one: Computer) -> list[str]:
    found: list[str] = []
    for date in sorted({line.record["slot"][:10] for line in one.book.lines}):
        day = (await _done(http.get(f"/api/v1/diary/{hired.member}/days/{date}", params={"zone": "UTC"}))).json()
        if all(week["state"] == "open" for week in day["weeks"]):
            found += [segment["segment_id"] for segment in day["segments"]]
    assert len(found) > 4, "there is nothing to edit"
    return found


async def _send_again(scene: Scene, one: Computer) -> None:
    client = await one.raw()
    try:
        for line in scene.random.sample(one.book.lines, len(one.book.lines)):
            await client.publish(one.subject, line.body.encode())
        await round_trip(client)
    finally:
        await client.close()


async def _done(asked: Any) -> httpx.Response:
    answer: httpx.Response = await asked
    assert answer.is_success, answer.text
    return answer
