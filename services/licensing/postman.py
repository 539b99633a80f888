"""Sends the mails that were written down (mail.py), each until it is gone: any replica, one at a time.

A mail is claimed for a minute before it is sent, so that one whose replica died is sent by another. It may then arrive
twice, with the same Message-ID; it is never lost.
"""

import logging
import random
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.kit.rounds import Rounds
from services.licensing import links, mail_texts
from services.licensing.store import Document, Store, now

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=1)
GIVES_UP = timedelta(days=3)
LONGEST = timedelta(minutes=30)
_PAUSE_SECONDS = 0.5
_TIMEOUT_SECONDS = 20.0


def retry_after(tries: int) -> timedelta:
    """How long until the next try: 1 s, 2 s, 4 s … half an hour, with jitter."""
    return min(LONGEST, timedelta(seconds=2.0 ** min(tries - 1, 20))) * random.uniform(0.5, 1.0)


class Postman(Rounds):
    """``url``: ``smtp://``, ``smtp+starttls://`` or ``smtps://[user:password@]host[:port]``; None: mails wait.

    A password is sent in the clear to nobody but this machine.
    """

    def __init__(self, store: Store, url: str, sender: str, public_url: str) -> None:
        self._store, self._url, self._sender = store, url, sender
        self._public_url = public_url.rstrip("/")
        super().__init__(self._round, _PAUSE_SECONDS, log, "the round of mails broke off")

    @property
    def has_server(self) -> bool:
        """Whether a mail server is set."""
        return bool(self._url)

    def start(self) -> None:
        """Begins to send, where a mail server is set."""
        if self.has_server:
            super().start()
        else:
            log.warning("no mail server is set (DAYBOOK_SMTP_URL): mails are kept until there is one")

    async def _round(self) -> None:
        """All that is due, over one connection."""
        if (first := await self._claim()) is None:
            return
        try:
            client = self._client()
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            await self._later(first, error)
            return
        try:
            mail: Document | None = first
            while mail is not None:
                await self._deliver(client, mail)
                mail = await self._claim()
        finally:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()

    async def _claim(self) -> Document | None:
        moment = now()
        found: Document | None = await self._store["mails"].find_one_and_update(
            {"state": "waiting", "due": {"$lte": moment}},
            {"$set": {"due": moment + CLAIM}, "$inc": {"tries": 1}},
            sort=[("due", 1)],
            return_document=True,
        )
        return found

    async def _deliver(self, client: aiosmtplib.SMTP, mail: Document) -> None:
        try:
            text = mail_texts.TEXTS[mail["kind"]]
            link = f"{self._public_url}{text.page}"
            if wanted := mail["link"]:
                link += f"?token={await links.mint(self._store, **wanted)}"
            domain = parseaddr(self._sender)[1].rpartition("@")[2] or "localhost"
            message = mail_texts.compose(
                mail["kind"],
                mail["to"],
                mail["values"],
                link,
                self._sender,
                f"<{mail['id']}.{mail['revision']}@{domain}>",
                mail.get("language"),
            )
        except Exception as error:
            log.exception("mail %s cannot be written", mail["id"])
            await self._end(mail, "failed", type(error).__name__)
            return
        try:
            await client.send_message(message)
        except (aiosmtplib.SMTPException, OSError) as error:
            await self._later(mail, error)
            if not client.is_connected:
                raise
        else:
            await self._end(mail, "sent", None)

    async def _later(self, mail: Document, error: Exception) -> None:
        """Another try later; none where the server says that it is of no use, or after three days."""
        moment = now()
        reason = _reason(error)
        if _is_final(error) or (moment - mail["created_at"] > GIVES_UP and mail["tries"] > 1):
            await self._end(mail, "failed", reason)
            return
        log.info("mail %s is tried again later: %s", mail["id"], reason)
        await self._store["mails"].update_one(
            {"_id": mail["_id"]}, {"$set": {"due": moment + retry_after(mail["tries"]), "error": reason}}
        )

    async def _end(self, mail: Document, state: str, error: str | None) -> None:
        fields: Document = {"state": state, "error": error} | ({"sent_at": now()} if state == "sent" else {})
        # where it was asked for again meanwhile (another revision), it goes out again
        await self._store["mails"].update_one({"_id": mail["_id"], "revision": mail["revision"]}, {"$set": fields})

    def _client(self) -> aiosmtplib.SMTP:
        parts = urlsplit(self._url)
        host, secret = parts.hostname or "localhost", unquote(parts.password or "") or None
        starttls = True if parts.scheme == "smtp+starttls" or (secret and not _is_here(host)) else None
        tls = parts.scheme == "smtps"
        return aiosmtplib.SMTP(
            hostname=host,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=secret,
            use_tls=tls,
            start_tls=False if tls else starttls,
            timeout=_TIMEOUT_SECONDS,
        )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_final(error: Exception) -> bool:
    """Whether the server refuses this mail for good: 5xx for its recipient or its content."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(500 <= one.code < 600 for one in error.recipients)
    refused = isinstance(error, aiosmtplib.SMTPDataError | aiosmtplib.SMTPRecipientRefused)
    return refused and 500 <= getattr(error, "code", 0) < 600


def _reason(error: Exception) -> str:
    """The class of an error and the server's code, without its words: they may hold the address."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
