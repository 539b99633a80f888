"""People sign in, and out; their places in a workspace change (W-01, W-02, W-03, W-04)."""

import asyncio
import secrets
import time

import pytest
from nacl.signing import SigningKey

from services.kit.problems import Problem
from services.kit.settings import signing_key
from services.licensing import invitations, links, people, sessions
from services.wire import accounts, requests
from tests.licensing.support import PASSWORD, Acme, Licensing, until


def _sign_in(acme: Acme, who: str, password: str = PASSWORD, **more: str) -> requests.SignIn:
    fields = {"email": acme.email(who), "password": password, "address": secrets.token_hex(6)}
    return requests.SignIn(**(fields | more))


async def test_a_person_signs_in(licensing: Licensing, acme: Acme) -> None:
    """W-01: the token opens to who they are; a code given for an account without two-factor means nothing."""
    answer = await licensing.ask("sign_in", _sign_in(acme, "mara", totp="123456"))
    principal = licensing.principal_of(answer["token"])
    assert (principal.member, principal.workspace, principal.role) == (acme.member("mara"), acme.workspace, "manager")
    assert answer["workspaces"] == [
        {"workspace": acme.workspace, "name": acme.answer["name"], "role": "manager", "archived": False},
    ]
    assert 11.9 * 3600 < principal.expires - time.time() <= 12 * 3600
    capitals = _sign_in(acme, "mara").model_copy(update={"email": f" {acme.email('mara').upper()} "})
    await licensing.ask("sign_in", capitals)


async def test_one_person_in_two_workspaces(licensing: Licensing, acme: Acme) -> None:
    """W-02: one password, a member id and a role in each; the workspace may be asked for."""
    other = await licensing.seed()
    made = await other.create("olga", "members", email=acme.email("lisa"), name="Lisa", role="manager")
    early = await licensing.refused("sign_in", _sign_in(acme, "lisa", workspace=other.workspace))
    assert early.status == 404  # invited, and not yet accepted
    token = await links.mint(licensing.store, **invitations.link_of(made | {"workspace": other.workspace}).model_dump())
    await licensing.ask("accept_invitation", accounts.AcceptInvitation(token=token, address="a"))
    answer = await licensing.ask("sign_in", _sign_in(acme, "lisa", workspace=other.workspace))
    assert (answer["member"], answer["role"]) == (made["id"], "manager")
    assert [one["workspace"] for one in answer["workspaces"]] == [acme.workspace, other.workspace]
    assert (await licensing.ask("sign_in", _sign_in(acme, "lisa")))["member"] == acme.member("lisa")
    third = await licensing.seed()
    problem = await licensing.refused("sign_in", _sign_in(acme, "lisa", workspace=third.workspace))
    assert problem.status == 404


async def test_nobody_sets_anothers_password(licensing: Licensing, acme: Acme) -> None:
    """An owner who adds somebody known elsewhere cannot give them a password, and so cannot become them."""
    other = await licensing.seed()
    await other.create("olga", "members", email=acme.email("lisa"), name="Lisa", password="the thief's own")
    assert (await licensing.refused("sign_in", _sign_in(acme, "lisa", "the thief's own"))).status == 401
    await licensing.ask("sign_in", _sign_in(acme, "lisa"))


async def test_ten_failures_a_minute(licensing: Licensing, acme: Acme) -> None:
    """The eleventh is 429, also with the right password, also all at once; from elsewhere the owner gets in."""
    wrong = _sign_in(acme, "olga", "wrong", address="a")
    tries = (sessions.sign_in(licensing.store, _key(licensing), wrong) for _ in range(14))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(one.status for one in results if isinstance(one, Problem)) == [401] * 10 + [429] * 4
    problem = await licensing.refused("sign_in", _sign_in(acme, "olga", address="a"))
    assert problem.status == 429
    assert 1 <= problem.extra["retry_after"] <= 60
    await licensing.ask("sign_in", _sign_in(acme, "olga", address="b"))
    await licensing.ask("sign_in", _sign_in(acme, "adam", address="a"))


async def test_successes_do_not_count(licensing: Licensing, acme: Acme) -> None:
    for _ in range(12):
        await licensing.ask("sign_in", _sign_in(acme, "olga", address="c"))


