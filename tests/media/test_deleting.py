"""A deleted workspace's pictures are gone from the object store, and none comes back (W-02)."""

from typing import Any

from services.kit import mongo
from services.wire import subjects
from services.wire.events import WorkspaceDeleted
from tests.diary.running import until
from tests.media.conftest import Media
from tests.support.pictures import webp
from tests.support.servers import new_id

STORED = {"state": "stored"}


async def test_a_deleted_workspaces_pictures_are_gone(media: Media) -> None:
    device = await media.device()
    assert await device.offer(webp(640, 400)) == STORED
    gone, media.workspace = media.workspace, f"{media.workspace}-2"
    neighbour = await media.device()
    assert await neighbour.offer(webp(640, 400)) == STORED
    before = {name for name in media.objects() if name.startswith(f"{media.workspace}/")}
    assert before

    async def tell() -> None:
        fact = WorkspaceDeleted(workspace=gone, member="-", deleted_at="2026-11-22T10:15:00Z")
        subject = subjects.fact("workspace.deleted", gone, "-")
        await media.operator.jetstream().publish(subject, fact.model_dump_json().encode())

    db = mongo.database(media.settings, "media")
    mine: dict[str, Any] = {"_id": mongo.prefix_range(gone)}

    async def clean() -> bool:
        kept = [await db[name].count_documents(mine) for name in ("pictures", "refusals")]
        return set(media.objects()) == before and not any(kept)

    await tell()
    await until(clean)
    assert (await device.offer(webp(640, 400)))["state"] == "refused", "also where licensing still grants it"
    await tell()
    assert (await device.offer(webp(640, 400), capture_id=new_id("capture")))["state"] == "refused"
    assert await clean(), "not even the refusals are kept"
    assert await neighbour.offer(webp(640, 400)) == STORED
    db.client.close()
