"""The second factor: time-based codes of an authenticator (RFC 6238), and recovery codes (W-01).

A code works once, also within its half minute; so does a recovery code.
"""

import hmac
import secrets
from datetime import datetime
from typing import Any

import pyotp

from services.kit.mongo import Session
from services.kit.problems import Problem, invalid
from services.licensing import audit, limits, people
from services.licensing.store import Document, Store, fingerprint, now
from services.wire.language import _
from services.wire.requests import Principal

STEP_SECONDS = 30
RECOVERY_CODES = 10
MOST_FAILURES = 20
"""A minute, over all addresses: who tries codes knows the password already."""
_ISSUER = "Daybook"


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The half minute that a code belongs to, one before or after the present one at most; None where it is wrong."""
    totp, present = pyotp.TOTP(secret), int(at.timestamp()) // STEP_SECONDS
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), code.encode()):
            return step
    return None


async def state(store: Store, principal: Principal) -> dict[str, Any]:
    """Whether it is on, and how many recovery codes are left."""
    person = await people.of_principal(store, principal)
    return {"enabled": is_on(person), "recovery_codes_left": len(person.get("recovery") or ())}


def is_on(person: Document) -> bool:
    """Whether signing in needs a code."""
    return bool(person.get("totp"))


async def begin(store: Store, principal: Principal, password: str, address: str) -> dict[str, str]:
    """A new secret, which holds once a code of it was given; 409 where two-factor is on."""
    person = await people.require_password(store, principal, password, address)
    secret = pyotp.random_base32()
    done = await store["people"].update_one({"_id": person["_id"], "totp": None}, {"$set": {"totp_offered": secret}})
    if not done.matched_count:
        raise Problem(409, "two-factor-on", _("Two-factor is on already."), _("Turn it off first."))
    return {"secret": secret, "uri": pyotp.TOTP(secret).provisioning_uri(name=person["email"], issuer_name=_ISSUER)}


async def confirm(store: Store, principal: Principal, code: str, address: str) -> dict[str, list[str]]:
    """Turns it on where the code is right, and gives the recovery codes, this once."""
    person = await people.of_principal(store, principal)
    await limits.take(store, "totp", person["person"], MOST_FAILURES)
    offered = person.get("totp_offered")
    if is_on(person) or not offered:
        raise _nothing_to_confirm()
    step = step_of(offered, _plain(code), now())
    if step is None:
        raise invalid(_("code: not the code of this moment"), field="code")
    codes = [f"{one[:5]}-{one[5:]}" for one in (secrets.token_hex(5) for _each in range(RECOVERY_CODES))]
    on = {"totp": {"secret": offered, "last": step}, "recovery": [fingerprint(_plain(one)) for one in codes]}
    still = {"_id": person["_id"], "totp": None, "totp_offered": offered}

    async def work(session: Session) -> None:
        done = await store["people"].update_one(still, {"$set": on, "$unset": {"totp_offered": ""}}, session=session)
        if not done.modified_count:
            raise _nothing_to_confirm()
        await audit.note_account(store, session, person, "account.two_factor_on", address=address)

    await store.write(work)
    return {"recovery_codes": codes}


def _nothing_to_confirm() -> Problem:
    title, detail = _("There is nothing to confirm."), _("Begin with two-factor first.")
    return Problem(409, "nothing-to-confirm", title, detail)


async def off(store: Store, principal: Principal, password: str, code: str, address: str) -> None:
    """Turns it off, for whoever has both factors."""
    person = await people.require_password(store, principal, password, address)
    await require(store, person, code)

    async def work(session: Session) -> None:
        off: Document = {"$set": {"totp": None, "recovery": []}}
        await store["people"].update_one({"_id": person["_id"]}, off, session=session)
        await audit.note_account(store, session, person, "account.two_factor_off", address=address)

    await store.write(work)


async def require(store: Store, person: Document, code: str | None) -> None:
    """Passes where the person has no second factor, or this is it; uses the code up. 401 and 429 problems."""
    if not is_on(person):
        return
    if not code:
        title, detail = _("A code is needed."), _("Type the code of your authenticator, or a recovery code.")
        raise Problem(401, "code-needed", title, detail)
    async with limits.failures(store, "totp", person["person"], MOST_FAILURES):
        if not await _use(store, person, _plain(code)):
            raise Problem(401, "wrong-code", _("This code is not right."), _("Wait for the next code, and retry."))


async def _use(store: Store, person: Document, code: str) -> bool:
    step = step_of(person["totp"]["secret"], code, now())
    if step is not None:
        done = await store["people"].update_one(
            {"_id": person["_id"], "totp.last": {"$lt": step}}, {"$set": {"totp.last": step}}
        )
        return bool(done.modified_count)
    hashed = fingerprint(code)
    done = await store["people"].update_one({"_id": person["_id"], "recovery": hashed}, {"$pull": {"recovery": hashed}})
    return bool(done.modified_count)


def _plain(code: str) -> str:
    return "".join(letter for letter in code.lower() if letter.isascii() and letter.isalnum())
