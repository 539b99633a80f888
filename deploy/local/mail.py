"""Catches the mails of a local stack, delivers none, and shows them on a page of loopback.

``python -m deploy.local.mail SMTP_PORT HTTP_PORT``: ``/`` is the page, ``/messages`` the same as JSON, newest first:
``[{"number", "from", "to": […], "subject", "text", "at"}]``. The newest 500 are kept, in memory.
"""

import html
import json
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
KEPT = 500
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mails · Daybook</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{{color-scheme:light dark;--line:#d5dbe2;--quiet:#5a6572;--surface:#fff;--link:#2447a6}}
@media (prefers-color-scheme:dark){{:root{{--line:#2b343d;--quiet:#97a2ae;--surface:#161c22;--link:#a3bcff}}}}
body{{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1.5rem 1rem}}
h1{{font-size:1.25rem;margin:0}} h2{{font-size:1rem;margin:0}} p{{margin:.25rem 0 0;color:var(--quiet)}}
article{{margin-top:1rem;padding:1rem;border:1px solid var(--line);border-radius:10px;background:var(--surface)}}
p,h2,pre{{overflow-wrap:anywhere}} a{{color:var(--link)}} .when{{font-variant-numeric:tabular-nums}}
pre{{font:inherit;white-space:pre-wrap;margin:.75rem 0 0;padding-top:.75rem;border-top:1px solid var(--line)}}
</style></head><body><main><h1>Mails</h1>
<p>What this installation sent, the newest first. Nothing of it left this machine.</p>{body}</main></body></html>"""
_NONE = "<p>None yet. Invite somebody, or send a test on the page of mails.</p>"


class Box:
    """What was caught."""

    def __init__(self) -> None:
        self._caught: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._lock, self._count = threading.Lock(), 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Takes one; aiosmtpd's hook."""
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        text = message.get_body(("plain",))
        with self._lock:
            self._count += 1
            self._caught.appendleft(
                {
                    "number": self._count,
                    "from": str(message["From"]),
                    "to": list(envelope.rcpt_tos),
                    "subject": str(message["Subject"]),
                    "text": text.get_content() if text else "",
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                }
            )
        return "250 OK"

    def newest(self) -> list[dict[str, Any]]:
        """All that are kept."""
        with self._lock:
            return list(self._caught)


def page(mails: list[dict[str, Any]]) -> str:
    """The page; links in a mail can be followed."""
    return _PAGE.format(body="".join(_article(mail) for mail in mails) or _NONE)


def _article(mail: dict[str, Any]) -> str:
    when = datetime.fromisoformat(mail["at"])
    people = html.escape(f"to {', '.join(mail['to'])}, from {mail['from']}")
    head = f'{people}<br><span class="when">{when.day} {when:%b %Y, %H:%M:%S} UTC</span>'
    return f"<article><h2>{html.escape(mail['subject'])}</h2><p>{head}</p><pre>{_linked(mail['text'])}</pre></article>"


def _linked(text: str) -> str:
    words = (html.escape(word) for word in text.split(" "))
    lines = " ".join(words).split("\n")
    return "\n".join(
        f'<a href="{line.strip()}">{line}</a>' if line.startswith(("http://", "https://")) else line for line in lines
    )


def serve(box: Box, port: int) -> ThreadingHTTPServer:
    """The page's server; answers to this machine's own names only, so that no web site can read it by another name."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in (HOST, "localhost"):
                self.send_error(421)
            elif self.path == "/messages":
                self._send("application/json", json.dumps(box.newest()))
            elif self.path == "/":
                self._send("text/html; charset=utf-8", page(box.newest()))
            else:
                self.send_error(404)

        def _send(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: addresses do not belong into a log."""

    return ThreadingHTTPServer((HOST, port), Pages)


def main() -> None:
    """The command; runs until it is ended."""
    smtp_port, http_port = (int(text) for text in sys.argv[1:3])
    box = Box()
    Controller(box, hostname=HOST, port=smtp_port).start()
    serve(box, http_port).serve_forever()


if __name__ == "__main__":
    main()
