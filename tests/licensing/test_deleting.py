"""A workspace is deleted for good, by its owner alone, and nothing of it comes back (W-02)."""

import asyncio
from typing import Any

import pyotp
import pytest

from services.kit.deletions import TOMBSTONES
from services.kit.problems import Problem
from services.wire import subjects
from services.wire.deletion import DeleteWorkspace, DeletionOf, NoteExport
from services.wire.requests import Replay, SessionOf, SignIn, TokenOf
from tests.licensing.support import PASSWORD, Acme, Licensing, until


def wish(acme: Acme, who: str = "olga", **more: Any) -> DeleteWorkspace:
    given = {"name": acme.answer["name"], "password": PASSWORD, "without_export": True, "address": "192.0.2.1"}
    return DeleteWorkspace(**({"principal": acme.principal(who)} | given | more))


async def archived(licensing: Licensing, **more: Any) -> Acme:
    acme = await licensing.seed(**more)
    doc = (await acme.change("olga", "workspaces", acme.workspace, archived=True)) | acme.answer
    acme.answer = doc
    return acme


async def left(licensing: Licensing, workspace: str) -> set[str]:
    """The collections in which anything names the workspace, anywhere in a document."""
    db, found = licensing.store.db, set()
    for name in await db.list_collection_names():
        async for doc in db[name].find():
            if workspace in repr(doc):
                found.add(name)
    return found


async def sign_in(licensing: Licensing, acme: Acme, who: str, **more: Any) -> dict[str, Any]:
    body = SignIn(email=acme.email(who), password=PASSWORD, address="192.0.2.7", **more)
    return dict(await licensing.ask("sign_in", body))


async def test_nothing_is_left_but_that_it_was_deleted(licensing: Licensing) -> None:
    acme, other = await licensing.seed(), await licensing.seed()
    device = await acme.activated()
    connection = await device.connect(licensing.url)
    before = await left(licensing, other.workspace)
    token = await acme.create("lisa", "tokens", name="Reports", scopes=["read"])
    await acme.change("olga", "workspaces", acme.workspace, archived=True)
    acme.answer |= {"name": (await acme.read("olga", "workspaces"))[0]["name"]}
    session = licensing.principal_of((await sign_in(licensing, acme, "olga"))["token"])
    assert (await licensing.ask("session", SessionOf(principal=session)))["holds"]

    heard = await licensing.caller.subscribe(f"access.ended.{acme.workspace}.>")
    deleted = await licensing.caller.subscribe(f"workspace.deleted.{acme.workspace}.>")
    done = await licensing.ask("delete_workspace", wish(acme))
    assert done["workspace"] == acme.workspace

    # at once: nobody is signed in, no token opens anything, no computer is let in
    assert not (await licensing.ask("session", SessionOf(principal=session)))["holds"]
    assert (await licensing.refused("sign_in", SignIn(email=acme.email("olga"), password=PASSWORD, address="a"))).status
    assert (await licensing.refused("token", TokenOf(token=token["token"], address="192.0.2.7"))).status == 401
    told = {(await heard.next_msg(5)).data, (await heard.next_msg(5)).data}
    assert any(session.session.encode() in one for one in told)
    assert any(token["id"].encode() in one for one in told)
    await deleted.next_msg(5)
    assert await device.is_refused(licensing.url)
    await asyncio.wait_for(device.dropped.wait(), 10)
    await connection.close()

    async def all_gone() -> bool:
        return await left(licensing, acme.workspace) == {TOMBSTONES}

    await until(all_gone)
    [tombstone] = await licensing.store[TOMBSTONES].find({"workspace": acme.workspace}).to_list(None)
    assert set(tombstone) == {"_id", "workspace", "at", "by", "export", "due", "round"}
    assert tombstone["export"] == "declined"
    assert not [one for one in ("olga", "Olga", acme.answer["name"]) if one in repr(tombstone)]
    assert await device.is_refused(licensing.url)
    assert not await licensing.store["people"].find_one({"_id": f"-|{acme.email('lisa')}"}), "nobody's account any more"
    assert await left(licensing, other.workspace) >= before
    assert (await sign_in(licensing, other, "olga"))["workspace"] == other.workspace


async def test_the_bus_keeps_nothing_of_it_but_the_word(licensing: Licensing) -> None:
    acme = await archived(licensing)
    await licensing.ask("delete_workspace", wish(acme))
    js = licensing.caller.jetstream()

    async def purged() -> bool:
        info = await js.stream_info(subjects.JOURNAL, subjects_filter=f"*.*.{acme.workspace}.*")
        return set(info.state.subjects or ()) == {f"workspace.deleted.{acme.workspace}.-"}

    await until(purged)
    assert await licensing.ask("replay", Replay(**{"workspace": acme.workspace, **_SPAN})) == {"emitted": 1}


_SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("who", "more", "status", "kind"),
    [
        ("adam", {}, 403, "forbidden"),
        ("mara", {}, 403, "forbidden"),
        ("lisa", {}, 403, "forbidden"),
        ("cleo", {}, 403, "forbidden"),
        ("olga", {"name": "Something else"}, 422, "invalid"),
        ("olga", {"password": "not the password"}, 403, "wrong-password"),
        ("olga", {"without_export": False}, 409, "export-not-taken"),
    ],
)
async def test_who_may_not_or_does_not_say_it_right_deletes_nothing(
    licensing: Licensing, who: str, more: dict[str, Any], status: int, kind: str
) -> None:
    acme = await archived(licensing)
    refused = await licensing.refused("delete_workspace", wish(acme, who, **more))
    assert (refused.status, refused.kind) == (status, kind)
    assert await licensing.store["workspaces"].find_one({"_id": acme.workspace, "deleted_at": None})
    assert not await licensing.store[TOMBSTONES].find_one({"workspace": acme.workspace})
    if who != "olga":
        asking = acme.principal(who)
        assert (await licensing.refused("deletion", DeletionOf(principal=asking))).status == 403
        told = NoteExport(principal=asking, outcome="downloaded", address="")
        assert (await licensing.refused("note_export", told)).status == 403


