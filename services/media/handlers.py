"""What arrives on the bus: pictures of devices, looks at them, and the wish to hear it all again."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, NoReturn

import orjson
from nats.aio.msg import Msg

from services.kit import metrics, telemetry
from services.kit.bus import Bus, Delivery, Reply
from services.kit.deletions import Deletions
from services.kit.problems import Problem, not_found, unavailable
from services.media.encoder import Encoder, EncoderAway, EncoderLost, Unreadable
from services.media.grants import Grants
from services.media.offers import MAX_BYTES, Refused, check_grant, examine
from services.media.pictures import Document, Pictures, fact_of, refusal_message, removal_message
from services.media.removing import Remover
from services.media.retention import Retention
from services.wire import subjects
from services.wire.events import Picture, read
from services.wire.language import N_, _
from services.wire.requests import PictureOf, Replay
from services.wire.slots import parse_instant

log = logging.getLogger(__name__)

_EDITED = "diary.edited."
_STORED = orjson.dumps({"state": "stored"})
_REPLAYED_AT_ONCE = 500
_LOSSES_FORGIVEN = 3
DURABLE = next(one for stream in subjects.STREAMS for one in stream.durables if one.name == "media")


class Handlers:
    """Media's answers."""

    def __init__(
        self,
        bus: Bus,
        pictures: Pictures,
        grants: Grants,
        encoder: Encoder,
        deletions: Deletions,
        retention: Retention,
    ) -> None:
        self._bus, self._pictures, self._grants, self._encoder = bus, pictures, grants, encoder
        self._deletions, self._retention = deletions, retention
        self._remover = Remover(bus, pictures, encoder)
        self._looks: dict[str, asyncio.Task[dict[str, bytes]]] = {}

    def register(self) -> None:
        """Subscribes them all."""
        self._bus.serve_device("picture", self.arrive, workers=16)
        self._bus.serve("picture", PictureOf, self.look, workers=32)
        self._bus.serve("replay", Replay, self.replay)
        for kind in ("licence.changed", "member.changed", "workspace.changed"):
            self._bus.listen(f"{kind}.>", self._grants.forget)
        self._bus.work(DURABLE, self._edited, batch=50)

    async def _edited(self, batch: list[Delivery]) -> None:
        """``diary.edited``, what says how long pictures are kept, and ``workspace.deleted``."""
        left = await self._deletions.sift(batch)
        await self._retention.hear([one for one in left if not one.subject.startswith(_EDITED)])
        await self._remover.take([one for one in left if one.subject.startswith(_EDITED)])

    async def arrive(self, workspace: str, device: str, message: Msg) -> bytes:
        """``rpc.device.….picture`` (fine-print.md, *Requests of a device*).

        Where a store, the bus or licensing does not answer it raises: without an answer, the device asks again.
        """
        named = ""
        if self._deletions.gone(workspace):  # nothing is kept of it, not even that it was refused (W-02)
            return orjson.dumps({"state": "refused", "reason": "not_allowed"})
        try:
            capture = _capture(message)
            named = capture.capture_id
            outcome = await self._take(workspace, device, capture, message.data)
        except Refused as refused:
            metrics.PICTURES.labels(refused.reason).inc()
            log.warning("a picture was refused: %s, %s", refused.reason, refused.detail)
            await self._pictures.refuse(workspace, device, named, refused)
            return orjson.dumps({"state": "refused", "reason": refused.reason})
        metrics.PICTURES.labels(outcome).inc()
        return _STORED

    async def _take(self, workspace: str, device: str, capture: Picture, body: bytes) -> str:
        grant = await self._grants.of(workspace, device)
        if grant is None:
            raise Refused("not_allowed", "no such device")
        check_grant(grant, capture, datetime.now(UTC))
        offer = examine(capture, body)
        if (days := self._retention.over(grant.policy, capture.kind, parse_instant(capture.at))) is not None:
            await self._expired(await self._pictures.keep_over(workspace, device, grant.member, offer, days), days)
        document, new = await self._pictures.store(workspace, device, grant.member, offer)
        await self._retention.expect(workspace, device, grant.member)
        if document.get("blur") == "wanted":
            await self._remover.blur(document)
        # The device is the outbox here: it keeps the picture until it is answered, and whatever fails before that, it
        # sends it again and the fact is said again. A staged fact would double what arriving costs.
        await self._bus.journal([_message(document, telemetry.traceparent_of())])
        return "stored" if new else "again"

    async def _expired(self, document: Document, days: int) -> NoReturn:
        """It came after its time: its segment is protected as if it had come before, and gone since (S-09)."""
        if document.get("removed") and "sha256" in document:  # else somebody removed it before it came, and said so
            await self._bus.journal([_message(document), removal_message(document)])
        raise Refused("expired", f"older than the {days} days that pictures are kept")

    async def look(self, wanted: PictureOf) -> Reply:
        """``rpc.media.picture``: WebP made here; 404 while there is none, 422 ``unreadable`` where it is damaged."""
        where = (wanted.workspace, wanted.device, wanted.capture_id)
        if wanted.blurred:
            await self._require_blurred(*where)
        try:
            body, source = await self._pictures.shown(*where, wanted.size), "cache"
        except KeyError:
            document = await self._pictures.find(*where)
            if document is None or "sha256" not in document or document.get("removed"):
                raise not_found(N_("picture")) from None
            body, source = (await self._first_look(document))[wanted.size], "encoder"
        metrics.PICTURE_VIEWS.labels(source).inc()
        return Reply(body, {"Content-Type": "image/webp"})

    async def _require_blurred(self, workspace: str, device: str, capture_id: str) -> None:
        """What was blurred afterwards is never shown clear, also where the edit has not been heard yet (M-03)."""
        document = await self._pictures.find(workspace, device, capture_id)
        if document is None or "sha256" not in document:
            raise not_found(N_("picture"))
        if document.get("blur") != "done" and not document.get("removed"):
            await self._remover.blur(document)

    async def _first_look(self, document: Document) -> dict[str, bytes]:
        """Encodes it once for all who look just now, and whoever of them goes away."""
        key = document["_id"]
        if key not in self._looks:
            self._looks[key] = asyncio.create_task(self._encode(document))
            self._looks[key].add_done_callback(lambda _: self._looks.pop(key, None))
        return await asyncio.shield(self._looks[key])

    async def _original(self, document: Document) -> bytes:
        """As the device sent it; 404 where it is gone: an edit was quicker, or else the object store has lost it."""
        try:
            return await self._pictures.original(document)
        except KeyError:
            now = await self._pictures.again(document)
            if not now.get("removed") and now.get("blur") != "done":
                log.error("the object store does not have a picture that was stored: %s", now["capture_id"])
            raise not_found(N_("picture")) from None

    async def _encode(self, document: Document) -> dict[str, bytes]:
        if why := document.get("unreadable"):
            await self._bus.journal([refusal_message(document)])
            raise _unreadable(why)
        try:
            parts = await self._encoder.render(document["format"], await self._original(document))
        except Unreadable as error:
            await self._refuse(document, str(error))
            raise _unreadable(str(error)) from error
        except EncoderAway as error:
            log.error("pictures cannot be shown: %s", error)
            raise unavailable(N_("The encoder of pictures")) from error
        except EncoderLost as error:
            log.warning("a look lost its encoder: %s", error)
            if await self._pictures.count_loss(document) >= _LOSSES_FORGIVEN:
                await self._refuse(document, "EncoderLost")
            raise unavailable(N_("The encoder of pictures")) from error
        await self._pictures.keep_shown(document, parts)
        now = await self._pictures.again(document)
        if now.get("removed"):  # while it was encoded: what was put there just now must not stay
            await self._pictures.drop(now)
            raise not_found(N_("picture"))
        if now.get("blur"):
            await self._pictures.keep_blurred(now, parts["blurred"])
            return dict.fromkeys(parts, parts["blurred"])
        return parts

    async def _refuse(self, document: Document, why: str) -> None:
        """What was stored is no picture: from now on the day says so (M-09)."""
        known = await self._pictures.keep_unreadable(document, why)
        await self._bus.journal([refusal_message(known)])

    async def replay(self, wanted: Replay) -> dict[str, Any]:
        """``rpc.media.replay``: says again that the pictures taken in a span were stored, and of some, removed."""
        emitted, batch = 0, []
        async for document in self._pictures.taken_between(wanted.workspace, wanted.start, wanted.end):
            batch.append(_message(document))
            if document.get("unreadable_at"):
                batch.append(refusal_message(document))
            if document.get("removed"):
                batch.append(removal_message(document))
            if len(batch) >= _REPLAYED_AT_ONCE:
                await self._bus.journal(batch, replay=True)
                emitted, batch = emitted + len(batch), []
        await self._bus.journal(batch, replay=True)
        return {"emitted": emitted + len(batch)}


def _message(document: Document, traceparent: str | None = None) -> tuple[str, bytes, str | None]:
    fact = fact_of(document)
    return subjects.fact("capture.stored", fact.workspace, fact.member), fact.model_dump_json().encode(), traceparent


def _capture(message: Msg) -> Picture:
    if len(message.data) > MAX_BYTES:
        raise Refused("size", "more bytes than a picture may have")
    try:
        return read(Picture, (message.headers or {}).get("Daybook-Capture", ""))
    except ValueError as error:
        raise Refused("format", f"no Daybook-Capture header that says what this is: {error}") from error


def _unreadable(why: str) -> Problem:
    words = _("This picture cannot be decoded."), _("What the computer sent is damaged.")
    return Problem(422, "unreadable", *words, error=why)
