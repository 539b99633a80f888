"""Looking at a picture: who may, the entry in the audit log first, and only then the bytes (M-02, M-06, B-03).

Documents: ``pictures`` ``<workspace>|<capture>|<device>``, whose segment and contract the projector knows from the
signed record, whether the picture is stored from media.
"""

from typing import Literal, NamedTuple

from services.diary import audit
from services.diary.access import Action, Viewer, sight
from services.diary.edge import Edge
from services.diary.projections import kept_days, picture_state
from services.kit.mongo import prefix_range
from services.kit.problems import Problem, not_found
from services.wire.language import N_, _
from services.wire.requests import PictureOf


class Named(NamedTuple):
    """A capture as a segment of a member names it."""

    device: str
    member: str
    contract: str
    state: str
    blurred: bool
    kept_days: int | None


async def find(edge: Edge, viewer: Viewer, capture: str) -> Named:
    """The capture as the viewer may see it; 404 where they may not: nobody learns of others' captures."""
    found = await edge.db["pictures"].find({"_id": prefix_range(viewer.workspace, capture)}).sort("_id", 1).to_list(10)
    for document in found:
        for segment, sha256 in sorted(document["named"].items()):
            _workspace, member, _slot, contract, device = segment.split("|")
            known = await edge.people.member(viewer.workspace, member)
            allowed = sight(viewer, Action.SEE_PICTURE, member, known["team"] if known else None)
            if allowed is not None and allowed.shows(contract):
                state, blurred = picture_state(document, sha256), document.get("blurred", False)
                return Named(device, member, contract, state, blurred, kept_days(document))
    raise not_found(N_("capture"))


async def look(edge: Edge, viewer: Viewer, capture: str, size: Literal["picture", "thumbnail"]) -> tuple[str, bytes]:
    """Content type and bytes of a picture. Somebody else's look is written down before the bytes are asked for."""
    named = await find(edge, viewer, capture)
    if named.state != "stored":
        raise _not_there(named)
    if named.member != viewer.member:
        await audit.note(edge.db, viewer, "capture.viewed", named.member, capture=capture, detail=size)
    where = {"workspace": viewer.workspace, "device": named.device, "capture_id": capture}
    asked = PictureOf(**where, size=size, blurred=named.blurred)
    message = await edge.bus.ask_raw("media", "picture", asked, timeout=10.0)
    kind = (message.headers or {}).get("Content-Type", "application/octet-stream")
    if not kind.startswith("image/"):
        words = _("The store gave something that is no picture."), _("Tell the administrator.")
        raise Problem(502, "not-a-picture", *words)
    return kind, message.data


def _not_there(named: Named) -> Problem:
    title, detail = _WHY[named.state]
    if named.kept_days is None:
        return Problem(404, f"picture-{named.state}", title, detail, state=named.state)
    over = {"state": named.state, "expired_after_days": named.kept_days}
    return Problem(404, "picture-expired", _("The picture's days are over (M-05)."), detail, **over)


_WHY = {
    "pending": (
        N_("The picture has not arrived yet."),
        N_("It is here once the computer has sent one that can be taken."),
    ),
    "refused": (
        N_("What was sent is no picture."),
        N_("The computer sent something that cannot be decoded; its time stays."),
    ),
    "removed": (
        N_("The picture has been removed."),
        N_("It is gone for good; its time is still in the diary."),
    ),
}
