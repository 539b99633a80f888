"""A real SMTP server that keeps what it is given, and can be away or refuse."""

import asyncio
import re
import time
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.mail import HOST, Box
from deploy.local.ports import free_ports

Mail = dict[str, Any]


class Mailbox(Box):
    """``url`` is its address; ``refusing`` an SMTP answer it gives for now instead of taking mails."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.refusing: str | None = None
        self.envelopes: list[bytes] = []
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self.port = self.port or free_ports(1)[0]
        self._controller = Controller(self, hostname=HOST, port=self.port)
        self._controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._controller
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refusing:
            return self.refusing
        self.envelopes.append(envelope.original_content or b"")
        return await super().handle_DATA(server, session, envelope)

    def to(self, address: str, subject: str = "") -> list[Mail]:
        """The mails to somebody, oldest first, whose subject holds these words."""
        return [one for one in reversed(self.newest()) if address in one["to"] and subject in one["subject"]]

    async def wait_for(self, address: str, subject: str = "", count: int = 1, seconds: float = 15) -> Mail:
        """The mail with that number (from 1) to somebody, once it is there."""
        deadline = time.monotonic() + seconds
        while len(found := self.to(address, subject)) < count:
            assert time.monotonic() < deadline, f"mail {count} of {[one['subject'] for one in found]} did not come"
            await asyncio.sleep(0.02)
        return found[count - 1]

    async def token(self, address: str, subject: str = "", count: int = 1) -> str:
        """The secret of the link in a mail."""
        text = (await self.wait_for(address, subject, count))["text"]
        found = re.search(r"\?token=([A-Za-z0-9_-]+)", text)
        assert found, text
        return found[1]
