"""A device's sign-in at the bus: what licensing's answer to the bus's question costs, from the question's bytes.

Reference in the same run: one Ed25519 verification and two signatures, without which no sign-in can be answered.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable
from typing import cast

import nkeys
from nacl.signing import SigningKey

from services.licensing.callout import Callout, Issuer, prove_key, read_request
from services.licensing.registry import Entry, Registry
from services.licensing.standing import Right
from services.licensing.store import Store
from services.wire import proof
from tests.bench.harness import Bench, Figure, median


def question(key: SigningKey) -> bytes:
    """A question as the bus sends it, of the size it has."""
    nonce, nkey = secrets.token_urlsafe(11), proof.user_nkey(bytes(key.verify_key))
    claims = {
        "aud": "nats-authorization-request",
        "nats": {
            "server_id": {"name": "bus-0", "host": "127.0.0.1", "id": "N" * 56, "version": "2.15.1"},
            "user_nkey": "U" * 56,
            "client_info": {"host": "127.0.0.1", "id": 28, "kind": "Client", "type": "nats", "nonce": nonce},
            "connect_opts": {"nkey": nkey, "sig": proof.sign_nonce(key, nonce.encode()).decode(), "protocol": 1},
        },
    }
    return b".".join((b"e30", base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"="), b"c2ln"))


async def measure(bench: Bench) -> list[Figure]:
    """CPU of one answer, and against what cannot be left out."""
    key, each = SigningKey.generate(), bench.of(2000, 200)
    nkey, seed = proof.user_nkey(bytes(key.verify_key)), nkeys.encode_seed(secrets.token_bytes(32), 0).decode()
    registry, issuer = Registry(cast(Store, None)), Issuer(seed)
    registry.put(Entry("ws-1", "dev-1", nkey, 1, Right("active"), "dev-1:right", key.verify_key))
    callout, asked = Callout(registry, lambda _: False, issuer), question(key)
    signed = key.sign(b"x" * 200)

    def answer() -> None:
        request = read_request(asked)
        user = callout.admit(request, prove_key(request, registry), time.time())
        issuer.answer(request["user_nkey"], request["server_id"]["id"], time.time(), user=user)

    def reference() -> None:
        key.verify_key.verify(signed)
        key.sign(b"y" * 900)
        key.sign(b"z" * 1500)

    whole, least = [], []
    for _ in range(bench.rounds):
        whole.append(_cpu(answer, each))
        least.append(_cpu(reference, each))
    ratios = [one / other for one, other in zip(whole, least, strict=True)]
    return [
        median("a device's sign-in, answered", "µs CPU", whole),
        median("the same ÷ its cryptography alone", "×", ratios, note="one verification, two signatures"),
    ]


def _cpu(work: Callable[[], None], each: int) -> float:
    started = time.process_time()
    for _ in range(each):
        work()
    return (time.process_time() - started) / each * 1e6
