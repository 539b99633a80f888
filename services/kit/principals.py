"""Session tokens: licensing seals them, the diary opens them by itself (architecture.md, *The edge*)."""

import base64
import binascii

from nacl.signing import SigningKey

from services.wire import proof
from services.wire.events import read
from services.wire.requests import Principal


def seal_token(key: SigningKey, principal: Principal) -> str:
    """``<payload>.<signature>``, both base64url without padding."""
    payload = principal.model_dump_json().encode()
    signature = base64.b64decode(proof.sign(key, proof.SESSION_DOMAIN, payload))
    return f"{_encode(payload)}.{_encode(signature)}"


def open_token(public: bytes, token: str, now: float) -> Principal:
    """The principal of a token; ValueError where it is forged, malformed or over (``now`` in epoch seconds)."""
    try:
        payload, signature = (_decode(part) for part in token.split("."))
    except (ValueError, binascii.Error) as error:
        raise ValueError("not a session token") from error
    proof.check(public, proof.SESSION_DOMAIN, payload, base64.b64encode(signature).decode())
    principal = read(Principal, payload)
    if principal.expires <= now:
        raise ValueError("the session is over")
    return principal


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