@pytest.mark.usefixtures("real_passwords")
async def test_an_unknown_address_is_told_the_same(licensing: Licensing, acme: Acme) -> None:
    """And takes as long: the shortest of each, which other work disturbs least, lie within a factor of two."""
    unknown = _sign_in(acme, "olga").model_copy(update={"email": "nobody@example.test"})
    problems, spent = [], {"known": [], "unknown": []}  # type: ignore[var-annotated]
    for _ in range(7):
        for kind, request in (("known", _sign_in(acme, "olga", "wrong")), ("unknown", unknown)):
            request = request.model_copy(update={"address": secrets.token_hex(6)})
            started = time.perf_counter()
            problems.append((await licensing.refused("sign_in", request)).document())
            spent[kind].append(time.perf_counter() - started)
    assert all(one == problems[0] for one in problems)
    known, other = min(spent["known"]), min(spent["unknown"])
    assert 0.5 < known / other < 2


async def test_a_session_holds_until_it_is_ended(licensing: Licensing, acme: Acme) -> None:
    """W-01: signing out ends it; so does another role, or being archived."""
    held = [licensing.principal_of((await licensing.ask("sign_in", _sign_in(acme, "emil")))["token"]) for _ in "ab"]
    assert await _holds(licensing, held[0])
    await licensing.ask("sign_out", requests.SignOut(principal=held[0]))
    assert [await _holds(licensing, one) for one in held] == [False, True]
    await acme.change("olga", "members", acme.member("emil"), role="manager")
    assert not await _holds(licensing, held[1])
    forged = held[1].model_copy(update={"session": "ses-none"})
    assert not await _holds(licensing, forged)


async def _holds(licensing: Licensing, principal: requests.Principal) -> bool:
    return bool((await licensing.ask("session", requests.SessionOf(principal=principal)))["holds"])


async def test_an_archived_member_cannot_sign_in_or_act(licensing: Licensing, acme: Acme) -> None:
    await acme.change("olga", "members", acme.member("adam"), archived=True)
    assert (await licensing.refused("sign_in", _sign_in(acme, "adam"))).status == 404
    with pytest.raises(Problem, match="403"):
        await acme.read("adam", "members")


async def test_the_last_owner_stays(licensing: Licensing, acme: Acme) -> None:
    """Two owners who leave at the same moment: one does."""
    with pytest.raises(Problem, match="last-owner"):
        await acme.change("olga", "members", acme.member("olga"), role="admin")
    await acme.change("olga", "members", acme.member("adam"), role="owner")
    leaving = (acme.change("olga", "members", acme.member(who), archived=True) for who in ("olga", "adam"))
    results = await asyncio.gather(*leaving, return_exceptions=True)
    assert sum(isinstance(one, Problem) for one in results) == 1


async def test_a_team_with_members_is_not_archived(licensing: Licensing, acme: Acme) -> None:
    """W-04."""
    design = acme.answer["teams"][0]["team"]
    with pytest.raises(Problem, match="team-not-empty"):
        await acme.change("olga", "teams", design, archived=True)
    await acme.change("olga", "members", acme.member("lisa"), team=None)
    assert (await acme.change("olga", "teams", design, archived=True))["archived"] is True
    with pytest.raises(Problem, match="422"):
        await acme.change("olga", "members", acme.member("lisa"), team=design)


async def test_who_is_restored_is_in_no_archived_team(licensing: Licensing, acme: Acme) -> None:
    """W-04: their team may have been archived while they were."""
    lisa, design = acme.member("lisa"), acme.answer["teams"][0]["team"]
    await acme.change("olga", "members", lisa, archived=True)
    await acme.change("olga", "teams", design, archived=True)
    with pytest.raises(Problem, match="team-archived"):
        await acme.change("olga", "members", lisa, archived=False)
    assert (await acme.change("olga", "members", lisa, archived=False, team=None))["team"] is None


@pytest.mark.parametrize("name", [" ", "", "\n", "Ada\r\nBcc: eve@evil.example", "Ada\x00", "\u202eadA", "x" * 101])
async def test_a_name_is_one_line_that_can_be_read(licensing: Licensing, acme: Acme, name: str) -> None:
    """Whoever is named so appears in mails' headers and in everybody's lists (W-01, W-03, W-04)."""
    for collection in ("members", "teams", "policies"):
        extra = {"email": f"{secrets.token_hex(6)}@acme.example"} if collection == "members" else {}
        with pytest.raises(Problem, match="422"):
            await acme.create("olga", collection, name=name, **extra)
    profile = accounts.ChangeProfile.model_construct(
        principal=acme.principal("lisa"), name=name, zone=None, address="a"
    )
    assert (await licensing.refused("change_profile", profile)).status == 422


async def test_blanks_around_a_name_are_nobodys(acme: Acme) -> None:
    assert (await acme.create("olga", "teams", name=" Sea "))["name"] == "Sea"


