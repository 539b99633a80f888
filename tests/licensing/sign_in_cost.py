"""``python -m tests.licensing.sign_in_cost``: CPU time of answering one sign-in of a device, from the bus's own bytes.

Reference in the same run: one Ed25519 verification and two signatures, without which no sign-in can be answered.
"""

import base64
import json
import secrets
import statistics
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

ROUNDS, EACH = 7, 2000


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


def main() -> None:
    """Prints microseconds for both and their ratio."""
    key = SigningKey.generate()
    nkey, seed = proof.user_nkey(bytes(key.verify_key)), nkeys.encode_seed(secrets.token_bytes(32), 0).decode()
    registry, issuer = Registry(cast(Store, None)), Issuer(seed)
    registry.put(Entry("ws-1", "dev-1", nkey, 1, Right("active"), "dev-1:right", key.verify_key))
    callout, asked = Callout(registry, issuer), question(key)
    signed = key.sign(b"x" * 200)

    def answer() -> None:
        request = read_request(asked)
        user = callout.admit(request, prove_key(request, registry), time.time())
        issuer.answer(request["user_nkey"], request["server_id"]["id"], time.time(), user=user)

    def reference() -> None:
        key.verify_key.verify(signed)
        key.sign(b"y" * 900)
        key.sign(b"z" * 1500)

    spent: dict[str, list[float]] = {"answer": [], "reference": []}
    for _ in range(ROUNDS):
        for name, work in (("answer", answer), ("reference", reference)):
            spent[name].append(_cpu(work))
    whole, least = (statistics.median(spent[name]) for name in ("answer", "reference"))
    print(
        f"a sign-in {whole:.0f} µs CPU; one verification and two signatures {least:.0f} µs; ratio {whole / least:.2f}"
    )


def _cpu(work: Callable[[], None]) -> float:
    started = time.process_time()
    for _ in range(EACH):
        work()
    return (time.process_time() - started) / EACH * 1e6


if __name__ == "__main__":
    main()
