"""Pictures in the object store, and what is known of each in Mongo.

``pictures``   ``_id`` = workspace|capture|device: what the device said of it; later why it cannot be shown, if so, and
               what edits say or retention does: ``removed``, which stays so that it cannot come back, and ``blur``
               (``wanted``, ``done``). ``format`` is there for as long as there may be objects of it
``refusals``   ``_id`` = workspace|device|capture|reason: offers that were not taken, kept for 90 days

Objects lie under ``<workspace>/<device>/<capture>/``: ``original-<start of the hash>``, the bytes as the device sent
them (the picture, then its thumbnail), and from the first look on ``picture``, ``thumbnail`` and ``blurred``, encoded
anew. The hash is in the original's key so that two offers racing for one capture never lie over one another.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.kit.deletions import erase_documents
from services.kit.mongo import Database, Session
from services.kit.objects import Objects
from services.media.offers import Offer, Refused
from services.wire import subjects
from services.wire.edits import Edit
from services.wire.events import CaptureRemoved, CaptureStored
from services.wire.slots import format_instant, parse_instant

Document = dict[str, Any]
_REFUSALS_KEPT_SECONDS = 90 * 86_400
_KEPT: Document = {"format": {"$exists": True}}
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Pictures:
    """The store of pictures; every write may come twice."""

    def __init__(self, db: Database, objects: Objects) -> None:
        self._db, self._objects = db, objects

    async def prepare(self) -> None:
        """Makes the bucket and the indexes."""
        await self._objects.ensure_bucket()
        await self._db["pictures"].create_index([("workspace", 1), ("taken", 1)])
        await self._db["pictures"].create_index(
            [("workspace", 1), ("device", 1), ("kind", 1), ("taken", 1)], name="kept", partialFilterExpression=_KEPT
        )
        await self._db["refusals"].create_index("last", expireAfterSeconds=_REFUSALS_KEPT_SECONDS)

    async def find(self, workspace: str, device: str, capture_id: str) -> Document | None:
        """What is known of a capture."""
        return await self._db["pictures"].find_one({"_id": f"{workspace}|{capture_id}|{device}"})

    async def store(self, workspace: str, device: str, member: str, offer: Offer) -> tuple[Document, bool]:
        """Keeps a picture with its thumbnail; gives its document, and whether it is new.

        Refused ``hash`` where another picture is kept for this capture. Raises where a store does not answer.
        """
        document = _document(workspace, device, member, offer)
        await self._objects.put(_original(document), offer.body, "application/octet-stream")
        try:
            await self._db["pictures"].insert_one(document)
        except DuplicateKeyError as error:
            return await self._meet(document, error)
        return document, True

    async def _meet(self, document: Document, error: DuplicateKeyError) -> tuple[Document, bool]:
        """What was put down meets what is known of this capture: the same again, another, or what edits say of it."""
        await self._fill(document)
        known = await self.find(document["workspace"], document["device"], document["capture_id"])
        if known is None or known.get("removed"):
            await self._objects.remove(_original(document))
            raise Refused("not_allowed", "this capture was removed") from error
        if known["sha256"] != document["sha256"]:
            await self._objects.remove(_original(document))
            raise Refused("hash", "another picture is kept for this capture") from error
        if known.get("blur") == "done":
            await self._objects.remove(_original(document))
        return known, False

    async def _fill(self, document: Document) -> None:
        """A picture that an edit was quicker than: what the edit said stays, and the rest comes to it."""
        first = {"_id": document["_id"], "sha256": {"$exists": False}, "removed": {"$exists": False}}
        await self._db["pictures"].update_one(
            first, {"$set": {name: value for name, value in document.items() if name != "_id"}}
        )

    async def again(self, document: Document) -> Document:
        """What is known of it by now."""
        return await self._db["pictures"].find_one({"_id": document["_id"]}) or document

    async def mark(self, edit: Edit, capture_id: str, device: str, **fields: Any) -> Document:
        """Notes what an edit says of a capture, also of one that has not come yet; gives what is known of it then."""
        key = f"{edit.workspace}|{capture_id}|{device}"
        who = {"workspace": edit.workspace, "member": edit.member, "device": device, "capture_id": capture_id}
        found: Document = await self._db["pictures"].find_one_and_update(
            {"_id": key}, {"$set": fields, "$setOnInsert": who}, upsert=True, return_document=True
        )
        return found

    async def drop(self, document: Document) -> None:
        """No object of a capture is left."""
        names = [f"{_folder(document)}/{part}" for part in ("picture", "thumbnail", "blurred")]
        names += [_original(document)] if "sha256" in document else []
        await asyncio.gather(*(self._objects.remove(name) for name in names))

    # retention ------------------------------------------------------------------------------------------------------

    def devices(self) -> AsyncIterator[Document]:
        """Each device that has pictures: ``workspace``, ``device`` and ``member``."""
        one = {"_id": {"workspace": "$workspace", "device": "$device"}, "member": {"$first": "$member"}}
        shown = {"workspace": "$_id.workspace", "device": "$_id.device", "member": 1}
        return self._db["pictures"].aggregate([{"$match": _KEPT}, {"$group": one}, {"$project": shown}])

    async def taken_before(self, of: Document, kind: str, instant: datetime, most: int) -> list[str]:
        """The names (``_id``) of a device's oldest kept pictures of a kind, taken before an instant."""
        where = _kept_of(of, kind) | {"taken": {"$lt": instant}}
        found = await self._db["pictures"].find(where, {"_id": 1}).sort("taken", 1).limit(most).to_list(most)
        return [one["_id"] for one in found]

    async def oldest(self, of: Document, kind: str) -> datetime | None:
        """When the oldest kept picture of a device, of a kind, was taken."""
        found = await self._db["pictures"].find_one(_kept_of(of, kind), {"taken": 1}, sort=[("taken", 1)])
        return found["taken"] if found else None

    async def mark_over(self, names: Sequence[str], removed: Document, session: Session) -> None:
        """Notes that the time of these is over; who was removed before keeps that reason."""
        first = {"_id": {"$in": list(names)}, "removed": {"$exists": False}}
        await self._db["pictures"].update_many(first, {"$set": {"removed": removed}}, session=session)

    async def keep_over(self, workspace: str, device: str, member: str, offer: Offer, days: int) -> Document:
        """Notes a picture whose time was over when it arrived, and none of its bytes; gives what is known of it."""
        document = _document(workspace, device, member, offer)
        removed = {"at": document["stored_at"], "reason": "retention", "days": days}
        document = {name: value for name, value in document.items() if name != "format"} | {"removed": removed}
        try:
            await self._db["pictures"].insert_one(document)
        except DuplicateKeyError:
            await self._fill(document)
        return await self.again(document)

    async def of_names(self, names: Sequence[str]) -> list[Document]:
        """What is known of these."""
        return await self._db["pictures"].find({"_id": {"$in": list(names)}}).to_list(len(names))

    async def forget(self, names: Sequence[str]) -> None:
        """Nothing of these is kept any more but that they were there."""
        await self._db["pictures"].update_many({"_id": {"$in": list(names)}}, {"$unset": {"format": ""}})

    async def erase(self, workspace: str) -> bool:
        """Nothing of a workspace is left, in the object store first: what is known of its pictures goes last (W-02)."""
        await self._objects.remove_all(f"{workspace}/")
        await erase_documents(self._db, workspace)
        return True

    async def keep_blurred(self, document: Document, blurred: bytes) -> None:
        """The blurred twin takes the place of everything clear, for good (M-03)."""
        await self.keep_shown(document, dict.fromkeys(("picture", "thumbnail", "blurred"), blurred))
        await self._objects.remove(_original(document))
        await self._db["pictures"].update_one({"_id": document["_id"]}, {"$set": {"blur": "done"}})

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
        """The picture as the device sent it, without its thumbnail."""
        body = await self._objects.get(_original(document))
        return body[: document["bytes"]]

    async def shown(self, workspace: str, device: str, capture_id: str, part: str) -> bytes:
        """A part that was encoded anew: ``picture``, ``thumbnail`` or ``blurred``; KeyError where there is none."""
        return await self._objects.get(f"{workspace}/{device}/{capture_id}/{part}")

    async def keep_shown(self, document: Document, parts: dict[str, bytes]) -> None:
        """Keeps what was encoded anew."""
        folder = _folder(document)
        await asyncio.gather(
            *(self._objects.put(f"{folder}/{name}", body, "image/webp") for name, body in parts.items())
        )

    async def keep_unreadable(self, document: Document, why: str) -> Document:
        """Remembers that a picture cannot be decoded, the class of error, and since when; gives what is known then."""
        when = {"unreadable": why, "unreadable_at": format_instant(datetime.now(UTC))}
        first = {"_id": document["_id"], "unreadable": {"$exists": False}}
        await self._db["pictures"].update_one(first, {"$set": when})
        return await self.again(document)

    async def count_loss(self, document: Document) -> int:
        """Counts a look that lost its encoder; gives how many there were."""
        counted = await self._db["pictures"].find_one_and_update(
            {"_id": document["_id"]}, {"$inc": {"losses": 1}}, return_document=True
        )
        return int(counted["losses"]) if counted else 0

    async def taken_between(self, workspace: str, start: str, end: str) -> AsyncIterator[Document]:
        """What is kept of a workspace's pictures taken in [start, end)."""
        span = {"$gte": parse_instant(start), "$lt": parse_instant(end)}
        async for document in self._db["pictures"].find({"workspace": workspace, "taken": span}):
            yield document


