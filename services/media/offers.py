"""Whether an offered picture may be kept (M-09): pure, and cheap enough for every picture that arrives."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from services.media.containers import Container, read_container
from services.wire.events import Picture
from services.wire.requests import Grant
from services.wire.slots import parse_instant

Reason = Literal["hash", "format", "size", "not_allowed", "expired"]

MAX_BYTES = 768 * 1024
MAX_THUMBNAIL_BYTES = 16 * 1024
MAX_THUMBNAIL_SIDE = 320
MAX_SIDE = 16_384
MAX_PIXELS = 20_000_000  # two screens of 4K; what the encoder's memory is enough for in every format and mode


class Refused(Exception):
    """The device's offer is not taken; ``reason`` is the word that it is answered with."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


class Offer(NamedTuple):
    """A picture that has passed: what it says, what its bytes say, and the bytes with the thumbnail's behind."""

    capture: Picture
    format: str
    body: bytes


def examine(capture: Picture, body: bytes) -> Offer:
    """Takes the body apart and holds it against its header; Refused ``size``, ``hash`` or ``format``."""
    if not capture.bytes or capture.bytes + capture.thumbnail_bytes != len(body):
        raise Refused("size", "the body is not as long as the header says")
    if len(body) > MAX_BYTES or capture.thumbnail_bytes > MAX_THUMBNAIL_BYTES:
        raise Refused("size", "more bytes than a picture may have")
    picture, thumbnail = body[: capture.bytes], body[capture.bytes :]
    if hashlib.sha256(picture).hexdigest() != capture.sha256:
        raise Refused("hash", "the picture's hash is not the header's")
    container, small = _container(picture), _container(thumbnail)
    if (container.width, container.height) != (capture.width, capture.height):
        raise Refused("format", "the picture's dimensions are not the header's")
    if max(small.width, small.height) > MAX_THUMBNAIL_SIDE:
        raise Refused("size", "a thumbnail with more pixels than one may have")
    return Offer(capture, container.format, body)


def _container(body: bytes) -> Container:
    try:
        container = read_container(body)
    except ValueError as error:
        raise Refused("format", str(error)) from error
    if not (container.width and container.height):
        raise Refused("format", "a picture without pixels")
    if max(container.width, container.height) > MAX_SIDE or container.width * container.height > MAX_PIXELS:
        raise Refused("size", "more pixels than a picture may have")
    return container


def check_grant(grant: Grant, capture: Picture, now: datetime) -> None:
    """Refused ``not_allowed`` where the device may not send this: by its licence, its policy or the time.

    A revoked or expired device may still bring, until it is drained, what it took while it was allowed
    (fine-print.md, *Records*). What it took before its notice of more had reached it is none of it (G-01).
    """
    taken = parse_instant(capture.at)
    _check_policy(grant.policy, capture)
    for one in grant.untold:
        if taken < parse_instant(one.until):
            _check_policy(one.policy, capture, untold=True)
    if grant.state == "suspended":
        raise Refused("not_allowed", "the licence is suspended")
    if grant.state == "revoked" and not (grant.drain_until and now < parse_instant(grant.drain_until)):
        raise Refused("not_allowed", "the device is revoked")
    if grant.not_before and taken < parse_instant(grant.not_before):
        raise Refused("not_allowed", "taken before the licence began")
    if any(end and taken > parse_instant(end) for end in (grant.expires, grant.revoked_at)):
        raise Refused("not_allowed", "taken after the licence's end")


def _check_policy(policy: Mapping[str, Any], capture: Picture, *, untold: bool = False) -> None:
    """By a whole policy, or by those fields of one that its member had not been told otherwise of yet.

    How wide and how clear a picture may be the computer sees to (T-08): of a whole policy it may lag behind what was
    changed just now, but nobody gets more than they were told of.
    """
    kind = "camera" if capture.kind == "camera" else "screenshots"
    if untold and kind not in policy:
        return
    switch = policy.get(kind) or {}
    if not switch.get("enabled"):
        raise Refused("not_allowed", "the policy does not allow pictures of this kind" + " yet" * untold)
    if untold and kind == "screenshots" and (capture.width > switch["width"] or switch["blur"] > capture.blurred):
        raise Refused("not_allowed", "taken before its member was told of pictures like this")
