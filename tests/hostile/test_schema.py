"""Schemathesis over the whole OpenAPI, with another tenant's ids in every place where an id belongs.

Bounded in a test run; ``make hostile`` goes on for every role until, with the other tests here, it made 10⁵ requests
(``DAYBOOK_HOSTILE_EXAMPLES`` says how many of each operation and role). Whatever is generated, there is no 5xx, and
nothing of the other tenant is shown.
"""

import os
import random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from services.kit.access import ROLES
from tests.hostile.counting import MADE, got_through
from tests.hostile.tenants import Tenant
from tests.support.long import LONG

_EXAMPLES = int(os.environ.get("DAYBOOK_HOSTILE_EXAMPLES", "190" if LONG else "2"))
#: what ends the session that the rest is tried with, and what never ends
_LEFT_OUT = {("POST", "/api/v1/sessions/end-all"), ("DELETE", "/api/v1/sessions"), ("GET", "/api/v1/events")}


class Attack:
    """Requests of one role, each sent and judged."""

    def __init__(self, ours: Tenant, theirs: Tenant, role: str) -> None:
        self._ours, self._theirs, self._role = ours, theirs, role
        self._secrets = theirs.secrets()
        self._http = httpx.Client(base_url=ours.stack.web, timeout=30, headers={"Authorization": ours.bearer(role)})
        self._dice = random.Random(7)
        self.passed: list[str] = []

    def send(self, case: Any) -> None:
        """Sends a generated case, every second time with the other tenant's ids in its path."""
        path = dict(case.path_parameters or {})
        if path and self._dice.random() < 0.5:
            path |= {name: self._theirs.named(case.path, name) for name in path}
        case.path_parameters = path
        if isinstance(case.body, dict):  # a body that would be taken, but for whose things it names
            known = {name for name in case.body if name in self._theirs.ids}
            case.body |= {name: self._theirs.ids[name] for name in known if self._dice.random() < 0.5}
        given = case.as_transport_kwargs(base_url=self._ours.stack.web)
        given["headers"] = {k: v for k, v in dict(given.get("headers") or {}).items() if k.lower() != "authorization"}
        given.pop("cookies", None)
        try:
            request = self._http.build_request(**_httpx(given))
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
            return  # what no client can send
        answer = self._http.send(request)
        MADE["requests"] += 1
        MADE[f"{answer.status_code // 100}xx"] += 1
        text = answer.text.replace(request.url.path, "")
        if answer.status_code >= 500 or any(
            secret in text for secret in self._secrets if secret not in str(request.url)
        ):
            self.passed.append(f"{self._role}: {case.method} {request.url} → {answer.status_code}")


def _httpx(given: dict[str, Any]) -> dict[str, Any]:
    names = {"method", "url", "headers", "params", "json", "data", "files"}
    found = {name: value for name, value in given.items() if name in names and value is not None}
    if isinstance(found.get("data"), bytes | str):
        found["content"] = found.pop("data")
    return found


@pytest.mark.parametrize("role", ROLES if LONG else ["owner"])
def test_nothing_generated_gets_through(ours: Tenant, theirs: Tenant, role: str) -> None:
    import schemathesis  # seconds, which every worker would pay while it collects

    document = httpx.get(f"{ours.stack.web}/api/v1/openapi.json", timeout=20).json()
    attack = Attack(ours, theirs, role)
    before = theirs.everything()
    tried = 0
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        if (operation.method.upper(), operation.path) in _LEFT_OUT:
            continue
        tried += 1

        @seed(20_261_122)
        @settings(
            max_examples=_EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def run(case: Any) -> None:
            attack.send(case)

        run()
    assert tried > 60
    assert got_through(attack.passed) == []
    assert {one["id"] for one in theirs.everything()["members"]} == {one["id"] for one in before["members"]}
