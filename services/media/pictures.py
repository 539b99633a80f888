"""Pictures in the object store, and what is known of each in Mongo.

``pictures``   ``_id`` = workspace|capture|device: what the device said, and once looked at what is shown
``refusals``   ``_id`` = workspace|device|capture|reason: offers that were not taken, kept for 90 days

Objects lie under ``<workspace>/<device>/<capture>/<start of the hash>/``: ``original`` and ``thumbnail`` as the device
sent them, and from the first look on ``shown/…``. The hash is in the key so that two offers racing for one capture
never lie over one another.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal

from pymongo.errors import DuplicateKeyError

from services.kit.mongo import Database, Session, transaction
from services.kit.objects import Objects
from services.kit.outbox import Outbox
from services.media.encoder import Rendered
from services.media.offers import Offer, Refused
from services.wire.events import CaptureStored
from services.wire.slots import format_instant, parse_instant

Document = dict[str, Any]
_TYPES = {"WEBP": "image/webp", "JPEG": "image/jpeg", "PNG": "image/png"}
_REFUSALS_KEPT_SECONDS = 90 * 86_400
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Pictures:
    """The store of pictures; every write may come twice."""

    def __init__(self, db: Database, objects: Objects, outbox: Outbox) -> None:
        self._db, self._objects, self._outbox = db, objects, outbox

    async def prepare(self) -> None:
        """Makes the bucket and the indexes."""
        await self._objects.ensure_bucket()
        await self._db["pictures"].create_index([("workspace", 1), ("taken", 1)])
        await self._db["refusals"].create_index("last", expireAfterSeconds=_REFUSALS_KEPT_SECONDS)

    async def find(self, workspace: str, device: str, capture_id: str) -> Document | None:
        """What is known of a capture."""
        return await self._db["pictures"].find_one({"_id": f"{workspace}|{capture_id}|{device}"})

    async def store(self, workspace: str, device: str, member: str, offer: Offer) -> Literal["stored", "again"]:
        """Keeps picture and thumbnail, then says ``capture.stored``; Refused ``hash`` where another is kept already.

        Raises where a store does not answer: then the device keeps the picture, and asks again.
        """
        if known := await self.find(workspace, device, offer.capture.capture_id):
            return _same(known, offer)
        document = _document(workspace, device, member, offer)
        await asyncio.gather(
            self._objects.put(_key(document, "original"), offer.picture, _TYPES[offer.format]),
            self._objects.put(_key(document, "thumbnail"), offer.thumbnail, "application/octet-stream"),
        )

        async def write(session: Session) -> None:
            await self._db["pictures"].insert_one(document, session=session)
            await self._outbox.stage([("capture.stored", _fact(document))], session)

        try:
            await transaction(self._db, write)
        except DuplicateKeyError:  # another replica was quicker
            known = await self.find(workspace, device, offer.capture.capture_id)
            return _same(known or document, offer)
        self._outbox.nudge()
        return "stored"

    async def refuse(self, workspace: str, device: str, capture_id: str, refused: Refused) -> None:
        """Keeps a refusal (M-09); the same one again only moves its time."""
        name = capture_id if _ID.fullmatch(capture_id) else "-"
        await self._db["refusals"].update_one(
            {"_id": f"{workspace}|{device}|{name}|{refused.reason}"},
            {
                "$set": {"last": datetime.now(UTC), "detail": refused.detail},
                "$setOnInsert": {
                    "workspace": workspace,
                    "device": device,
                    "capture_id": name,
                    "reason": refused.reason,
                },
            },
            upsert=True,
        )

    async def original(self, document: Document) -> bytes:
        """The picture as the device sent it."""
        return await self._objects.get(_key(document, "original"))

    async def shown(self, document: Document, part: str) -> bytes:
        """A part that was encoded anew: ``picture``, ``thumbnail`` or ``blurred``; KeyError where it is gone."""
        return await self._objects.get(_key(document, f"shown/{part}"))

    async def keep_shown(self, document: Document, rendered: Rendered) -> Document:
        """Keeps what was encoded anew; gives the document as it is then."""
        await asyncio.gather(
            *(
                self._objects.put(_key(document, f"shown/{name}"), blob, "image/webp")
                for name, blob in rendered.parts.items()
            )
        )
        shown = {
            "width": rendered.width,
            "height": rendered.height,
            "sha256": {name: hashlib.sha256(blob).hexdigest() for name, blob in rendered.parts.items()},
        }
        await self._db["pictures"].update_one({"_id": document["_id"]}, {"$set": {"shown": shown}})
        return {**document, "shown": shown}

    async def keep_unreadable(self, document: Document, why: str) -> None:
        """Remembers that a picture cannot be decoded, and the class of error."""
        await self._db["pictures"].update_one({"_id": document["_id"]}, {"$set": {"unreadable": why}})

    async def count_loss(self, document: Document) -> int:
        """Counts a look that lost its encoder; gives how many there were."""
        counted = await self._db["pictures"].find_one_and_update(
            {"_id": document["_id"]}, {"$inc": {"losses": 1}}, return_document=True
        )
        return int(counted["losses"]) if counted else 0

    async def facts(self, workspace: str, start: str, end: str) -> AsyncIterator[CaptureStored]:
        """``capture.stored`` of every picture taken in [start, end)."""
        span = {"$gte": parse_instant(start), "$lt": parse_instant(end)}
        async for document in self._db["pictures"].find({"workspace": workspace, "taken": span}):
            yield _fact(document)


def _same(known: Document, offer: Offer) -> Literal["again"]:
    if known["sha256"] != offer.capture.sha256:
        raise Refused("hash", "another picture is kept for this capture")
    return "again"


def _key(document: Document, name: str) -> str:
    capture, device = document["capture_id"], document["device"]
    return f"{document['workspace']}/{device}/{capture}/{document['sha256'][:16]}/{name}"


def _document(workspace: str, device: str, member: str, offer: Offer) -> Document:
    capture = offer.capture
    return {
        "_id": f"{workspace}|{capture.capture_id}|{device}",
        "workspace": workspace,
        "member": member,
        "device": device,
        "format": offer.format,
        "taken": parse_instant(capture.at),
        "stored_at": format_instant(datetime.now(UTC)),
        **capture.model_dump(exclude={"app"}),
    }


def _fact(document: Document) -> CaptureStored:
    return CaptureStored(**{name: document[name] for name in CaptureStored.model_fields})
