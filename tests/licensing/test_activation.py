"""A licence key and a device key become a device (L-01, L-02, L-03)."""

import base64

from nacl.signing import SigningKey

from services.wire import proof
from tests.licensing.support import Acme, Device, Licensing, until


async def test_an_activation_is_answered_in_full(licensing: Licensing, acme: Acme) -> None:
    """L-02: what the agent needs to begin, and the licence as a document that holds offline."""
    device = Device()
    answer = await licensing.ask("activate", device.offer(acme.key(1)))
    assert answer["workspace"] == acme.workspace
    assert answer["member"] == acme.member("emil")
    assert answer["bus"] == [licensing.url]
    assert base64.b64decode(answer["notice_key"]) == licensing.notice_public
    envelope = str(answer["entitlement"]).replace("'", '"')
    assert "signature" in envelope
    import json

    entitlement = proof.open_notice(
        licensing.notice_public, json.dumps(answer["entitlement"]).encode(), acme.workspace, answer["device"]
    )
    assert entitlement["state"] == "active"
    assert entitlement["mode"] == "worklog"
    assert entitlement["policy"]["apps"] is True
    assert entitlement["policy"]["screenshots"]["enabled"] is False
    assert [one["title"] for one in entitlement["contracts"]] == ["Borealis"]
    licence_public = base64.b64decode(licensing.installation.keys.signing_public("licence"))
    licence = answer["licence"]
    proof.check(licence_public, proof.LICENCE_DOMAIN, licence["document"].encode(), licence["signature"])

    async def told() -> bool:
        facts = licensing.facts("licence.changed", acme.workspace)
        return any(one["device"] == answer["device"] and one["state"] == "active" for one in facts)

    await until(told)
    client = await Device(device.key, acme.workspace, answer["device"]).connect(licensing.url)
    ack = await client.jetstream().publish(f"segments.closed.{acme.workspace}.{answer['device']}", b"{}")
    assert ack.stream == "SEGMENTS"
    await client.close()
    assert SigningKey
