"""Contracts: the agreement that time is booked on, by revision; each revision is kept as the version it was."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from services.kit.mongo import Session
from services.kit.problems import invalid, not_found
from services.licensing import people
from services.licensing.patches import Changes
from services.licensing.store import Document, Store, instant, key, new_id, now
from services.wire import currencies
from services.wire.events import ContractChanged, Fact, Id, Strict
from services.wire.language import N_, _
from services.wire.names import one_line
from services.wire.requests import GrantedContract


def _day(text: str) -> str:
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError(N_("not a day like 2026-11-21"))
    return text


def _code(text: str) -> str:
    if text not in currencies.CODES:
        raise ValueError(N_("not a currency of ISO 4217"))
    return text


def _once(labels: list[str]) -> list[str]:
    if len({label.casefold() for label in labels}) < len(labels):
        raise ValueError(N_("each label once"))
    return labels


Day = Annotated[str, AfterValidator(_day)]
Project = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(one_line)
]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Labels = Annotated[list[Label], Field(max_length=200), AfterValidator(_once)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(_code)]
Rate = Annotated[int, Field(ge=0, le=2**31 - 1)]
Limit = Annotated[int, Field(ge=0, le=7 * 24 * 60)]


class New(Strict):
    """The body that makes a contract; ``rate_minor`` an hour in minor units, null where it is not hourly and nothing of
    it is billed (S-03); ``client`` a member in that role.
    """

    member: Id
    project: Project
    client: Id | None = None
    currency: Currency = "EUR"
    rate_minor: Rate | None = 0
    weekly_limit_minutes: Limit | None = None
    manual_time: bool = False
    labels: Labels = Field(default_factory=list)
    memo_required: bool = False
    starts_on: Day | None = None
    ends_on: Day | None = None


class Patch(Changes):
    """What may be changed; whose time it is may not."""

    nullable = frozenset({"client", "rate_minor", "weekly_limit_minutes", "starts_on", "ends_on"})

    project: Project | None = None
    client: Id | None = None
    currency: Currency | None = None
    rate_minor: Rate | None = None
    weekly_limit_minutes: Limit | None = None
    manual_time: bool | None = None
    labels: Labels | None = None
    memo_required: bool | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None


_FIELDS = tuple(New.model_fields)


async def create(store: Store, session: Session, workspace: str, body: New, *, monitored: bool = False) -> Document:
    """A contract, told to the others; ``monitored``: of a monitored computer (T-02), and that never changes."""
    await people.require_worker(store, session, workspace, body.member)
    await _require_client(store, session, workspace, body.client)
    contract = new_id("con")
    doc: Document = {"_id": key(workspace, contract), "workspace": workspace, "id": contract, "revision": 1}
    at = now()
    doc |= body.model_dump() | {"created_at": at, "changed_at": at, "monitored": monitored}
    _require_order(doc)
    await store["contracts"].insert_one(doc, session=session)
    await keep_version(store, session, doc)
    await store.outbox.stage([fact(doc)], session)
    return doc


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """The next revision of a contract, told to the others."""
    given = body.model_dump(exclude_unset=True)
    await _require_client(store, session, doc["workspace"], body.client)
    _require_order({**doc, **given})
    changed = await store.update("contracts", doc["_id"], {**given, "changed_at": now()}, session)
    if changed is None:
        raise not_found(N_("contract"))
    await store.outbox.stage([fact(changed)], session)
    return changed


async def keep_version(
    store: Store, session: Session, doc: Document, actor: Document | None = None, before: Document | None = None
) -> None:
    """Keeps a contract as it is in this revision, and who made it so; None: it came with a licence or the first seed.

    ``before`` is kept too where nothing was kept of it yet, which may be long ago.
    """
    if before is not None:
        kept = {
            "changed_at": _since(before),
            "by": None,
            "by_name": None,
            "terms": {name: before[name] for name in _FIELDS},
        }
        where = {"_id": _version_key(before)}
        await store["contract_versions"].update_one(where, {"$setOnInsert": kept}, upsert=True, session=session)
    by = {"by": actor["id"], "by_name": actor["name"]} if actor else {"by": None, "by_name": None}
    version = {"changed_at": _since(doc), **by, "terms": {name: doc[name] for name in _FIELDS}}
    await store["contract_versions"].replace_one({"_id": _version_key(doc)}, version, upsert=True, session=session)


def _since(doc: Document) -> datetime | None:
    """Since when a contract is as it is; None: not known."""
    at: datetime | None = doc.get("changed_at") or (doc["created_at"] if doc["revision"] == 1 else None)
    return at


def _version_key(doc: Document) -> str:
    return key(doc["workspace"], doc["id"], f"{doc['revision']:09}")


async def versions(store: Store, doc: Document) -> list[Document]:
    """All versions of a contract, the newest first, each with the names of the fields it changed."""
    first = key(doc["workspace"], doc["id"], "")
    below = {"$gt": first, "$lt": f"{first}:"}  # digits come before the colon
    found = await store["contract_versions"].find({"_id": below}).sort("_id", 1).to_list(None)
    if not found:
        found = [{"_id": _version_key(doc), "changed_at": None, "by": None, "by_name": None, "terms": doc}]
    shown_, before = list[Document](), dict[str, object]()
    for one in found:
        shown_.append(_shown_version(one, before))
        before = one["terms"]
    return shown_[::-1]


def _shown_version(kept: Document, before: Mapping[str, object]) -> Document:
    terms = {name: kept["terms"][name] for name in _FIELDS}
    return {
        "version": int(kept["_id"].rsplit("|", 1)[1]),
        "changed_at": instant(kept["changed_at"]),
        **{name: kept[name] for name in ("by", "by_name")},
        "changes": [name for name in _FIELDS if name in before and before[name] != terms[name]],
        "contract": terms,
    }


async def _require_client(store: Store, session: Session, workspace: str, client: str | None) -> None:
    if client and (await people.require(store, session, workspace, client, "client"))["role"] != "client":
        raise invalid(_("client: this member is no client"), field="client")


def _require_order(doc: Document) -> None:
    if doc["starts_on"] and doc["ends_on"] and doc["ends_on"] < doc["starts_on"]:
        raise invalid(_("ends_on: before starts_on"), field="ends_on")


def fact(doc: Document) -> tuple[str, Fact]:
    """``contract.changed`` as of a document."""
    fields = {name: doc[name] for name in (*_FIELDS, "revision")} | {"monitored": doc.get("monitored", False)}
    since = instant(_since(doc))
    return "contract.changed", ContractChanged(
        workspace=doc["workspace"], contract=doc["id"], changed_at=since, **fields
    )


async def facts(store: Store, doc: Document) -> list[tuple[str, Fact]]:
    """``contract.changed`` of every version that is kept, the present one last: late time goes by what held (S-03)."""
    earlier = {"$gt": key(doc["workspace"], doc["id"], ""), "$lt": _version_key(doc)}
    found = await store["contract_versions"].find({"_id": earlier}).sort("_id", 1).to_list(None)
    said = [
        {**doc, **one["terms"], "revision": int(one["_id"].rsplit("|", 1)[1]), "changed_at": one["changed_at"]}
        for one in found
    ]
    return [fact(one) for one in (*said, doc)]


def shown(doc: Document) -> Document:
    """A contract as the API shows it; ``monitored``: its member reads its diary and changes nothing there (T-02)."""
    more = {"monitored": doc.get("monitored", False), "created_at": instant(doc["created_at"])}
    return {name: doc[name] for name in ("id", *_FIELDS, "revision")} | more


def granted(doc: Document) -> GrantedContract:
    """A contract as ingest and agents need it."""
    return GrantedContract(**offered(doc))


def offered(doc: Document) -> Document:
    """The same, as an agent is told of it."""
    names = ("labels", "memo_required", "manual_time")
    return {"contract": doc["id"], "title": doc["project"]} | {name: doc[name] for name in names}


def runs_on(doc: Document, day: str) -> bool:
    """Whether time may be recorded on it on a day (``YYYY-MM-DD``)."""
    return (not doc["starts_on"] or doc["starts_on"] <= day) and (not doc["ends_on"] or day <= doc["ends_on"])
