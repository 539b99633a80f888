"""Notices: nobody is recorded without having been told (G-01).

Where more is recorded of a member than before they get one: by mail, on the web, and in each computer's entitlement. A
computer goes on as before until its own question was answered with the notice in it (``entitlements.py``).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from services.kit.mongo import Session
from services.kit.problems import not_found
from services.licensing import mail, mailings, widening
from services.licensing.alike import Alike
from services.licensing.policies import Policy
from services.licensing.store import WHOLE, Document, Store, instant, key, new_id, now
from services.wire.events import Fact, NoticeRaised, Strict
from services.wire.language import ENGLISH, N_, speaking

SHOWN_TO_DEVICES = 20


class Patch(Strict):
    """``acknowledged: true``: its member has read it."""

    acknowledged: Literal[True]


async def raise_for(
    store: Store,
    session: Session,
    workspace: str,
    wanted: Sequence[tuple[str, Mapping[str, Any] | None, Document]],
) -> set[str]:
    """The notices of members (id, what was recorded before, the policy's document) of whom more is recorded now; gives
    those members, who were written.

    ``before`` None: a licence is issued, and what the member was told until now is what counts.
    """
    ids = sorted({key(workspace, member) for member, _, _ in wanted})
    theirs = store["members"].find({"_id": {"$in": ids}}, session=session, batch_size=WHOLE)
    found = await theirs.to_list(None) if ids else []
    tenant = await store["workspaces"].find_one({"_id": key(workspace)}, session=session) if found else None
    if tenant is None:
        return set()
    members, raising = {doc["id"]: doc for doc in found}, _Raising(tenant)
    for member, before, policy in wanted:
        if who := members.get(member):
            raising.add(who, before, policy)
    return await raising.write(store, session)


class _Raising:
    """Notices of many members, each thing said that is the same for many found once."""

    def __init__(self, workspace: Document) -> None:
        self._workspace, self._moment, self._nothing = workspace, now(), Policy().model_dump()
        self._docs, self._mails, self._told = list[Document](), list[mailings.Line](), dict[str, Document]()
        self._kinds: dict[tuple[int, int], list[str]] = {}
        self._words: dict[tuple[str, tuple[str, ...], int], list[str]] = {}

    def add(self, who: Document, before: Mapping[str, Any] | None, policy: Document) -> None:
        """A member, if more is recorded of them."""
        told = self._told.get(who["_id"], {})
        kinds = self._wider(before, policy) if before is not None else self._not_told(who, told, policy)
        if not kinds:
            return
        self._docs.append(self._document(who["id"], kinds, policy))
        self._told[who["_id"]] = told | {f"told.{kind}": policy["policy"][kind] for kind in kinds}
        if who["email"]:
            language = mail.language_of(self._workspace, who)
            values = {"name": who["name"], "changes": "\n".join(self._in_words(language, kinds, policy))}
            self._mails.append(mailings.Line(who["id"], who["email"], values, language))

    def _not_told(self, who: Document, told: Document, policy: Document) -> list[str]:
        known = self._nothing | who.get("told", {}) | {name.removeprefix("told."): one for name, one in told.items()}
        return widening.widened(known, policy["policy"])

    def _wider(self, before: Mapping[str, Any], policy: Document) -> list[str]:
        if (pair := (id(before), id(policy))) not in self._kinds:
            self._kinds[pair] = widening.widened(before, policy["policy"])
        return self._kinds[pair]

    def _in_words(self, language: str, kinds: list[str], policy: Document) -> list[str]:
        if (said := (language, tuple(kinds), id(policy))) not in self._words:
            with speaking(language):
                self._words[said] = [str(one) for one in widening.in_words(kinds, policy["policy"])]
        return self._words[said]

    def _document(self, member: str, kinds: list[str], policy: Document) -> Document:
        workspace, notice = self._workspace["id"], new_id("ntc")
        doc: Document = {"_id": key(workspace, notice), "workspace": workspace, "id": notice, "member": member}
        doc |= {"kinds": kinds, "changes": self._in_words(ENGLISH, kinds, policy)}
        doc |= {"policy": policy["id"], "policy_version": policy["version"], "delivered": []}
        return doc | {"acknowledged_at": None, "acknowledged_by": None, "created_at": self._moment, "revision": 1}

    async def write(self, store: Store, session: Session) -> set[str]:
        """Writes them down, and gives the members."""
        if not self._docs:
            return set()
        steps = Alike("seen")  # no revision more: what others know of a member stays as it is
        for id, fields in self._told.items():
            steps.add(id, fields)
        await steps.write(store["members"], session)
        await store["notices"].insert_many(self._docs, session=session)
        await store.outbox.stage([fact(doc) for doc in self._docs], session)
        await mailings.stage(store, session, self._workspace, "capture_enabled", self._mails)
        return {doc["member"] for doc in self._docs}


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """Acknowledged on the web; again is the same."""
    return await _acknowledge(store, doc, "web", session)


async def _acknowledge(store: Store, doc: Document, by: str, session: Session | None = None) -> Document:
    fields = {"acknowledged_at": doc["acknowledged_at"] or now(), "acknowledged_by": doc["acknowledged_by"] or by}
    changed: Document | None = await store["notices"].find_one_and_update(
        {"_id": doc["_id"]}, {"$set": fields, "$inc": {"revision": 1}}, return_document=True, session=session
    )
    if changed is None:
        raise not_found(N_("notice"))
    return changed


async def acknowledge_on(store: Store, device: Document, ids: Sequence[str]) -> None:
    """Acknowledged on a computer; ids that are none of its member's mean nothing."""
    where = {"workspace": device["workspace"], "member": device["member"], "id": {"$in": list(ids)[:100]}}
    for doc in await store["notices"].find(where | {"acknowledged_at": None}).to_list(100):
        await _acknowledge(store, doc, device["id"])


class Notes(NamedTuple):
    """What notices say of a device: those that are not acknowledged, or never reached it, the newest first; and whether
    its member acknowledged, of one that reached it, that its icon is hidden.
    """

    open: Sequence[Document] = ()
    tray_may_hide: bool = False


async def notes_of(store: Store, devices: Sequence[Document]) -> dict[str, Notes]:
    """The notes of devices, by their ``_id``."""
    workspaces = sorted({one["workspace"] for one in devices})
    theirs = {"workspace": {"$in": workspaces}, "member": {"$in": sorted({one["member"] for one in devices})}}
    by_member: defaultdict[str, list[Document]] = defaultdict(list)
    for doc in await store["notices"].find(theirs, batch_size=WHOLE).sort("created_at", -1).to_list(None):
        by_member[key(doc["workspace"], doc["member"])].append(doc)
    return {one["_id"]: _notes(one["id"], by_member[key(one["workspace"], one["member"])]) for one in devices}


def _notes(device: str, docs: Sequence[Document]) -> Notes:
    waiting, may_hide = list[Document](), False
    for doc in docs:
        reached = any(one["device"] == device for one in doc["delivered"])
        if doc["acknowledged_at"] is None or not reached:
            waiting.append(doc)
        elif "tray" in doc["kinds"]:
            may_hide = True
    return Notes(waiting[:SHOWN_TO_DEVICES], may_hide)


async def delivered(store: Store, device: Document, docs: Sequence[Document]) -> None:
    """Notes that notices reached a device, once each."""
    for doc in docs:
        await store["notices"].update_one(
            {"_id": doc["_id"], "delivered.device": {"$ne": device["id"]}},
            {"$push": {"delivered": {"device": device["id"], "at": now()}}},
        )


def fact(doc: Document) -> tuple[str, Fact]:
    """``notice.raised`` as of a document."""
    fields = {name: doc[name] for name in ("workspace", "member", "kinds", "changes", "policy", "policy_version")}
    raised_at = instant(doc["created_at"]) or ""
    return "notice.raised", NoticeRaised(notice=doc["id"], raised_at=raised_at, **fields)


def told(doc: Document) -> dict[str, Any]:
    """A notice as a device shows it."""
    names = ("kinds", "changes")
    return {"notice": doc["id"]} | {name: doc[name] for name in names} | {"created_at": instant(doc["created_at"])}


def shown(doc: Document) -> Document:
    """A notice as the API shows it."""
    names = ("id", "member", "kinds", "changes", "policy", "policy_version", "acknowledged_by")
    reached = [{"device": one["device"], "at": instant(one["at"])} for one in doc["delivered"]]
    times = {name: instant(doc[name]) for name in ("created_at", "acknowledged_at")}
    return {name: doc[name] for name in names} | times | {"delivered": reached}
