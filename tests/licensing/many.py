"""Very many licences under one policy, a member and a computer each, as a large company has; for tests, and for
``many_told.py``, which measures how long a change of it takes.
"""

from collections.abc import Sequence
from typing import Any

from nacl.signing import SigningKey

from services.licensing import policies
from services.licensing.collections import KINDS
from services.licensing.entitlements import Entitlements
from services.licensing.pushes import Pushes
from services.licensing.standing import Right
from services.licensing.store import Document, Store, key, new_id
from services.wire import proof
from tests.licensing.races import Silent
from tests.licensing.support import Acme


async def multiply(store: Store, acme: Acme, times: int) -> str:
    """So many copies of a seeded licence with its member and a device, all under one policy, whose id is given."""
    workspace, index = acme.workspace, acme.answer["licences"][1]
    licence = await store.one("licences", workspace, index["licence"])
    member = await store.one("members", workspace, acme.member("emil"))
    assert licence is not None
    assert member is not None
    licence |= {"seats_taken": 1, "activated": 1, "state": "active"}
    as_all = Right.of(licence).stored() | {name: licence[name] for name in ("workspace", "mode", "grace_days")}
    as_all |= {"revision": 1, "released_at": None, "kind": "desktop"}
    made: dict[str, list[Document]] = {"members": [], "licences": [], "devices": []}
    for number in range(times):
        who, lic, dev = new_id("mem"), new_id("lic"), new_id("dev")
        own = {"id": who, "member": who, "email": f"{who}@example.test", "_id": key(workspace, who)}
        made["members"].append(member | own)
        made["licences"].append(licence | {"id": lic, "member": who, "_id": key(workspace, lic)})
        device = as_all | {"_id": key(workspace, dev), "id": dev, "licence": lic, "member": who, "name": f"PC {number}"}
        device["public_key"] = proof.user_nkey(bytes(SigningKey.generate().verify_key))
        made["devices"].append(device)
    for name, docs in made.items():
        await store[name].insert_many(docs)
    return str(licence["policy"])


async def change(store: Store, acme: Acme, policy: str, **switches: Any) -> None:
    """As the back office changes a policy."""
    kind = KINDS["policies"]
    assert kind.follow is not None
    follow, body = kind.follow, policies.Patch(policy=switches)

    async def work(session: Any) -> None:
        doc = await policies.find(store, session, acme.workspace, policy)
        changed = await kind.change(store, session, doc, body)
        await follow(store, session, {"id": "x", "name": "x"}, doc, changed)

    await store.write(work)


class Quiet(Silent):
    """A bus that nobody listens on, which counts what devices are told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def say_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """So many pushes more."""
        self.told += [subject for subject, _ in messages]


def telling(store: Store, bus: Quiet) -> Pushes:
    """The pushes of a replica."""
    keys = SigningKey.generate(), SigningKey.generate()
    return Pushes(store, Entitlements(store, bus, *keys))  # type: ignore[arg-type]
