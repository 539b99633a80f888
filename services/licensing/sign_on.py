"""Signing in with a workspace's own OpenID Connect provider (W-08): the way there and back.

The workspace's provider speaks for the workspace's own members alone: who comes by it is an existing member with that
confirmed address, and the session reaches nothing but this workspace (``sessions.confined``), for whoever sets a
workspace's provider could else enter another one in somebody's name.
"""

import hmac
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from nacl.signing import SigningKey

from services.kit import metrics
from services.kit.problems import Problem, not_found
from services.licensing import limits, people, sessions
from services.licensing.outward import Outward, Refused
from services.licensing.provider import Client, Providers
from services.licensing.store import NOBODY, Document, Store, fingerprint, key, now
from services.licensing.vault import Vault
from services.wire import sign_on as wire
from services.wire.language import N_, _

log = logging.getLogger(__name__)
BACK = "/sign-in/back"
_LASTS = timedelta(minutes=10)
_MOST_A_MINUTE = 30
_MOST_WAYS = 20


class SignOn:
    """The way to a provider and back; ``public_url`` is where browsers reach the web."""

    def __init__(self, store: Store, signer: SigningKey, vault: Vault, outward: Outward, public_url: str) -> None:
        self._store, self._signer, self._vault = store, signer, vault
        self._providers = Providers(outward)
        self._redirect = f"{public_url.rstrip('/')}{BACK}"

    async def ways(self, request: wire.Ways) -> list[Document]:
        """The workspaces that the part behind the @ may sign in to by their own provider."""
        await limits.take(self._store, "sign_on", request.address, _MOST_A_MINUTE)
        domain = request.email.strip().lower().rpartition("@")[2]
        where = {"oidc.domains": domain, "archived": False}
        found = await self._store["workspaces"].find(where).limit(_MOST_WAYS).to_list(_MOST_WAYS)
        return [
            {"workspace": one["id"], "name": one["name"], "provider": urlsplit(one["oidc"]["issuer"]).hostname}
            for one in found
        ]

    async def begin(self, request: wire.Begin) -> wire.Begun:
        """Where to send the browser; state, nonce and verifier are new each time and kept for ten minutes."""
        await limits.take(self._store, "sign_on", request.address, _MOST_A_MINUTE)
        workspace = await self._workspace(request.workspace)
        state, binding, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(4))
        try:
            url = await self._providers.address(self._client(workspace), state, nonce, verifier)
        except Refused as refusal:
            raise _away(refusal) from refusal
        await self._store["sign_ons"].insert_one(
            {
                "_id": key(NOBODY, fingerprint(state)),
                "workspace": workspace["id"],
                "binding": fingerprint(binding),
                "nonce": nonce,
                "verifier": verifier,
                "next": request.next,
                "until": now() + _LASTS,
            }
        )
        return wire.Begun(url=url, binding=binding)

    async def finish(self, request: wire.Finish) -> wire.Finished:
        """A session for the member whom the provider names; a state works once, in the browser that began with it."""
        await limits.take(self._store, "sign_on", request.address, _MOST_A_MINUTE)
        begun = await self._store["sign_ons"].find_one_and_delete({"_id": key(NOBODY, fingerprint(request.state))})
        if (
            begun is None
            or begun["until"] <= now()
            or not hmac.compare_digest(begun["binding"], fingerprint(request.binding))
        ):
            detail = _("It began elsewhere or too long ago. Begin again.")
            raise Problem(404, "sign-on-over", _("This sign-in is over."), detail)
        workspace = await self._workspace(begun["workspace"])
        try:
            claims = await self._providers.claims(
                self._client(workspace), request.code, begun["verifier"], begun["nonce"]
            )
        except Refused as refusal:
            log.warning("a provider's word does not hold: %s", refusal)
            metrics.SIGN_INS.labels("person", "refused").inc()
            title, detail = _("Your provider's answer does not hold."), _("Begin again; else tell an owner.")
            raise Problem(401, "sign-on-refused", title, detail) from refusal
        person = await self._person(workspace, claims)
        place = workspace["id"], request.address, request.agent
        signed_in = await sessions.enter(self._store, self._signer, person, *place, by="oidc")
        metrics.SIGN_INS.labels("person", "admitted").inc()
        return wire.Finished(signed_in=signed_in, next=begun["next"])

    async def _workspace(self, id: str) -> Document:
        found = await self._store["workspaces"].find_one({"_id": key(id), "archived": False})
        if found is None or not found.get("oidc"):
            raise not_found(N_("workspace with a provider of its own"))
        return found

    def _client(self, workspace: Document) -> Client:
        settings = workspace["oidc"]
        secret = self._vault.open(settings["sealed"]) if settings["sealed"] else None
        return Client(settings["issuer"], settings["client_id"], secret, self._redirect)

    async def _person(self, workspace: Document, claims: Mapping[str, Any]) -> Document:
        """The person whose confirmed address the provider names, in a domain that the workspace lists."""
        email = str(claims.get("email", "")).strip().lower()
        listed = email.rpartition("@")[2] in workspace["oidc"]["domains"]
        person = await people.person_by_email(self._store, email) if listed else None
        if claims.get("email_verified") is not True or person is None:
            raise _nobody()
        mine = {"workspace": workspace["id"], "email": email, "archived": False, "invited": {"$ne": True}}
        if await self._store["members"].find_one(mine) is None:
            raise _nobody()
        return person


def _nobody() -> Problem:
    metrics.SIGN_INS.labels("person", "refused").inc()
    detail = _("Your provider has to name a confirmed address that is a member's here. Ask an owner to invite you.")
    return Problem(403, "no-such-member", _("Nobody here has this address."), detail)


def _away(refusal: Refused) -> Problem:
    log.warning("a provider cannot be asked: %s", refusal)
    detail = _("Sign in with your password, or try again; an owner can look at the workspace's settings.")
    return Problem(503, "provider-away", _("The provider does not answer."), detail)
