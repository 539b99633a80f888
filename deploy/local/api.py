"""What the fleet does through the public API: activate devices, and look whether what they sent is there."""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import httpx
from nacl.signing import SigningKey

from services.wire import proof

_LOOK_SECONDS = 0.2


@functools.cache
def _tls() -> ssl.SSLContext:
    """Trusts nobody: this machine's web is plain HTTP, and to read the system's certificates takes 50 ms a client."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@asynccontextmanager
async def signed_in(web: str, account: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The API as somebody with that e-mail address and password uses it."""
    async with httpx.AsyncClient(base_url=web, timeout=30, verify=_tls()) as http:
        answer = await http.post("/api/v1/sessions", json={name: account[name] for name in ("email", "password")})
        answer.raise_for_status()
        http.cookies.clear()
        http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield http


async def activate(web: str, licence_key: str, name: str) -> tuple[SigningKey, dict[str, Any]]:
    """Make a device key and exchange the licence key for what the device needs; waits where there were too many."""
    key = SigningKey.generate()
    public = proof.user_nkey(bytes(key.verify_key))
    device = {"name": name, "os": "linux", "kind": "desktop", "public_key": public}
    offer = {"licence_key": licence_key, "device": device, "proof": proof.prove_possession(key, public)}
    async with httpx.AsyncClient(base_url=web, timeout=30, verify=_tls()) as http:
        answer = await http.post("/api/v1/activations", json=offer)
        while answer.status_code == 429:  # thirty a minute
            await asyncio.sleep(int(answer.headers.get("Retry-After", "5")))
            answer = await http.post("/api/v1/activations", json=offer)
    if answer.is_error:
        raise RuntimeError(f"{name} was not activated: {answer.text}")
    return key, answer.json()


async def shows(http: httpx.AsyncClient, member: str, day: str, segments: set[str], *, pictures: bool) -> None:
    """Wait until a day shows these segments with a score; ``pictures``: and every picture that they name."""
    while True:
        answer = await _day(http, member, day)
        shown = {segment["segment_id"] for segment in answer["segments"]}
        states = {capture["state"] for segment in answer["segments"] for capture in segment["captures"]}
        scored = answer["score"]["activity"] is not None or not answer["totals"]["tracked_minutes"]
        if segments <= shown and scored and not (pictures and "pending" in states):
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def newest_picture(http: httpx.AsyncClient, member: str, today: date, days: int) -> str | None:
    """The id of a stored capture of the last so many days."""
    for back in range(days):
        answer = await _day(http, member, (today - timedelta(days=back)).isoformat())
        for segment in reversed(answer["segments"]):
            for capture in segment["captures"]:
                if capture["state"] == "stored":
                    return str(capture["capture_id"])
    return None


async def add_manual_time(http: httpx.AsyncClient, member: str, body: Mapping[str, Any]) -> bool:
    """Enter manual time; False where the diary does not take it, because something is there already, say (S-05)."""
    answer = await http.post(f"/api/v1/diary/{member}/manual-time", json=dict(body))
    if answer.status_code not in (201, 409):
        answer.raise_for_status()
    return answer.status_code == 201


async def taken_licences(http: httpx.AsyncClient) -> list[str]:
    """The ids of the workspace's licences that were activated, now or once, or cannot be any more."""
    answer = await http.get("/api/v1/licences")
    answer.raise_for_status()
    return [one["id"] for one in answer.json()["items"] if one["state"] != "issued"]


async def _day(http: httpx.AsyncClient, member: str, day: str) -> dict[str, Any]:
    answer = await http.get(f"/api/v1/diary/{member}/days/{day}", params={"zone": "UTC"})
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
