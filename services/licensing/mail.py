"""Outgoing mails (W-07, W-09): written down in the transaction that they tell of, sent by ``postman.py``.

A mail keeps its kind and its values, and never the secret of its link: that is made anew each time it is sent. So every
mail can be sent again, and who reads the store can use none of the links.

It keeps the language of its reader too (W-06): a member's own, else their workspace's; of a person's own account that
of the page they were on. What of its values are words is said in it when the mail is written down.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from services.kit.mongo import Session
from services.kit.problems import Problem, not_found
from services.licensing import mail_texts
from services.licensing.mail_texts import Kind
from services.licensing.store import NOBODY, Document, Store, instant, key, new_id, now
from services.wire.events import Strict
from services.wire.language import N_, Said, _, again, known, speaking

KEPT = timedelta(days=90)
State = Literal["waiting", "sent", "failed", "off"]


class New(Strict):
    """The body that makes a mail: a test, to whoever asks for it."""

    kind: Literal["test"]


class Patch(Strict):
    """``state: waiting`` sends a mail again, also one whose kind is switched off."""

    state: Literal["waiting"]


class Link(Strict):
    """What the mail's link will allow, and for how long."""

    purpose: str
    data: dict[str, str]
    hours: int


async def stage(
    store: Store,
    session: Session,
    kind: Kind,
    to: str,
    values: Mapping[str, str],
    *,
    workspace: Document | None = None,
    member: str | None = None,
    link: Link | None = None,
    language: str | None = None,
) -> Document:
    """Writes a mail down, to be sent; where the workspace has switched its kind off it is kept unsent.

    One of a person's own account has no workspace, and no admin sees it.
    """
    doc = document(kind, to, values, workspace=workspace, member=member, link=link, language=language)
    await store["mails"].insert_one(doc, session=session)
    return doc


def language_of(workspace: Document | None, member: Document | None) -> str:
    """What Daybook speaks with a member: what they chose, else what their workspace speaks (W-06)."""
    return known((member or {}).get("language") or (workspace or {}).get("language"))


def document(
    kind: Kind,
    to: str,
    values: Mapping[str, str],
    *,
    workspace: Document | None = None,
    member: str | None = None,
    link: Link | None = None,
    language: str | None = None,
) -> Document:
    """A mail as ``stage`` writes it down; ``language`` None: the workspace's."""
    tenant, mail, moment = (workspace["id"] if workspace else NOBODY), new_id("mail"), now()
    named = {"workspace_name": workspace["name"]} if workspace else {}
    spoken = known(language) if language else language_of(workspace, None)
    with speaking(spoken):
        said = {name: str(again(one)) if isinstance(one, Said) else one for name, one in values.items()}
    mail_texts.TEXTS[kind].subject.format_map({**said, **named})  # a missing value is an error here, not later
    off = workspace is not None and kind in workspace.get("mails_off", ())
    doc: Document = {"_id": key(tenant, mail), "workspace": tenant, "id": mail, "member": member, "kind": kind}
    doc |= {"to": to, "values": {**said, **named}, "link": link.model_dump() if link else None, "language": spoken}
    doc |= {"state": "off" if off else "waiting", "tries": 0, "due": moment, "sent_at": None, "error": None}
    return doc | {"created_at": moment, "until": moment + KEPT, "revision": 1}


async def send_again(store: Store, session: Session, doc: Document, body: Patch) -> Document:
    """The mail is to be sent once more, with a new link (W-09)."""
    again = {"state": body.state, "tries": 0, "due": now(), "error": None}
    changed = await store.update("mails", doc["_id"], again, session)
    if changed is None:
        raise not_found(N_("mail"))
    return changed


async def test(store: Store, session: Session, workspace: Document, member: Document) -> Document:
    """A mail to whoever asks for it, to see whether mails arrive (W-09)."""
    if not member["email"]:
        raise Problem(409, "no-address", _("You have no e-mail address here."))
    values = {"name": member["name"]}
    to, spoken = {"workspace": workspace, "member": member["id"]}, language_of(workspace, member)
    return await stage(store, session, "test", member["email"], values, **to, language=spoken)


def shown(doc: Document) -> Document:
    """A mail as the API shows it; its text is not among it, nor its link."""
    names = ("id", "kind", "to", "member", "state", "tries", "error")
    return {name: doc[name] for name in names} | {name: instant(doc[name]) for name in ("sent_at", "created_at")}
