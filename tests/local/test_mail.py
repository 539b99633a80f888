"""The mails of a local stack are caught and can be read on a page of loopback (W-07)."""

import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage

import httpx

from deploy.local.mail import HOST
from deploy.local.ports import free_ports, is_free
from tests.support.servers import ROOT


def test_a_mail_is_caught_and_read() -> None:
    smtp, port = free_ports(2)
    command = [sys.executable, "-m", "deploy.local.mail", str(smtp), str(port)]
    with subprocess.Popen(command, cwd=ROOT) as catcher, httpx.Client(base_url=f"http://{HOST}:{port}") as http:
        try:
            _until(lambda: not is_free(smtp) and not is_free(port))
            assert "None yet." in http.get("/").text
            message = EmailMessage()
            message["From"], message["To"] = "Daybook <d@example.test>", "lisa@example.test"
            message["Subject"] = "<script>alert(1)</script>"
            message.set_content("Open it:\n\nhttps://d.example/p?token=T&x=1\n<b>bold</b>")
            with smtplib.SMTP(HOST, smtp) as client:
                client.send_message(message)
            [caught] = http.get("/messages").json()
            assert (caught["to"], caught["subject"]) == (["lisa@example.test"], "<script>alert(1)</script>")
            page = http.get("/").text
            assert "<script>" not in page
            assert "<b>" not in page
            assert '<a href="https://d.example/p?token=T&amp;x=1">' in page
            assert http.get("/", headers={"Host": "evil.example"}).status_code == 421
            assert http.get("/else").status_code == 404
        finally:
            catcher.kill()


def _until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)
