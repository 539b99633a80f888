"""Nobody is recorded without having been told (G-01)."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from services.kit.bus import round_trip
from services.kit.problems import Problem
from services.licensing.entitlements import Entitlements
from services.licensing.policies import Policy, build
from services.licensing.store import now
from services.licensing.widening import held_back, in_words, widened
from services.wire import proof, requests, slots, subjects
from tests.licensing.support import Acme, Device, Licensing, until
from tests.licensing.web import Web

here = pytest.mark.asyncio(loop_scope="module")
SHOTS = {"screenshots": {"enabled": True, "per_segment": 2}}


async def _ask(licensing: Licensing, device: Device, **body: Any) -> dict[str, Any]:
    """The device's own question, answered."""
    client = await device.connect(licensing.url)
    subject = subjects.device_request(device.workspace, device.device, "entitlement")
    answer = await client.request(subject, json.dumps(body).encode(), timeout=10)
    await client.close()
    return proof.open_notice(licensing.notice_public, answer.data, device.workspace, device.device)


def _policy(acme: Acme, index: int = 1) -> str:
    return str(acme.answer["licences"][index]["policy"])


@here
async def test_what_changed_meanwhile_does_not_begin(shared: Licensing) -> None:
    """G-01: an answer without the notice of a second change begins nothing, though both hold back the same."""
    acme = await shared.seed()
    device = await acme.activated(1)
    await acme.change("olga", "policies", _policy(acme), policy=SHOTS)
    read = await shared.store.one("devices", device.workspace, device.device)
    assert read is not None
    await acme.change("olga", "policies", _policy(acme), policy={"screenshots": {"per_segment": 4}})
    keys = SigningKey.generate(), SigningKey.generate()
    await Entitlements(shared.store, shared.store.outbox._bus, *keys)._begin_held(read)
    kept = await shared.store.one("devices", device.workspace, device.device)
    assert kept is not None
    assert kept["held"] == read["held"]
    assert kept["held"]["screenshots"]["enabled"] is False


@here
async def test_a_widened_policy_waits_for_its_notice(shared: Licensing) -> None:
    """The push and the first answer carry the notice, and what was recorded until now; the next answer the rest."""
    acme = await shared.seed()
    device = await acme.activated(1)
    client = await device.connect(shared.url)
    commands = await client.subscribe(subjects.commands(device.workspace, device.device))
    await round_trip(client)
    await acme.change("olga", "policies", _policy(acme), policy=SHOTS | {"idle_minutes": 9})
    body = (await commands.next_msg(timeout=10)).data
    pushed = proof.open_notice(shared.notice_public, body, device.workspace, device.device)
    await client.close()
    first, second = await _ask(shared, device), await _ask(shared, device)
    for told in (pushed, first):
        assert (told["policy"]["version"], told["policy"]["idle_minutes"]) == (2, 9)
        assert (told["policy"]["screenshots"]["enabled"], told["held"]) == (False, ["screenshots"])
        assert told["notices"][0]["changes"] == ["Screenshots: 2 in ten minutes, blurred"]
    raised = [
        json.loads(one.data) for one in shared.heard if one.subject.startswith(f"notice.raised.{acme.workspace}.")
    ]
    assert any(one["kinds"] == ["screenshots"] and one["member"] == acme.member("emil") for one in raised)
    assert (second["policy"]["screenshots"]["per_segment"], second["held"]) == (2, [])
    assert second["revision"] > first["revision"] == pushed["revision"]


@here
async def test_the_grant_says_until_when_a_device_was_not_told(shared: Licensing) -> None:
    """So that media never takes what was captured before, also where it arrives later (G-01)."""
    acme = await shared.seed()
    device = await acme.activated(1)

    async def granted() -> requests.Grant:
        wanted = requests.GrantOf(workspace=device.workspace, device=device.device)
        return requests.Grant(**await shared.ask("grant", wanted))

    assert (await granted()).untold == []
    camera = {"enabled": True, "per_hour": 2}
    await acme.change("olga", "policies", _policy(acme), policy={"camera": camera})
    waiting = await granted()
    off = {"camera": {"enabled": False, "per_hour": 1}}
    assert waiting.policy["camera"] == off["camera"]
    assert [(one.until, one.policy) for one in waiting.untold] == [("9999-12-31T23:59:59Z", off)]
    before = now().replace(microsecond=0)
    await _ask(shared, device)
    told = await granted()
    assert told.policy["camera"] == camera
    assert [one.policy for one in told.untold] == [off]
    assert before <= slots.parse_instant(told.untold[0].until) <= now()