async def test_a_role_that_was_taken_back_counts_as_it_is_now(licensing: Licensing) -> None:
    """The session still says owner; the store says what holds."""
    acme = await archived(licensing)
    pretended = acme.principal("adam", role="owner")
    assert (await licensing.refused("delete_workspace", wish(acme, principal=pretended))).status == 403


async def test_only_what_is_archived_can_be_deleted(licensing: Licensing, acme: Acme) -> None:
    acme.answer["name"] = (await acme.read("olga", "workspaces"))[0]["name"]
    assert (await licensing.refused("delete_workspace", wish(acme))).kind == "not-archived"


async def test_the_owner_of_another_workspace_reaches_their_own_alone(licensing: Licensing) -> None:
    """The tenant is the principal's: there is no field to name another one in."""
    acme, other = await archived(licensing), await archived(licensing)
    refused = await licensing.refused("delete_workspace", wish(other, name=acme.answer["name"]))
    assert (refused.status, refused.extra["field"]) == (422, "name")
    mixed = acme.principal("olga", workspace=other.workspace)
    assert (await licensing.refused("delete_workspace", wish(acme, principal=mixed))).status == 403
    assert not await licensing.store[TOMBSTONES].find_one({"workspace": {"$in": [acme.workspace, other.workspace]}})


async def test_a_second_factor_is_asked_for_again(licensing: Licensing) -> None:
    acme = await archived(licensing)
    secret = pyotp.random_base32()
    on = {"$set": {"totp": {"secret": secret, "last": 0}, "recovery": []}}
    await licensing.store["people"].update_one({"_id": f"-|{acme.email('olga')}"}, on)
    assert (await licensing.refused("delete_workspace", wish(acme))).kind == "code-needed"
    assert (await licensing.refused("delete_workspace", wish(acme, code="000000"))).kind == "wrong-code"
    code = pyotp.TOTP(secret).now()
    assert (await licensing.ask("delete_workspace", wish(acme, code=code)))["workspace"] == acme.workspace


async def test_an_export_that_was_downloaded_is_enough(licensing: Licensing) -> None:
    acme = await archived(licensing)
    olga = acme.principal("olga")
    offer = await licensing.ask("deletion", DeletionOf(principal=olga))
    assert offer["export"] == {"downloaded_at": None}
    assert offer["counts"] == {"members": 7, "contracts": 4, "licences": 3, "devices": 0}
    await licensing.ask("note_export", NoteExport(principal=olga, outcome="begun", address="192.0.2.1"))
    refused = await licensing.refused("delete_workspace", wish(acme, without_export=False))
    assert refused.extra["export"] == f"/api/v1/workspaces/{acme.workspace}/export", "half of it is none"
    logged = await licensing.store["audit"].find_one({"workspace": acme.workspace, "action": "workspace.exported"})
    assert logged, "who exports stands in the log, however far they come (G-02)"
    await licensing.ask("note_export", NoteExport(principal=olga, outcome="downloaded", address="192.0.2.1"))
    assert (await licensing.ask("deletion", DeletionOf(principal=olga)))["export"]["downloaded_at"]
    await licensing.ask("delete_workspace", wish(acme, without_export=False))
    assert (await licensing.store[TOMBSTONES].find_one({"workspace": acme.workspace}) or {})["export"] == "downloaded"


async def test_deleted_twice_or_restored_in_the_same_moment_is_deleted_once(licensing: Licensing) -> None:
    acme = await archived(licensing)
    asked = [licensing.ask("delete_workspace", wish(acme)) for _ in range(3)]
    answers = await asyncio.gather(
        *asked, acme.change("olga", "workspaces", acme.workspace, archived=False), return_exceptions=True
    )
    deleted = [one for one in answers[:3] if isinstance(one, dict)]
    if not deleted:  # the restoring was quicker than all of them
        assert {getattr(one, "kind", "") for one in answers[:3]} == {"not-archived"}
        return
    assert len(deleted) == 1
    assert all(isinstance(one, Problem) and one.status in (403, 404) for one in answers[:3] if one not in deleted)
    with pytest.raises(Problem) as restored:
        await acme.change("olga", "workspaces", acme.workspace, archived=False)
    assert restored.value.status in (403, 404)


async def test_who_belongs_elsewhere_too_keeps_their_account(licensing: Licensing) -> None:
    acme, other = await archived(licensing), await licensing.seed()
    shared = acme.email("olga")
    place = {"workspace": other.workspace, "member": other.member("olga")}
    await licensing.store["people"].update_one({"_id": f"-|{shared}"}, {"$push": {"places": place}})
    await licensing.ask("delete_workspace", wish(acme))

    async def one_place() -> bool:
        person = await licensing.store["people"].find_one({"_id": f"-|{shared}"})
        return person is not None and person["places"] == [place]

    await until(one_place)
    assert (await sign_in(licensing, acme, "olga"))["workspace"] == other.workspace
