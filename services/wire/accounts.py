"""What the diary asks licensing about a person's own account (W-01, W-02): the bodies of ``rpc.licensing.<verb>``.

``address`` is where the person is, as the edge saw it; ``agent`` the browser's own name.
"""

from typing import Literal

from pydantic import Field

from services.wire.events import Id, Strict
from services.wire.language import Code
from services.wire.requests import Principal

Email = Field(max_length=254)
Password = Field(max_length=1000)
Secret = Field(max_length=100)
Address = Field(max_length=64)


class SignUp(Strict):
    """``rpc.licensing.sign_up`` → {}: a mail goes out; the answer is the same whether the address is known or not."""

    email: str = Email
    password: str = Password
    name: str
    workspace: str
    zone: str = "UTC"
    language: Code = "en"
    """The language of the page, which becomes the mail's and the workspace's."""
    address: str = Address


class Verify(Strict):
    """``rpc.licensing.verify`` → {"workspace", "email"}: the mail's link makes person and workspace; 404 problem."""

    token: str = Secret
    address: str = Address


class ForgotPassword(Strict):
    """``rpc.licensing.forgot_password`` → {}: a mail goes out where there is such an account."""

    email: str = Email
    language: Code | None = None
    """What the page spoke, and so does the mail (W-06); None: as in the first of their workspaces."""
    address: str = Address


class ResetPassword(Strict):
    """``rpc.licensing.reset_password`` → {}: the link of the mail sets it and ends all sessions; 404, 422 problems."""

    token: str = Secret
    password: str = Password
    language: Code | None = None
    """As of ``ForgotPassword``."""
    address: str = Address


class ChangePassword(Strict):
    """``rpc.licensing.change_password`` → {"token"}: all sessions end, this one goes on; 403 where the old is wrong."""

    principal: Principal
    old: str = Password
    new: str = Password
    language: Code | None = None
    """As of ``ForgotPassword``."""
    address: str = Address


class ChangeProfile(Strict):
    """``rpc.licensing.change_profile`` → the member: what somebody may say of themselves here; 422 problem."""

    principal: Principal
    name: str | None = Field(default=None, max_length=100)
    zone: str | None = Field(default=None, max_length=64)
    language: Code | Literal[""] | None = None
    """Empty: the workspace's; None: as it is."""
    address: str = Address


class AccountOf(Strict):
    """``rpc.licensing.two_factor`` → {"enabled", "recovery_codes_left"}; ``sessions``, ``workspaces`` → {"items"}."""

    principal: Principal


class TwoFactorBegin(Strict):
    """``rpc.licensing.two_factor_begin`` → {"secret", "uri"}: nothing holds before it is confirmed."""

    principal: Principal
    password: str = Password
    address: str = Address


class TwoFactorConfirm(Strict):
    """``rpc.licensing.two_factor_confirm`` → {"recovery_codes", "token"}, shown once; 422 where the code is wrong."""

    principal: Principal
    code: str = Field(max_length=40)
    address: str = Address


class TwoFactorOff(Strict):
    """``rpc.licensing.two_factor_off`` → {"token"}; 401 where password or code do not fit."""

    principal: Principal
    password: str = Password
    code: str = Field(max_length=40)
    address: str = Address


class EndSessions(Strict):
    """``rpc.licensing.end_sessions`` → {"ended": n}: one of the person's own, or all of them everywhere."""

    principal: Principal
    session: Id | None = None


class SwitchWorkspace(Strict):
    """``rpc.licensing.switch_workspace`` → ``SignedIn``: this session ends, another begins there; 403, 404 problems."""

    principal: Principal
    workspace: Id
    address: str = Address
    agent: str = Field(default="", max_length=300)


class AcceptInvitation(Strict):
    """``rpc.licensing.accept_invitation`` → {"workspace", "email"}; the password counts where the person has none."""

    token: str = Secret
    password: str | None = Field(default=None, max_length=1000)
    name: str | None = Field(default=None, max_length=100)
    address: str = Address


class ReadInvitation(Strict):
    """``rpc.licensing.read_invitation`` → {"workspace_name", "name", "email", "role", "password_needed"}; 404."""

    token: str = Secret
    address: str = Address