@here
async def test_a_narrower_policy_holds_at_once(shared: Licensing) -> None:
    """And turned on again it is announced again, also to a device that had not heard of the change between."""
    acme = await shared.seed()
    await acme.change("olga", "policies", _policy(acme), policy=SHOTS)
    device = await acme.activated(1)
    assert (await _ask(shared, device))["policy"]["screenshots"]["enabled"] is True
    await acme.change("olga", "policies", _policy(acme), policy={"screenshots": {"enabled": False}})
    await acme.change("olga", "policies", _policy(acme), policy=SHOTS)
    assert (await _ask(shared, device))["held"] == ["screenshots"]
    assert (await _ask(shared, device))["held"] == []
    assert len(await acme.read("emil", "notices")) == 3  # with the one of the licence, which knows applications


@here
async def test_the_members_are_told_by_mail_and_on_the_web(web: Web) -> None:
    acme = await web.licensing.seed()
    await acme.change("olga", "policies", _policy(acme), policy=SHOTS | {"site": "domain"})
    mail = await web.licensing.mails.wait_for(acme.email("emil"), "What is recorded", count=2)
    assert "- Screenshots: 2 in ten minutes, blurred" in mail["text"]
    assert "- The web sites in front" in mail["text"]
    assert web.licensing.mails.to(acme.email("lisa")) == []
    async with web.person(acme, "emil") as http, web.person(acme, "lisa") as lisa, web.person(acme, "adam") as admin:
        notices = (await http.get("/api/v1/notices")).json()["items"]
        assert sorted(one["kinds"] for one in notices) == [["apps"], ["screenshots", "site"]]
        newest = next(one for one in notices if "site" in one["kinds"])
        path = f"/api/v1/notices/{newest['id']}"
        assert newest["acknowledged_at"] is None
        for other in (lisa, admin):
            assert (await other.patch(path, json={"acknowledged": True})).status_code == 404
        assert (await http.patch(path, json={"acknowledged": False})).status_code == 422
        done: httpx.Response = await http.patch(path, json={"acknowledged": True})
        assert done.json()["acknowledged_by"] == "web"
        again = await http.patch(path, json={"acknowledged": True})
        assert again.json()["acknowledged_at"] == done.json()["acknowledged_at"]
        seen = (await admin.get(path)).json()
        assert (seen["member"], bool(seen["acknowledged_at"])) == (acme.member("emil"), True)
        assert (await admin.post("/api/v1/notices", json={})).status_code in (403, 405)


@here
async def test_a_licence_that_records_more_is_announced_with_its_activation(shared: Licensing) -> None:
    """The answer of the activation carries the notice; a second licence that records no more brings none."""
    acme = await shared.seed()
    wanted = {"mode": "worklog", "member": acme.member("lisa"), "policy": SHOTS}
    licences = [await acme.create("olga", "licences", **wanted) for _ in "ab"]
    assert len(await acme.read("lisa", "notices")) == 1
    device = Device()
    answer = await shared.ask("activate", device.offer(licences[0]["key"]))
    body = json.dumps(answer["entitlement"]).encode()
    told = proof.open_notice(shared.notice_public, body, answer["workspace"], answer["device"])
    assert (told["policy"]["screenshots"]["enabled"], len(told["notices"])) == (True, 1)
    [notice] = await acme.read("lisa", "notices")
    assert [one["device"] for one in notice["delivered"]] == [answer["device"]]


