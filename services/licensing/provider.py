"""An OpenID Connect provider as its relying party asks it: discovery, the code for an ID token, and its proof (W-08).

Of the ID token nothing is believed before its signature holds by a key of the provider's, in an algorithm that only a
private key can make, and issuer, audience, time and nonce are the expected ones.
"""

import base64
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.licensing.outward import Outward, Refused

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
_SKEW_SECONDS = 60
_REMEMBER_SECONDS = 300.0
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Client:
    """What a provider knows this installation by."""

    issuer: str
    id: str
    secret: str | None
    redirect: str


class Providers:
    """The providers of all workspaces, each as it described itself within the last five minutes."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    async def about(self, issuer: str) -> dict[str, Any]:
        """A provider's own description; ``Refused`` where it is none, or another's."""
        if (known := self._known.get(issuer)) and known[0] > time.monotonic():
            return known[1]
        found = await self._outward.get(get_well_known_url(issuer, external=True))
        if found.get("issuer") != issuer:
            raise Refused("the issuer that it names itself is another one")
        if missing := [name for name in _NEEDED if not self._outward.may_name(str(found.get(name, "")))]:
            raise Refused(f"{missing[0]} is missing, or not an https address")
        self._remember(issuer, found)
        return found

    def _remember(self, issuer: str, found: dict[str, Any]) -> None:
        if len(self._known) > 1000:
            self._known.clear()
        self._known[issuer] = time.monotonic() + _REMEMBER_SECONDS, found

    async def address(self, client: Client, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser."""
        endpoint = (await self.about(client.issuer))["authorization_endpoint"]
        asked = {"response_type": "code", "scope": "openid email profile", "client_id": client.id}
        asked |= {"redirect_uri": client.redirect, "state": state, "nonce": nonce}
        asked |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def claims(self, client: Client, code: str, verifier: str, nonce: str) -> dict[str, Any]:
        """What the provider says of who came back with this code; ``Refused`` where its word does not hold."""
        about = await self.about(client.issuer)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect}
        form |= {"code_verifier": verifier, "client_id": client.id}
        headers = {}
        methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if client.secret is not None and "client_secret_basic" in methods:
            pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif client.secret is not None:
            form["client_secret"] = client.secret
        answer = await self._outward.post(about["token_endpoint"], form, headers)
        keys = await self._outward.get(about["jwks_uri"])
        return proven(str(answer.get("id_token", "")), keys, client, nonce, access_token=answer.get("access_token"))


def proven(
    id_token: str, keys: dict[str, Any], client: Client, nonce: str, *, access_token: Any = None
) -> dict[str, Any]:
    """The claims of an ID token that holds; ``Refused`` for any other (forged, for others, old, replayed)."""
    wanted = {"iss": {"essential": True, "value": client.issuer}, "aud": {"essential": True, "value": client.id}}
    given = {"nonce": nonce, "client_id": client.id, "access_token": access_token}
    try:
        # the key set alone decides what a key may be used for: a public key is never taken for a shared secret
        signing = [key for key in keys.get("keys", []) if key.get("kty") != "oct" and key.get("use", "sig") == "sig"]
        token = jwt.decode(id_token, KeySet.import_key_set({"keys": signing}), algorithms=_ALGORITHMS)
        claims = CodeIDToken(token.claims, token.header, wanted, given)
        claims.validate(leeway=_SKEW_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(f"the ID token does not hold ({type(error).__name__})") from error
    return dict(claims)
