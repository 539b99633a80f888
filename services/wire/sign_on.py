"""What the diary asks licensing about signing in with a workspace's own provider (OpenID Connect, W-08).

``address`` is where the person is, as the edge saw it; ``agent`` the browser's own name.
"""

from pydantic import Field

from services.wire.events import Id, Strict
from services.wire.requests import SignedIn

_Address = Field(max_length=64)


class Ways(Strict):
    """``rpc.licensing.sign_on_ways`` → {"items": [{workspace, name, provider}]}: where an address may sign in with.

    By the part behind the @ alone, so that nobody learns who has an account.
    """

    email: str = Field(max_length=254)
    address: str = _Address


class Begin(Strict):
    """``rpc.licensing.sign_on_begin`` → ``Begun``; 404 where the workspace has no provider, 503 where it is away.

    ``next`` is the page to go to once it is done.
    """

    workspace: Id
    next: str = Field(max_length=2000)
    address: str = _Address


class Begun(Strict):
    """Where to send the browser, and the secret that it alone keeps until it comes back."""

    url: str
    binding: str


class Finish(Strict):
    """``rpc.licensing.sign_on_finish`` → ``Finished``: the browser is back with what the provider gave it.

    404 ``sign-on-over`` where it began elsewhere or too long ago, 401 where the provider's word does not hold, 403
    where it names nobody who may enter.
    """

    state: str = Field(max_length=200)
    code: str = Field(max_length=4000)
    binding: str = Field(max_length=200)
    address: str = _Address
    agent: str = Field(default="", max_length=300)


class Finished(Strict):
    """A session, and the page to go to."""

    signed_in: SignedIn
    next: str
