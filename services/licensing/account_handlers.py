"""What arrives on the bus about a person's own account (W-01, W-02); the bodies are those of services.wire.accounts."""

from typing import Any

from nacl.signing import SigningKey

from services.kit.bus import Bus
from services.kit.deletions import Deletions
from services.licensing import accounts, deleting, invitations, people, sessions, tokens, two_factor
from services.licensing.store import Store
from services.wire import accounts as wire
from services.wire.deletion import DeleteWorkspace, DeletionOf, NoteExport
from services.wire.requests import Principal, SignedIn, TokenOf


class AccountHandlers:
    """The verbs by which people look after their own accounts."""

    def __init__(self, store: Store, session_key: SigningKey, deletions: Deletions) -> None:
        self._store, self._session_key, self._deletions = store, session_key, deletions

    def register(self, bus: Bus) -> None:
        """Puts every verb on the bus."""
        bus.serve("sign_up", wire.SignUp, self.sign_up)
        bus.serve("verify", wire.Verify, self.verify)
        bus.serve("forgot_password", wire.ForgotPassword, self.forgot_password)
        bus.serve("reset_password", wire.ResetPassword, self.reset_password)
        bus.serve("change_password", wire.ChangePassword, self.change_password)
        bus.serve("change_profile", wire.ChangeProfile, self.change_profile)
        bus.serve("two_factor", wire.AccountOf, self.two_factor)
        bus.serve("two_factor_begin", wire.TwoFactorBegin, self.two_factor_begin)
        bus.serve("two_factor_confirm", wire.TwoFactorConfirm, self.two_factor_confirm)
        bus.serve("two_factor_off", wire.TwoFactorOff, self.two_factor_off)
        bus.serve("sessions", wire.AccountOf, self.sessions)
        bus.serve("end_sessions", wire.EndSessions, self.end_sessions)
        bus.serve("workspaces", wire.AccountOf, self.workspaces)
        bus.serve("switch_workspace", wire.SwitchWorkspace, self.switch_workspace)
        bus.serve("read_invitation", wire.ReadInvitation, self.read_invitation)
        bus.serve("accept_invitation", wire.AcceptInvitation, self.accept_invitation)
        bus.serve("token", TokenOf, self.token, workers=32)
        bus.serve("deletion", DeletionOf, self.deletion)
        bus.serve("note_export", NoteExport, self.note_export)
        bus.serve("delete_workspace", DeleteWorkspace, self.delete_workspace)

    async def sign_up(self, request: wire.SignUp) -> dict[str, Any]:
        """A mail goes out."""
        await accounts.sign_up(self._store, request)
        return {}

    async def verify(self, request: wire.Verify) -> dict[str, str]:
        """The address is confirmed; the workspace is there."""
        return await accounts.verify(self._store, request)

    async def forgot_password(self, request: wire.ForgotPassword) -> dict[str, Any]:
        """A mail goes out."""
        await accounts.forgot_password(self._store, request)
        return {}

    async def reset_password(self, request: wire.ResetPassword) -> dict[str, Any]:
        """Another password, by a mail's link."""
        await accounts.reset_password(self._store, request)
        return {}

    async def change_password(self, request: wire.ChangePassword) -> dict[str, Any]:
        """Another password, by the present one."""
        await accounts.change_password(self._store, request)
        return await self._renewed(request.principal, request.address)

    async def change_profile(self, request: wire.ChangeProfile) -> dict[str, Any]:
        """Another name or zone of one's own."""
        return await people.change_profile(self._store, request)

    async def two_factor(self, request: wire.AccountOf) -> dict[str, Any]:
        """Whether it is on."""
        return await two_factor.state(self._store, request.principal)

    async def two_factor_begin(self, request: wire.TwoFactorBegin) -> dict[str, str]:
        """A secret for an authenticator."""
        return await two_factor.begin(self._store, request.principal, request.password, request.address)

    async def two_factor_confirm(self, request: wire.TwoFactorConfirm) -> dict[str, Any]:
        """It is on."""
        codes = await two_factor.confirm(self._store, request.principal, request.code, request.address)
        return codes | await self._renewed(request.principal, request.address)

    async def two_factor_off(self, request: wire.TwoFactorOff) -> dict[str, Any]:
        """It is off."""
        await two_factor.off(self._store, request.principal, request.password, request.code, request.address)
        return await self._renewed(request.principal, request.address)

    async def _renewed(self, principal: Principal, address: str) -> dict[str, str]:
        """Whoever held the old token holds nothing any more."""
        return {"token": await sessions.renew(self._store, self._session_key, principal, address)}

    async def sessions(self, request: wire.AccountOf) -> dict[str, Any]:
        """The person's sessions."""
        person = await people.of_principal(self._store, request.principal)
        return {"items": await sessions.listed(self._store, person, request.principal)}

    async def end_sessions(self, request: wire.EndSessions) -> dict[str, int]:
        """One of them ends, or all."""
        person = await people.of_principal(self._store, request.principal)
        if request.session is None:
            return {"ended": await sessions.end_everywhere(self._store, person, request.principal)}
        await sessions.end(self._store, person, request.principal, request.session)
        return {"ended": 1}

    async def workspaces(self, request: wire.AccountOf) -> dict[str, Any]:
        """Where else the person may go."""
        person = await people.of_principal(self._store, request.principal)
        places = await sessions.places_of(self._store, person)
        if await sessions.confined(self._store, request.principal):
            places = [place for place in places if place[0]["id"] == request.principal.workspace]
        return {"items": [sessions.ref(*place).model_dump() for place in places]}

    async def switch_workspace(self, request: wire.SwitchWorkspace) -> SignedIn:
        """A session there instead of here."""
        person = await people.of_principal(self._store, request.principal)
        where = request.workspace, request.address, request.agent
        return await sessions.switch(self._store, self._session_key, request.principal, person, *where)

    async def read_invitation(self, request: wire.ReadInvitation) -> dict[str, Any]:
        """What somebody is invited to."""
        return await invitations.read(self._store, request)

    async def accept_invitation(self, request: wire.AcceptInvitation) -> dict[str, str]:
        """They are a member."""
        return await invitations.accept(self._store, request)

    async def deletion(self, request: DeletionOf) -> dict[str, Any]:
        """What would go with the workspace."""
        return await deleting.offered(self._store, request)

    async def note_export(self, request: NoteExport) -> dict[str, Any]:
        """The workspace is exported."""
        await deleting.note_export(self._store, request)
        return {}

    async def delete_workspace(self, request: DeleteWorkspace) -> dict[str, Any]:
        """The workspace goes, for good."""
        return await deleting.delete(self._store, self._deletions, request)

    async def token(self, request: TokenOf) -> dict[str, Any]:
        """Who a personal API token speaks for (W-08)."""
        return await tokens.principal_of(self._store, request.token, request.address)