async def test_changes_of_members_are_told(licensing: Licensing, acme: Acme) -> None:
    await acme.change("olga", "members", acme.member("lisa"), name="Lisa M.")

    async def told() -> bool:
        facts = licensing.facts("member.changed", acme.workspace)
        return any(one["name"] == "Lisa M." and one["revision"] == 2 for one in facts)

    await until(told)


@pytest.mark.usefixtures("real_passwords")
async def test_passwords_are_argon2id() -> None:
    """At the cost of OWASP's second choice."""
    hashed = await people.hash_password(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await people.password_holds(hashed, PASSWORD)
    assert not await people.password_holds(hashed, PASSWORD + " ")
    assert not await people.password_holds(None, "the password of nobody")


def _key(licensing: Licensing) -> SigningKey:
    return signing_key(licensing.settings.session_seed)


async def _refused(acme: Acme, verb: str, *what: str, **body: object) -> Problem:
    try:
        await getattr(acme, verb)("olga", *what, **body)
    except Problem as problem:
        return problem
    raise AssertionError(f"{verb} {what} was not refused")


async def test_two_teams_of_one_name_cannot_be_told_apart(acme: Acme) -> None:
    """W-04: made, renamed or restored, also at once; an archived one's name is free."""
    design, sales = (one["team"] for one in acme.answer["teams"])
    for refused in (
        await _refused(acme, "create", "teams", name=" DESIGN"),
        await _refused(acme, "change", "teams", sales, name="design"),
    ):
        assert (refused.status, refused.kind, refused.extra) == (409, "name-taken", {"field": "name", "rule": "W-04"})
    assert (await acme.change("olga", "teams", sales, name="SALES"))["name"] == "SALES"  # its own
    await acme.change("olga", "teams", sales, archived=True)
    both = await asyncio.gather(*(acme.create("olga", "teams", name="Sales") for _ in range(2)), return_exceptions=True)
    assert sorted(isinstance(one, Problem) and one.kind == "name-taken" for one in both) == [False, True]
    assert (await _refused(acme, "change", "teams", sales, archived=False)).kind == "name-taken"
    assert (await acme.change("olga", "teams", sales, name="Old sales", archived=False))["archived"] is False
    assert (await acme.change("olga", "teams", design, name="Design"))["name"] == "Design"


async def test_nobody_records_a_client(acme: Acme) -> None:
    """S-07: a client reads and exports; no licence or contract is theirs, and who has a licence becomes none."""
    cleo, lisa = acme.member("cleo"), acme.member("lisa")
    for collection, body in (("licences", {"mode": "worklog"}), ("contracts", {"project": "Atlas"})):
        refused = await _refused(acme, "create", collection, member=cleo, **body)
        assert (refused.status, refused.extra) == (422, {"field": "member", "rule": "S-07"}), collection
    refused = await _refused(acme, "change", "members", lisa, role="client")
    assert (refused.status, refused.kind, refused.extra["field"]) == (409, "has-licences", "role")
    await acme.change("olga", "licences", acme.answer["licences"][0]["licence"], state="revoked")
    assert (await acme.change("olga", "members", lisa, role="client"))["role"] == "client"


async def test_a_contract_names_each_label_once(acme: Acme) -> None:
    """Two alike could not be told apart where one is chosen (S-04)."""
    contract = acme.answer["contracts"][0]["contract"]
    for labels in (["Design", " design"], [" "], ["a", "b", "a"]):
        refused = await _refused(acme, "change", "contracts", contract, labels=labels)
        assert (refused.status, refused.extra["field"]) == (422, "labels")
        created = await _refused(acme, "create", "contracts", member=acme.member("lisa"), project="x", labels=labels)
        assert created.status == 422
    assert (await acme.change("olga", "contracts", contract, labels=["Design ", "Sea"]))["labels"] == ["Design", "Sea"]


async def test_a_policy_of_ones_own_says_whose_it_is(acme: Acme) -> None:
    """In the list of policies, where an id would mean nothing to anybody."""
    made = await acme.create("olga", "licences", mode="worklog", member=acme.member("lisa"), policy={"apps": True})
    shared = await acme.create("olga", "policies", name="Office", policy={"titles": True})
    desk = await acme.create("olga", "licences", mode="monitoring", computer="Desk 4")
    licence = await acme.create("olga", "licences", mode="worklog", member=acme.member("emil"), policy=shared["id"])
    changed = await acme.change("olga", "licences", licence["id"], policy={"apps": True})
    names = {one["id"]: one["name"] for one in await acme.read("olga", "policies")}
    assert names[made["policy"]] == "Own policy of Lisa's licence"
    assert names[desk["policy"]] == "Own policy of Desk 4's licence"
    assert names[changed["policy"]] == "Own policy of Emil's licence"
    assert names[shared["id"]] == "Office"
