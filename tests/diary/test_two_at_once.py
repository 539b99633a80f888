"""T-14 under a race: two projectors fold what one member recorded at once on two contracts."""

import asyncio

from services.diary.folding import Folder
from services.diary.projections import FIGURES
from services.diary.store import ensure_indexes
from services.kit.mongo import database, prefix_range
from services.kit.settings import Settings
from tests.diary.facts import Teller, slots_from

PAIRS = 24


async def test_a_minute_counts_once_though_two_fold_it_at_the_same_time(
    mongo_url: str, mongo_prefix: str, workspace_id: str
) -> None:
    settings = Settings(mongo_url=mongo_url, mongo_prefix=mongo_prefix, bus_seed="none")
    stores = [database(settings, "diary") for _ in range(2)]
    await ensure_indexes(stores[0])
    tell = Teller(workspace_id)
    # a day apart: within one day the two would find out by themselves
    slots = [slots_from(f"2026-10-{day + 1:02}T10:00:00Z", 1)[0] for day in range(PAIRS)]
    for slot in slots:
        pair = [tell.segment("mira", slot, contract=f"con{side}", device=f"dev{side}") for side in "ab"]
        await asyncio.gather(*(Folder(db).fold([one], []) for db, one in zip(stores, pair, strict=True)))
    tracked = dict.fromkeys(slots, 0)
    async for one in stores[0]["segments"].find({"_id": prefix_range(workspace_id, "mira")}):
        tracked[one["_id"].split("|")[2]] += one["figures"][FIGURES.index("tracked_minutes")]
    assert set(tracked.values()) == {10}
