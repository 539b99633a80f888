"""Sign-in of devices to the bus (auth callout): who holds the key of a good licence gets its own subjects (L-06, B-04).

The bus hands over the nonce it sent, the key and the signature; the answer is a user of its own for this connection,
signed as the account's issuer. All from memory: about a tenth of a millisecond each.
"""

import asyncio
import base64
import binascii
import hashlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import nats
import orjson
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.kit import metrics
from services.licensing.registry import Entry, Registry
from services.licensing.standing import Admits
from services.wire import proof, subjects

log = logging.getLogger(__name__)

SUBJECT = "$SYS.REQ.USER.AUTH"
ACCOUNT = "DAYBOOK"
LASTS = 24 * 3600
JITTER = 2 * 3600
_ACCOUNT_PREFIX = 0
_LOOK_UPS_AT_ONCE = 32
_HEADER = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"ed25519-nkey"}').rstrip(b"=")
_LIMITS = {"subs": 20, "data": -1, "payload": 1024 * 1024}


class Refused(Exception):
    """No sign-in; the text is for operators, the device hears only that it was refused."""


class Issuer:
    """Makes the users of devices, and the answers to the bus."""

    def __init__(self, seed: str) -> None:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
        self._key = SigningKey(raw[2:34])
        self.public = _nkey(_ACCOUNT_PREFIX, bytes(self._key.verify_key))

    def user(self, entry: Entry, user_nkey: str, admits: Admits, until: datetime | None, now: float) -> str:
        """The JWT of one connection: the device's own subjects and nothing else, for a day or until its right ends.

        Its name is the entry's, so that connections made under another right can be found and ended.
        """
        expires = now + LASTS - random.uniform(0, JITTER)
        if until is not None:
            expires = min(expires, until.timestamp())
        publish, subscribe = permissions(entry.workspace, entry.device, admits)
        claims = {
            "iss": self.public,
            "sub": user_nkey,
            "aud": ACCOUNT,
            "iat": int(now),
            "exp": max(int(now) + 1, int(expires)),
            "name": entry.user,
            "nats": {
                "type": "user",
                "version": 2,
                "pub": {"allow": publish},
                "sub": {"allow": subscribe},
                **_LIMITS,
            },
        }
        return self._sign(claims)

    def answer(self, user_nkey: str, server_id: str, now: float, *, user: str = "", error: str = "") -> bytes:
        """What the bus is told: a user, or why there is none."""
        said = {"type": "authorization_response", "version": 2} | ({"jwt": user} if user else {"error": error})
        return self._sign(
            {"iss": self.public, "sub": user_nkey, "aud": server_id, "iat": int(now), "nats": said}
        ).encode()

    def _sign(self, claims: dict[str, Any]) -> str:
        # any unique text will do; base32, as NATS' own tools write it, costs Python as much as a signature
        claims["jti"] = hashlib.sha256(orjson.dumps(claims)).hexdigest()
        text = _HEADER + b"." + base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=")
        return (text + b"." + base64.urlsafe_b64encode(self._key.sign(text).signature).rstrip(b"=")).decode()


@lru_cache(maxsize=16_384)
def permissions(workspace: str, device: str, admits: Admits) -> tuple[list[str], list[str]]:
    """What a device may publish and subscribe to (architecture.md, *On the bus*).

    One that drains may deliver its segments and pictures, ask what arrived, and ask how it stands: an agent that was
    away when its licence was revoked learns of it only so.
    """
    ask = subjects.device_request(workspace, device, "receipts").removesuffix("receipts")
    own = [subjects.segments_closed(workspace, device)]
    if admits == "drain":
        own += [f"{ask}{verb}" for verb in ("receipts", "picture", "entitlement")]
    else:
        own += [subjects.presence(workspace, device), subjects.live(workspace, device), f"{ask}>"]
    hears = [subjects.receipts(workspace, device), subjects.commands(workspace, device)]
    return own, [*hears, f"{subjects.device_inbox(device)}.>"]