@here
async def test_a_hidden_icon_needs_a_yes_or_a_declaration(shared: Licensing) -> None:
    """Acknowledged by the member for that device, or declared by an admin with its legal basis."""
    acme = await shared.seed()
    device = await acme.activated(1)
    await acme.change("olga", "policies", _policy(acme), policy={"tray": False})
    for _ in range(3):
        told = await _ask(shared, device)
        assert told["policy"]["tray"] is True
    [notice] = [one for one in told["notices"] if "tray" in one["kinds"]]
    stranger = await acme.activated(0)
    await _ask(shared, stranger, acknowledged=[notice["notice"], 7, {"$ne": 1}])
    assert (await _ask(shared, device, acknowledged="x"))["policy"]["tray"] is True
    await _ask(shared, device, acknowledged=[notice["notice"]])
    assert (await _ask(shared, device))["policy"]["tray"] is False
    assert (await acme.read("emil", "notices", notice["notice"]))[0]["acknowledged_by"] == device.device
    other = await shared.seed()
    computer = await other.activated(1)
    await other.change("adam", "policies", _policy(other), policy={"tray": False, "legal_basis": "§ 87 BetrVG"})
    await _ask(shared, computer)
    assert (await _ask(shared, computer))["policy"]["tray"] is False
    [policy] = await other.read("olga", "policies", _policy(other))
    said = policy["declaration"]
    assert (said["text"], said["by"], said["version"]) == ("§ 87 BetrVG", other.member("adam"), 2)
    await other.change("olga", "policies", _policy(other), policy={"legal_basis": None})
    assert (await other.read("olga", "policies", _policy(other)))[0]["declaration"] is None
    kept = await shared.store["declarations"].find({"workspace": other.workspace}).sort("at", 1).to_list(None)
    assert [(one["text"], one["by"]) for one in kept] == [
        ("§ 87 BetrVG", other.member("adam")),
        (None, other.member("olga")),
    ]


@here
async def test_notices_of_others_are_not_seen(shared: Licensing) -> None:
    acme, other = await shared.seed(), await shared.seed()
    [notice] = await acme.read("olga", "notices", member=acme.member("emil"))
    assert await acme.read("lisa", "notices") == []
    assert await acme.read("mara", "notices") == []  # emil is in no team of hers
    for who, where in (("olga", other), ("lisa", acme)):
        with pytest.raises(Problem, match="404"):
            await where.read(who, "notices", notice["id"])
    with pytest.raises(Problem, match="403"):
        await acme.read("cleo", "notices")


SWITCHES: dict[str, Any] = {
    "screenshots": {"enabled": True},
    "camera": {"enabled": True},
    **dict.fromkeys(("recording", "live", "apps", "titles"), True),
    "site": "domain",
    "tray": False,
}


@pytest.mark.parametrize("kind", SWITCHES)
def test_each_kind_switched_on_is_a_widening(kind: str) -> None:
    after = build({kind: SWITCHES[kind]})
    assert widened(None, after) == [kind]
    assert widened(after, build({})) == []
    assert held_back(build({}), after) == {kind: build({})[kind]}
    assert len(in_words([kind], after)) == 1


@pytest.mark.parametrize(
    "more",
    [
        *({"per_segment": 3}, {"blur": False}, {"width": 1920}, {"monitors": "all"}),
    ],
)
def test_more_of_a_kind_is_a_widening(more: dict[str, Any]) -> None:
    before = build({"screenshots": {"enabled": True}})
    after = build({"screenshots": more}, before)
    assert widened(before, after) == ["screenshots"]
    assert widened(after, before) == []
    assert widened(build({}), build({"screenshots": more})) == []  # off is off


_POLICIES = st.fixed_dictionaries(
    {
        "screenshots": st.fixed_dictionaries(
            {"enabled": st.booleans(), "per_segment": st.integers(1, 10), "blur": st.booleans()}
        ),
        **{kind: st.booleans() for kind in ("recording", "apps", "titles", "tray", "notify")},
        "site": st.sampled_from(("off", "domain", "url")),
    }
).map(build)


@given(_POLICIES, _POLICIES, _POLICIES)
def test_what_is_held_back_records_no_more_than_before(first: Any, second: Any, third: Any) -> None:
    """Whatever changes follow one another before a notice arrives."""
    effective = first | {}
    for after in (second, third):
        before = effective
        effective = after | held_back(before, after)
        assert widened(before, effective) == []
    assert Policy(**third).model_dump() == third


@here
async def test_ingest_and_media_hold_back_what_was_not_announced(shared: Licensing) -> None:
    """A grant is the policy as far as its notices reached the device; it changes, and is told, when they have."""
    acme = await shared.seed()
    device = await acme.activated(1)
    await acme.change("olga", "policies", _policy(acme), policy=SHOTS)
    asked = requests.GrantOf(workspace=device.workspace, device=device.device)
    before = await shared.ask("grant", asked)
    assert before["policy"]["screenshots"]["enabled"] is False
    shared.heard.clear()
    await _ask(shared, device)
    after = await shared.ask("grant", asked)
    assert (after["policy"]["screenshots"]["enabled"], after["revision"] > before["revision"]) == (True, True)

    async def told() -> bool:
        return any(one["device"] == device.device for one in shared.facts("licence.changed", acme.workspace))

    await until(told)
