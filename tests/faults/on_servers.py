"""Faults of the servers below: bus, database and object store killed, frozen, wiped, and set back to a backup."""

import asyncio
import shutil
import signal

from tests.faults.scenes import Scene, fault


@fault(composes=True)
async def kill_the_bus(scene: Scene) -> None:
    async with scene.flowing():
        await scene.somewhere()
        await scene.world.kill("nats")


@fault()
async def wipe_the_bus(scene: Scene) -> None:
    """Its store is gone, and the operator has the owners say their facts again, as docs/operating.md has it."""
    async with scene.flowing():
        await scene.somewhere()
        async with scene.world.held("nats"):
            scene.world.wipe_bus()
    for name in ("ingest", "projector", "scoring", "licensing", "media"):
        await scene.world.ready(name)
    await scene.world.replay("licensing", "ingest", "media")


@fault(composes=True)
async def kill_the_database(scene: Scene) -> None:
    async with scene.flowing():
        await scene.somewhere()
        await scene.world.kill("mongo")


@fault()
async def freeze_the_database(scene: Scene) -> None:
    async with scene.flowing():
        await scene.somewhere()
        async with scene.world.frozen("mongo"):
            await asyncio.sleep(scene.random.uniform(6, 9))


@fault(pictures=0.5)
async def take_the_object_store_away(scene: Scene) -> None:
    """Pictures wait on the computers, time does not wait for them."""
    async with scene.world.held("s3"), scene.flowing():
        await scene.after(1.0)


@fault(pictures=0)
async def restore_the_database_from_a_backup(scene: Scene) -> None:
    """The database as it was a while ago, in the order of docs/operating.md: the computers send again what they hold.

    Without pictures: their bytes leave the computer when they are stored, so those after the backup are lost with it.
    """
    world, backup = scene.world, scene.world.folder / "backup"
    async with scene.flowing(0.5):
        await scene.somewhere()
        async with world.held("mongo", signal.SIGTERM):
            shutil.rmtree(backup, ignore_errors=True)
            await asyncio.to_thread(shutil.copytree, world.mongo_store, backup)
    await scene.crew.claims.join()
    async with scene.flowing(0.5):
        await scene.after(0.9)
        await scene.crew.quiet()
        async with world.held("mongo", signal.SIGTERM):
            await asyncio.to_thread(shutil.rmtree, world.mongo_store)
            await asyncio.to_thread(shutil.move, backup, world.mongo_store)
        world.name_new_generation()
        await world.kill("nats")
    for name in ("ingest", "projector", "scoring", "licensing"):
        await world.ready(name)
    await world.replay("licensing", "ingest")