class Callout:
    """Answers the bus's questions on a connection of its own, in the account that may."""

    def __init__(self, registry: Registry, gone: Callable[[str], bool], issuer: Issuer) -> None:
        self._registry, self._gone, self._issuer = registry, gone, issuer
        self._client: Client | None = None
        self._looking: set[asyncio.Task[None]] = set()
        self._look_ups = asyncio.Semaphore(_LOOK_UPS_AT_ONCE)

    async def start(self, urls: list[str], seed: str, closed: Callable[[], Awaitable[None]]) -> None:
        """Connects and takes its share of the questions."""
        self._client = await nats.connect(
            urls,
            name="licensing-callout",
            nkeys_seed_str=seed,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            closed_cb=closed,
        )
        await self._client.subscribe(SUBJECT, queue="licensing", cb=self._asked)

    async def stop(self) -> None:
        """Answers what was asked, and leaves."""
        if self._client:
            await self._client.drain()

    async def check(self) -> None:
        """Raises where the bus does not answer here."""
        if self._client is None:
            raise RuntimeError("the callout is not connected")
        await self._client.flush(timeout=2)

    async def _asked(self, message: Msg) -> None:
        try:
            request = read_request(message.data)
            proved = prove_key(request, self._registry)
        except Refused as refusal:
            return await self._refuse(message, refusal)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a question of the bus could not be read: %s", type(error).__name__)
            return None
        if self._registry.get(proved) is None and not self._registry.is_stranger(proved):
            task = asyncio.create_task(self._look_up(message, request, proved))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
            return None
        return await self._reply(message, request, proved)

    async def _look_up(self, message: Msg, request: dict[str, Any], nkey: str) -> None:
        async with self._look_ups:
            try:
                await self._registry.look_up(nkey)
            except Exception:
                log.warning("a new device key could not be looked up", exc_info=True)
        await self._reply(message, request, nkey)

    async def _reply(self, message: Msg, request: dict[str, Any], nkey: str) -> None:
        now = time.time()
        try:
            user = self.admit(request, nkey, now)
        except Refused as refusal:
            return await self._refuse(message, refusal, request)
        metrics.SIGN_INS.labels("device", "admitted").inc()
        server = request["server_id"]["id"]
        return await message.respond(self._issuer.answer(request["user_nkey"], server, now, user=user))

    async def _refuse(self, message: Msg, why: Refused, request: dict[str, Any] | None = None) -> None:
        metrics.SIGN_INS.labels("device", "refused").inc()
        request = request or read_request(message.data)
        server = request["server_id"]["id"]
        await message.respond(self._issuer.answer(request["user_nkey"], server, time.time(), error=str(why)))

    def admit(self, request: dict[str, Any], nkey: str, now: float) -> str:
        """The user JWT for a proved key; Refused where its licence does not allow it."""
        entry = self._registry.get(nkey)
        if entry is None:
            raise Refused("unknown device key")
        if self._gone(entry.workspace):
            raise Refused("its workspace is deleted")
        state, admits, until = entry.right.at(datetime.fromtimestamp(now, UTC))
        if admits == "nothing":
            raise Refused(f"licence {state}")
        return self._issuer.user(entry, request["user_nkey"], admits, until, now)


def read_request(token: bytes) -> dict[str, Any]:
    """The question inside the bus's JWT; only the bus itself can publish there, so its signature is not looked at."""
    payload = token.split(b".")[1]
    request: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))["nats"]
    return request


def prove_key(request: dict[str, Any], registry: Registry) -> str:
    """The public nkey that signed this connection's nonce; Refused where none did."""
    offered = request["connect_opts"]
    nkey, signature = offered.get("nkey") or "", offered.get("sig") or ""
    nonce = request["client_info"].get("nonce") or ""
    if not (nkey and signature and nonce):
        raise Refused("no device key")
    try:
        known = registry.get(nkey)
        verifier = known.verifier if known else VerifyKey(proof.read_public_key(nkey))
        signed = base64.b64decode(signature.replace("-", "+").replace("_", "/") + "=" * (-len(signature) % 4))
        verifier.verify(nonce.encode(), signed)
    except (BadSignatureError, ValueError, TypeError) as error:
        raise Refused("the nonce is not signed by this key") from error
    return str(nkey)


def _nkey(prefix: int, public: bytes) -> str:
    raw = bytes([prefix]) + public
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")
