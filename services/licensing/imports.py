"""Members by the file: taken in the background in bites, with progress to be read, each row once (W-03).

A bite is one transaction with the count of rows done, so that a replica that dies takes none away and doubles none.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from pymongo import UpdateOne

from services.kit.mongo import Session
from services.kit.problems import invalid
from services.kit.rounds import Rounds
from services.licensing import invitations, member_rows, people, teams
from services.licensing.store import NOBODY, Document, Store, instant, key, new_id, now
from services.wire.events import Strict
from services.wire.imports import unpack
from services.wire.language import _

log = logging.getLogger(__name__)

BITE = 200
_CLAIM = timedelta(minutes=1)
_KEPT = timedelta(days=7)
_PAUSE_SECONDS = 0.5


async def create(store: Store, workspace: Document, actor: Document, name: str, content: str, invite: bool) -> Document:
    """An import that is to be worked off; 422 where the file is no table of members."""
    found = store["teams"].find({"workspace": workspace["id"], "archived": False})
    by_name = {doc["name"].strip().lower(): doc["id"] for doc in await found.to_list(None)}
    try:
        read = await asyncio.to_thread(lambda: member_rows.read(unpack(content), by_name))
    except ValueError as error:
        raise invalid(_("the file: {why}", why=error.args[0])) from error
    import_ = new_id("imp")
    rows = [{"line": line, "body": body.model_dump(exclude={"password", "manages"})} for line, body in read.rows]
    bites = [rows[start : start + BITE] for start in range(0, len(rows), BITE)]
    if bites:
        await store["import_rows"].insert_many(
            {"_id": key(workspace["id"], import_, f"{number:04}"), "rows": bite, "until": now() + _KEPT}
            for number, bite in enumerate(bites)
        )
    doc: Document = {"_id": key(workspace["id"], import_), "workspace": workspace["id"], "id": import_, "name": name}
    doc |= {"member": actor["id"], "state": "running" if bites else "done", "invite": invite, "taken": 0}
    doc |= {"total": len(rows) + len(read.errors), "done": len(read.errors), "bite": 0, "bites": len(bites)}
    doc |= {"errors": [{"line": line, "reason": reason} for line, reason in read.errors]}
    doc |= {"claimed_until": now(), "created_at": now(), "revision": 1}
    await store["imports"].insert_one(doc)
    return doc


class Patch(Strict):
    """Nothing of an import can be changed."""


async def change(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """The import as it is."""
    return doc


def shown(doc: Document) -> Document:
    """An import as the API shows it: ``done`` of ``total`` rows, how many were ``taken``, and what was wrong where."""
    names = ("id", "name", "member", "state", "total", "done", "taken")
    bad = sorted(doc["errors"], key=lambda one: one["line"])
    return {name: doc[name] for name in names} | {"errors": bad, "created_at": instant(doc["created_at"])}


class Importer(Rounds):
    """Works off imports, one at a time; any replica."""

    def __init__(self, store: Store) -> None:
        self._store = store
        super().__init__(self._look, _PAUSE_SECONDS, log, "an import broke off; it is taken up again")

    async def _look(self) -> None:
        doc: Document | None = await self._store["imports"].find_one_and_update(
            {"state": "running", "claimed_until": {"$lte": now()}},
            {"$set": {"claimed_until": now() + _CLAIM}},
            projection={"errors": 0},
        )
        while doc is not None:
            doc = await self._bite(doc["_id"])

    async def _bite(self, doc_id: str) -> Document | None:
        """The next rows; the import while there are more, None when it is done."""

        async def work(session: Session) -> Document | None:
            doc = await self._store["imports"].find_one({"_id": doc_id}, {"errors": 0}, session=session)
            if doc is None or doc["state"] == "done":
                return None
            mine = key(doc["workspace"], doc["id"], f"{doc['bite']:04}")
            found = await self._store["import_rows"].find_one_and_delete({"_id": mine}, session=session)
            rows = found["rows"] if found else []
            errors = await _take(self._store, session, doc, rows)
            more = doc["bite"] + 1 < doc["bites"]
            changes: Document = {
                "$set": {"claimed_until": now() + _CLAIM, "state": "running" if more else "done"},
                "$inc": {"bite": 1, "done": len(rows), "taken": len(rows) - len(errors)},
                "$push": {"errors": {"$each": errors}},
            }
            await self._store["imports"].update_one({"_id": doc_id}, changes, session=session)
            return doc if more else None

        return await self._store.change(work)


async def _take(store: Store, session: Session, doc: Document, rows: Sequence[Document]) -> list[Document]:
    """Makes members of rows in few writes, however many they are; gives those that cannot be, with the reason."""
    tenant = doc["workspace"]
    workspace = await store["workspaces"].find_one({"_id": key(tenant)}, session=session)
    actor = await store.one("members", tenant, doc["member"], session=session)
    assert workspace is not None
    assert actor is not None
    ids = [key(NOBODY, row["body"]["email"]) for row in rows]
    persons = await store["people"].find({"_id": {"$in": ids}}, session=session).to_list(None)
    known = {one["email"]: one for one in persons}
    usable = await teams.usable(store, session, tenant, {row["body"]["team"] for row in rows} - {None})
    errors: list[Document] = []
    fresh, places, members, mails = [], [], [], []
    for row in rows:
        body, person = people.New(**row["body"]), known.get(row["body"]["email"])
        if person and any(place["workspace"] == tenant for place in person["places"]):
            errors.append({"line": row["line"], "reason": "email: a member already"})
            continue
        if body.team and body.team not in usable:
            errors.append({"line": row["line"], "reason": "team: there is no such team"})
            continue
        who = person or people.new_person(body.email)
        member = people.document(tenant, new_id("mem"), body, workspace["zone"], who["person"]) | {"invited": True}
        place = {"workspace": tenant, "member": member["id"]}
        if person:
            places.append(UpdateOne({"_id": person["_id"]}, {"$push": {"places": place}}))
        else:
            fresh.append(who | {"places": [place]})
        members.append(member)
        if doc["invite"]:
            mails.append(invitations.mail_of(workspace, member, actor))
    for name, docs in (("people", fresh), ("members", members), ("mails", mails)):
        if docs:
            await store[name].insert_many(docs, session=session)
    if places:
        await store["people"].bulk_write(places, session=session)
    await store.outbox.stage([people.fact(member) for member in members], session)
    return errors
