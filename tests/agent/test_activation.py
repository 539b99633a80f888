"""Activation over HTTP, against a server that the test plays (L-01, L-03); and what an entitlement switches."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from agent.__main__ import main
from agent.activation import ActivationError, activate
from agent.policy import Policy, read_entitlement
from agent.settings import Settings, SettingsError
from agent.slot import App
from agent.spool import Spool
from services.wire import proof, requests
from services.wire.events import check
from tests.agent.life import entitled

KEY = SigningKey.generate()
LICENCE = "DAYBOOK-ABCD"


class Licensing(HTTPServer):
    """Answers as licensing does, or with the problem it was given."""

    problem: tuple[int, bytes, dict[str, str]] | None = None
    answer: dict[str, Any] | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.activated: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Licensing

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.problem:
            status, text, headers = self.server.problem
            return self._say(status, text, {"Content-Type": "application/problem+json"} | headers)
        assert self.path == "/api/v1/activations"
        asked = check(requests.Activate, body | {"address": "test"})
        public = proof.read_public_key(asked.device.public_key)
        proof.check(public, proof.ACTIVATION_DOMAIN, asked.device.public_key.encode(), asked.proof)
        assert asked.licence_key == LICENCE
        self.server.activated.append(asked.device.public_key)
        message = {"workspace": "ws", "device": "dev", "state": "active", "revision": 1}
        answer = {
            "workspace": "ws",
            "member": "mem",
            "device": "dev",
            "bus": ["nats://127.0.0.1:4222"],
            "notice_key": base64.b64encode(bytes(KEY.verify_key)).decode(),
            "entitlement": json.loads(proof.seal_notice(KEY, message)),
        }
        return self._say(200, json.dumps(answer | (self.server.answer or {})).encode(), {})

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def licensing() -> Iterator[Licensing]:
    server = Licensing()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_a_licence_and_a_key_become_a_device(licensing: Licensing, home: Settings) -> None:
    activation, entitlement = activate(home, licensing.url, f"  {LICENCE}\n")
    assert home.activation() == activation
    assert (activation.device, entitlement["state"]) == ("dev", "active")
    assert home.identity("lic").key == home.key()
    assert [path.stat().st_mode & 0o077 for path in (home.home, *home.home.iterdir())] == [0, 0, 0]


def test_the_key_comes_from_standard_input_a_file_or_the_command_line(
    licensing: Licensing, home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """L-01; the licence's word on what may be recorded is there before the bus is."""
    (home.home.parent / "licence.txt").write_text(f"{LICENCE}\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{LICENCE}\n"))
    common = ["--home", str(home.home), "activate", "--server", licensing.url]
    for more in ([], ["--licence-file", str(home.home.parent / "licence.txt")], ["--licence", LICENCE]):
        assert main([*common, *more]) == 0
        assert "activated: device dev of workspace ws" in capsys.readouterr().out
    spool = Spool(home.spool)
    assert json.loads(spool.note("entitlement") or "")["message"]["state"] == "active"
    spool.close()
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert main(common) == 1
    assert "no licence key" in capsys.readouterr().err
    licensing.problem = (403, b'{"title":"revoked"}', {})
    assert main([*common, "--licence", LICENCE]) == 1
    assert capsys.readouterr().err == "daybook-agent: revoked [403]\n"


def test_activating_again_is_the_same_activation(licensing: Licensing, home: Settings) -> None:
    """L-03: the same key is shown, so that licensing knows the device again."""
    first, _ = activate(home, licensing.url, LICENCE)
    second, _ = activate(home, licensing.url, LICENCE)
    assert first == second
    assert licensing.activated[0] == licensing.activated[1]


PROBLEMS = [
    (
        409,
        b'{"title":"no-seat-left","detail":"the seat is held by\\nmara"}',
        {},
        "no-seat-left: the seat is held by mara",
    ),
    (429, b'{"title":"too many"}', {"Retry-After": "30"}, r"too many \[429\] \(again in 30 s\)"),
    (502, b"<html>bad gateway</html>", {}, r"Bad Gateway \[502\]"),
]


@pytest.mark.parametrize(("status", "body", "headers", "said"), PROBLEMS)
def test_a_problem_is_one_line(
    licensing: Licensing, home: Settings, status: int, body: bytes, headers: dict[str, str], said: str
) -> None:
    licensing.problem = (status, body, headers)
    with pytest.raises(ActivationError, match=said) as caught:
        activate(home, licensing.url, LICENCE)
    assert "\n" not in str(caught.value)
    with pytest.raises(SettingsError, match="not activated"):
        home.activation()


@pytest.mark.parametrize(
    "answer",
    [
        {"device": "a.b"},
        {"bus": []},
        {"notice_key": base64.b64encode(b"x" * 32).decode()},
        {"entitlement": {"message": "{}", "signature": ""}},
        {"workspace": None},
    ],
)
def test_an_answer_that_does_not_hold_is_not_kept(licensing: Licensing, home: Settings, answer: dict[str, Any]) -> None:
    licensing.answer = answer
    with pytest.raises(ActivationError, match="no activation"):
        activate(home, licensing.url, LICENCE)
    with pytest.raises(SettingsError):
        home.activation()


def test_a_licence_key_crosses_the_network_over_https_only(home: Settings) -> None:
    """G-05."""
    with pytest.raises(ActivationError, match="https only"):
        activate(home, "http://diary.example.org", LICENCE)
    with pytest.raises(ActivationError, match="not the address"):
        activate(home, "diary.example.org", LICENCE)


def test_a_server_that_is_not_there_is_said_in_one_line(home: Settings) -> None:
    with pytest.raises(ActivationError, match="cannot be reached"):
        activate(home, "http://127.0.0.1:9", LICENCE)


# policy -------------------------------------------------------------------------------------------------------------


def test_everything_is_off_unless_it_is_on() -> None:
    """B-05: also for a policy of names that this version does not know."""
    policy = entitled(apps=False, titles=False, from_the_future={"on": True}).policy
    assert (policy.captures, policy.apps, policy.titles, policy.site, policy.blur) == (0, False, False, "off", True)
    assert policy.visible(App("code", "title", "example.org")) is None


def test_captures_are_counted_per_segment_and_never_more_than_ten() -> None:
    """T-05."""
    on = {"enabled": True}
    assert entitled(screenshots=on).policy.captures == 1
    assert entitled(screenshots=on | {"per_segment": 2}).policy.captures == 2
    assert entitled(screenshots=on | {"per_segment": 99}).policy.captures == 10
    assert entitled(screenshots={"enabled": False, "per_segment": 9}).policy.captures == 0


def test_sites_are_shown_as_far_as_the_policy_says() -> None:
    """T-04."""
    app = App("firefox", "Bank", "https://www.bank.example/account?id=1")
    assert Policy(apps=True, titles=True).visible(app) == App("firefox", "Bank")
    assert Policy(apps=True, site="domain").visible(app) == App("firefox", None, "www.bank.example")
    assert Policy(apps=True, site="url").visible(app) == app._replace(title=None)
    never = Policy(apps=True, titles=True, site="url", never_sites=("bank.example",))
    assert never.visible(app) == App("firefox")
    only = Policy(apps=True, titles=True, site="domain", only_sites=("work.example",))
    assert only.visible(app) == App("firefox")
    assert only.visible(App("firefox", "Board", "board.work.example")) == App("firefox", "Board", "board.work.example")


@pytest.mark.parametrize("message", [{}, {"state": "active", "licence": "l", "policy": [], "contracts": []}])
def test_what_is_no_entitlement_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an entitlement"):
        read_entitlement(message)
