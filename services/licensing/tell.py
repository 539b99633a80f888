"""Mails that another service, or a sweep, has reason for: one for each id, however often it is asked for (W-07)."""

import re
from collections.abc import Mapping
from typing import Literal

from services.kit.mongo import Session
from services.kit.problems import invalid, not_found
from services.licensing import mail, mail_texts, workspaces
from services.licensing.store import Document, Store, fingerprint, key
from services.wire.language import N_, _, as_heard, speaking
from services.wire.requests import Tell

_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d):(\d\d)Z)?")
_WHEN = frozenset({"week", "since"})
Kind = Literal["device_silent", "weekly_summary", "timesheet_decision"]


async def tell(store: Store, request: Tell) -> None:
    """Writes the mail down; 404 where there is no such member, 422 where its text lacks a value."""

    async def work(session: Session) -> None:
        workspace = await workspaces.find(store, request.workspace, session)
        member = await store.one("members", request.workspace, request.member, session=session)
        if member is None:
            raise not_found(N_("member"))
        if not member["archived"]:
            with speaking(mail.language_of(workspace, member)):
                words = {name: "\n".join(as_heard(line) for line in lines) for name, lines in request.said.items()}
            values = request.values | words
            await stage(store, session, workspace, member, request.kind, request.id, values)

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
    """The mail of an id, once; nothing where the member has no address. A kind that is off is kept unsent.

    It speaks the member's language: so do dates, instants, and values that are messages of the catalogue.
    """
    if not member["email"]:
        return
    language = mail.language_of(workspace, member)
    with speaking(language):
        values = {"name": member["name"], **values, **{name: _when(values[name]) for name in _WHEN & values.keys()}}
    try:
        complete = {**values, "workspace_name": workspace["name"]}
        mail_texts.compose(kind, member["email"], complete, "", "a@b.test", "<a>")
        doc = mail.document(kind, member["email"], values, workspace=workspace, member=member["id"], language=language)
    except KeyError as error:
        raise invalid(_("values: {name} is missing", name=str(error.args[0])), field="values") from error
    doc["id"] = f"mail-{fingerprint(f'{kind}|{id}')[:24]}"
    doc["_id"] = key(workspace["id"], doc["id"])
    await store["mails"].update_one({"_id": doc.pop("_id")}, {"$setOnInsert": doc}, upsert=True, session=session)


def _when(text: str) -> str:
    """A day, or an instant in UTC, as the language that is spoken writes it; anything else as it is."""
    if not (found := _DAY.fullmatch(text)):
        return text
    year, month, day, clock, second = found.groups()
    if clock is None:
        return _("{year}-{month}-{day}", year=year, month=month, day=day)
    return _("{year}-{month}-{day}T{clock}:{second}Z", year=year, month=month, day=day, clock=clock, second=second)
