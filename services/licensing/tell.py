"""Mails that another service, or a sweep, has reason for: one for each id, however often it is asked for (W-07)."""

from collections.abc import Mapping
from typing import Literal

from services.kit.mongo import Session
from services.kit.problems import invalid, not_found
from services.licensing import mail, mail_texts, workspaces
from services.licensing.store import Document, Store, fingerprint, key
from services.wire.requests import Tell

Kind = Literal["device_silent", "weekly_summary", "timesheet_decision"]


async def tell(store: Store, request: Tell) -> None:
    """Writes the mail down; 404 where there is no such member, 422 where its text lacks a value."""

    async def work(session: Session) -> None:
        workspace = await workspaces.find(store, request.workspace, session)
        member = await store.one("members", request.workspace, request.member, session=session)
        if member is None:
            raise not_found("member")
        if not member["archived"]:
            await stage(store, session, workspace, member, request.kind, request.id, request.values)

    await store.write(work)


async def stage(
    store: Store,
    session: Session,
    workspace: Document,
    member: Document,
    kind: Kind,
    id: str,
    values: Mapping[str, str],
) -> None:
    """The mail of an id, once; nothing where the member has no address. A kind that is off is kept unsent."""
    if not member["email"]:
        return
    values = {"name": member["name"], **values}
    try:
        complete = {**values, "workspace_name": workspace["name"]}
        mail_texts.compose(kind, member["email"], complete, "", "a@b.test", "<a>")
        doc = mail.document(kind, member["email"], values, workspace=workspace, member=member["id"])
    except KeyError as error:
        raise invalid(f"values: {error.args[0]} is missing", field="values") from error
    doc["id"] = f"mail-{fingerprint(f'{kind}|{id}')[:24]}"
    doc["_id"] = key(workspace["id"], doc["id"])
    await store["mails"].update_one({"_id": doc.pop("_id")}, {"$setOnInsert": doc}, upsert=True, session=session)
