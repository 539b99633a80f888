"""Settings of the diary's two processes, the web origin and the projector."""

import base64
from functools import cached_property
from urllib.parse import urlsplit

from nacl.signing import SigningKey
from pydantic import SecretStr

from services.kit.settings import Settings, signing_key


class DiarySettings(Settings):
    """``DAYBOOK_SESSION_PUBLIC`` opens session tokens; ``DAYBOOK_PUBLIC_URL`` is where browsers reach the web;
    ``DAYBOOK_SEAL_SEED`` signs edits and seals.
    """

    public_url: str = "http://127.0.0.1:8080"
    session_public: str
    seal_seed: SecretStr
    """Signs edits and seals; base64 of 32 bytes."""
    seal_grace_seconds: float = 60.0
    """How long after its lock a week is sealed; changes nothing of what is in it (S-06)."""
    seal_quiet_seconds: float = 120.0
    """How long nothing must have come for a week before it is sealed by itself."""
    seal_every_seconds: float = 10.0
    http_port: int = 8080

    @cached_property
    def seal_key(self) -> SigningKey:
        """The key that edits and seals are signed with."""
        return signing_key(self.seal_seed)

    @property
    def seal_public(self) -> bytes:
        """The 32 bytes of its public half."""
        return bytes(self.seal_key.verify_key)

    @cached_property
    def session_key(self) -> bytes:
        """The 32 bytes of licensing's public session key."""
        return base64.b64decode(self.session_public)

    @property
    def secure(self) -> bool:
        """True where browsers come by TLS, so that cookies may be marked Secure."""
        return self.public_origin.startswith("https:")

    @cached_property
    def public_origin(self) -> str:
        """Scheme, host and port of the public address, as browsers write an Origin."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"
