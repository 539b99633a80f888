"""What a change of a workspace, a member, a profile or a policy brings about for the licences under it (L-07, W-02).

In the transaction of the change; where it concerns very many licences it is written down there (``settling.py``).
"""

from services.kit.mongo import Session
from services.licensing import profiles
from services.licensing.settling import follow
from services.licensing.store import Document, Store

#: Settings that agents know of.
_TOLD = ("billing_zone", "minimum_agent", "capture_days", "camera_days", "legal_hold")


async def workspace_changed(
    store: Store, session: Session, actor: Document, before: Document | None, doc: Document
) -> None:
    """An archived workspace records nothing; restored, all do again but those of archived members (W-02). Every agent
    hears which day it is for its contracts (S-03), the lowest version that may run (T-15), and how long pictures are
    kept (M-05).
    """
    if before is None:
        return
    if before["archived"] != doc["archived"]:
        await follow(store, session, "archive", {"workspace": doc["workspace"]})
    if any(before.get(name) != doc.get(name) for name in _TOLD):
        await store.push(session, {"workspace": doc["workspace"]})


async def member_changed(
    store: Store, session: Session, actor: Document, before: Document | None, doc: Document
) -> None:
    """Who is archived is recorded no more (W-03); who comes to another team comes under its profile (L-07). A legal
    hold is told to their computers (M-05).
    """
    if before is None:
        return
    theirs = {"workspace": doc["workspace"], "member": doc["id"]}
    if before["archived"] != doc["archived"]:
        await follow(store, session, "archive", theirs)
    if before["team"] != doc["team"]:
        await follow(store, session, "settle", theirs)
    if before.get("legal_hold", False) != doc.get("legal_hold", False):
        await store.push(session, theirs)


async def profile_changed(
    store: Store, session: Session, actor: Document, before: Document | None, doc: Document
) -> None:
    """Whoever the profile spoke of, or speaks of now, comes under the policy that is in effect (L-07)."""
    members = await profiles.concerned(store, session, *filter(None, (before, doc)))
    await follow(store, session, "settle", {"workspace": doc["workspace"], "member": {"$in": members}})


async def policy_changed(store: Store, session: Session, doc: Document) -> None:
    """The licences under a policy come under its new version."""
    await follow(store, session, "settle", {"workspace": doc["workspace"], "in_effect": doc["id"]})