def fact_of(document: Document) -> CaptureStored:
    """``capture.stored`` of a kept picture."""
    return CaptureStored(**{name: document[name] for name in CaptureStored.model_fields})


def removal_message(document: Document) -> tuple[str, bytes, str | None]:
    """``capture.removed`` of a picture that was removed, as it is published."""
    removed = document["removed"]
    return _gone(document, removed["at"], removed["reason"], removed.get("days"))


def refusal_message(document: Document) -> tuple[str, bytes, str | None]:
    """``capture.removed`` of a picture that turned out to be none, as it is published."""
    return _gone(document, document["unreadable_at"], "unreadable")


def _gone(document: Document, at: str, reason: Any, days: int | None = None) -> tuple[str, bytes, str | None]:
    names = ("workspace", "member", "device", "capture_id")
    fact = CaptureRemoved(removed_at=at, reason=reason, days=days, **{name: document[name] for name in names})
    body = fact.model_dump_json(exclude_none=True).encode()
    return subjects.fact("capture.removed", fact.workspace, fact.member), body, None


def _kept_of(device: Document, kind: str) -> Document:
    return {"workspace": device["workspace"], "device": device["device"], "kind": kind} | _KEPT


def _folder(document: Document) -> str:
    return f"{document['workspace']}/{document['device']}/{document['capture_id']}"


def _original(document: Document) -> str:
    return f"{_folder(document)}/original-{document['sha256'][:16]}"


def _document(workspace: str, device: str, member: str, offer: Offer) -> Document:
    capture, now = offer.capture, datetime.now(UTC)
    return {
        "_id": f"{workspace}|{capture.capture_id}|{device}",
        "workspace": workspace,
        "member": member,
        "device": device,
        "format": offer.format,
        "taken": min(parse_instant(capture.at), now),  # nothing is kept the longer for a clock that is ahead
        "stored_at": format_instant(now),
        **capture.model_dump(exclude={"app"}),
    }
