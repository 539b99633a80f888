"""A workspace's own OpenID Connect provider as it is set, kept and shown (W-08). Pure but for the sealing."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from services.kit.problems import invalid
from services.licensing.vault import Vault
from services.wire.events import Strict
from services.wire.language import N_, _


def _domain(text: str) -> str:
    host = text.strip().lower().removeprefix("@")
    if "." not in host or not all(part.replace("-", "").isalnum() and part.isascii() for part in host.split(".")):
        raise ValueError(N_("not a domain like example.com"))
    return host


def _issuer(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(N_("not an address like https://login.example.com"))
    return text


Domain = Annotated[str, Field(max_length=253), AfterValidator(_domain)]


class Settings(Strict):
    """The field ``oidc`` of a workspace as it is set; the secret is never shown, and stays where left out."""

    issuer: Annotated[str, Field(max_length=500), AfterValidator(_issuer)]
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    client_secret: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    domains: Annotated[list[Domain], Field(min_length=1, max_length=50)]


def stored(
    vault: Vault | None, before: Mapping[str, Any] | None, asked: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """The settings as they are kept, the secret sealed; it goes to no other provider than it was given for (422)."""
    if asked is None:
        return None
    kept = {name: asked[name] for name in ("issuer", "client_id", "domains")}
    if asked.get("client_secret") is not None:
        if vault is None:
            raise invalid(_("oidc: cannot be kept here"), field="oidc")
        return kept | {"sealed": vault.seal(asked["client_secret"])}
    same = before is not None and all(before[name] == kept[name] for name in ("issuer", "client_id"))
    if before is not None and before["sealed"] is not None and not same:
        raise invalid(_("client_secret: give it again, it was for another provider"), field="client_secret")
    return kept | {"sealed": before["sealed"] if before is not None else None}


def shown(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The settings as the API shows them: whether there is a secret, and never which."""
    if not settings:
        return None
    names = ("issuer", "client_id", "domains")
    return {name: settings[name] for name in names} | {"has_secret": settings["sealed"] is not None}
