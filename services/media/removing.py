"""What edits of the diary do to pictures: removed ones are gone for good, blurred ones never clear again (S-08, M-03).

What an edit says is noted first and done then, so a picture that arrives later, or an edit that comes twice, finds it.
"""

import asyncio

from services.kit import metrics
from services.kit.bus import Bus, Delivery
from services.kit.problems import unavailable
from services.media.encoder import Encoder, EncoderLost, Unreadable
from services.media.pictures import Document, Pictures, removal_message
from services.wire.edits import Edit, Signed, captures_of, parse_edit
from services.wire.events import DiaryEdited, read_fact
from services.wire.language import N_
from services.wire.proof import ProofError

_REMOVES = ("removal", "picture_removal")


class Remover:
    """Hears ``diary.edited``."""

    def __init__(self, bus: Bus, pictures: Pictures, encoder: Encoder) -> None:
        self._bus, self._pictures, self._encoder = bus, pictures, encoder

    async def take(self, batch: list[Delivery]) -> None:
        """Does what a batch of edits says; what is no edit is counted and left alone: the diary keeps what it said."""
        for delivery in batch:
            try:
                edit = _read(delivery)
            except (ValueError, ProofError):
                metrics.MESSAGES.labels("media", "poison").inc()
                continue
            if edit.kind in _REMOVES:
                await asyncio.gather(*(self._remove(edit, *one) for one in captures_of(edit)))
            elif edit.kind == "picture_blur":
                for capture, device in captures_of(edit):
                    await self._blur(edit, capture, device)

    async def _remove(self, edit: Edit, capture: str, device: str) -> None:
        reason = "member" if edit.actor == edit.member else "admin"
        removed = {"at": edit.at, "reason": reason, "edit": edit.id}
        document = await self._pictures.mark(edit, capture, device, removed=removed)
        await self._pictures.drop(document)
        await self._bus.journal([removal_message(document)])

    async def _blur(self, edit: Edit, capture: str, device: str) -> None:
        known = await self._pictures.find(edit.workspace, device, capture)
        if known and known.get("blur") == "done":
            return
        document = await self._pictures.mark(edit, capture, device, blur="wanted")
        if "sha256" in document and not document.get("removed"):
            await self.blur(document)

    async def blur(self, document: Document) -> None:
        """Puts the blurred twin in the place of all that is clear; what cannot be decoded is dropped instead."""
        try:
            parts = await self._encoder.render(document["format"], await self._pictures.original(document))
        except KeyError:
            return  # somebody else was quicker
        except EncoderLost as error:
            raise unavailable(N_("The encoder of pictures")) from error
        except Unreadable as error:
            await self._pictures.keep_unreadable(document, str(error))
            await self._pictures.drop(document)
            return
        await self._pictures.keep_blurred(document, parts["blurred"])


def _read(delivery: Delivery) -> Edit:
    fact = read_fact(delivery.subject, delivery.body)
    if not isinstance(fact, DiaryEdited):
        raise ValueError("not an edit")
    return parse_edit(Signed(fact.edit, fact.detail, fact.signature))
