"""Mails go out, are tried again, can be sent again, and can be switched off (W-07, W-09)."""

from typing import Any

import pytest

from services.kit.problems import Problem
from tests.licensing.support import Acme, Licensing, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _mail(acme: Acme, id: str) -> dict[str, Any]:
    return (await acme.read("olga", "mails", id))[0]


async def _state(acme: Acme, id: str, state: str) -> None:
    async def there() -> bool:
        return bool((await _mail(acme, id))["state"] == state)

    await until(there, 20)


async def test_a_test_mail(shared: Licensing) -> None:
    """W-09: it names its sender, and its state can be read."""
    acme = await shared.seed()
    made = await acme.create("adam", "mails", kind="test")
    caught = await shared.mails.wait_for(acme.email("adam"))
    assert caught["from"] == f"{acme.answer['name']} via Daybook <daybook@localhost>"
    assert acme.answer["name"] in caught["text"]
    await _state(acme, made["id"], "sent")
    shown = await _mail(acme, made["id"])
    assert (shown["to"], shown["kind"], shown["tries"], shown["error"]) == (acme.email("adam"), "test", 1, None)
    assert shown["sent_at"]


async def test_a_mail_is_sent_again(shared: Licensing) -> None:
    acme = await shared.seed()
    made = await acme.create("olga", "mails", kind="test")
    await _state(acme, made["id"], "sent")
    assert (await acme.change("olga", "mails", made["id"], state="waiting"))["state"] == "waiting"
    await shared.mails.wait_for(acme.email("olga"), count=2)


async def test_a_server_that_is_away_or_full_is_tried_again(shared: Licensing) -> None:
    acme = await shared.seed()
    shared.mails.refusing = "452 no room just now"
    first = await acme.create("olga", "mails", kind="test")

    async def failed() -> bool:
        return bool((await _mail(acme, first["id"]))["error"] == "SMTPDataError 452")

    await until(failed)
    shared.mails.refusing = None
    await shared.mails.wait_for(acme.email("olga"))
    await _state(acme, first["id"], "sent")
    shared.mails.__exit__()
    second = await acme.create("olga", "mails", kind="test")

    async def tried() -> bool:
        return bool((await _mail(acme, second["id"]))["tries"] >= 1)

    await until(tried)
    shared.mails.__enter__()
    await shared.mails.wait_for(acme.email("olga"), count=2)


async def test_a_mail_that_is_refused_for_good_fails_and_is_not_tried_again(shared: Licensing) -> None:
    acme = await shared.seed()
    shared.mails.refusing = "550 not here"
    made = await acme.create("olga", "mails", kind="test")
    await _state(acme, made["id"], "failed")
    shared.mails.refusing = None
    assert (await _mail(acme, made["id"]))["error"] == "SMTPDataError 550"
    await acme.change("olga", "mails", made["id"], state="waiting")
    await _state(acme, made["id"], "sent")


async def test_admins_see_their_workspaces_mails_and_nobody_else_does(shared: Licensing) -> None:
    acme, other = await shared.seed(), await shared.seed()
    made = await acme.create("olga", "mails", kind="test")
    for who in ("mara", "lisa", "cleo"):
        for asked in (acme.read(who, "mails"), acme.create(who, "mails", kind="test")):
            with pytest.raises(Problem, match="403"):
                await asked
    assert made["id"] not in [one["id"] for one in await other.read("olga", "mails")]
    with pytest.raises(Problem, match="404"):
        await other.change("olga", "mails", made["id"], state="waiting")
    for body in ({"kind": "invitation"}, {"kind": "test", "to": "x@example.test"}, {"kind": {"$ne": 1}}):
        with pytest.raises(Problem, match="422"):
            await acme.create("olga", "mails", **body)
