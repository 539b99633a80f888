"""The OpenAPI document: all that goes out is in it, and it is what goes out (V-04)."""

import copy
from typing import Any

import httpx
import pytest

from services.diary.api.document import answer_of
from tests.support import documented

_TOTALS = ("tracked", "active", "billable", "automatic", "manual", "over_limit")
_SPENT = ("office", "work", "break", "private", "idle")
_DAY = {
    "member": "mem-1",
    "date": "2026-11-21",
    "zone": "UTC",
    "totals": {f"{name}_minutes": 0 for name in (*_TOTALS, *_SPENT)},
    "score": {"activity": None, "productivity": None, "tracko": None},
    "segments": [],
    "weeks": [],
}


def _answer(
    status: int, content: Any, path: str = "/api/v1/diary/mem-1/days/2026-11-21", **more: Any
) -> httpx.Response:
    request = httpx.Request("GET", f"http://here{path}")
    return httpx.Response(status, json=content, request=request, **more)


def test_every_route_says_what_it_answers() -> None:
    """A new route stands in ``services/diary/api/document.py`` with the model of its answer."""
    paths = documented.document()["paths"]
    assert len(paths) > 50
    for path, verbs in paths.items():
        for verb, operation in verbs.items():
            [status] = [one for one in operation["responses"] if one in ("200", "201", "204") or one == "202"][:1]
            assert (answer_of(verb.upper(), path) is None) == (status == "204"), (verb, path)
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
            assert "422" not in operation["responses"], "a refusal is a problem document"


def test_how_to_sign_in_is_said_and_where_nobody_has_to() -> None:
    document = documented.document()
    assert document["security"] == [{"token": []}, {"cookie": []}]
    assert set(document["components"]["securitySchemes"]) == {"token", "cookie"}
    freely = [path for path, verbs in document["paths"].items() for one in verbs.values() if one.get("security") == []]
    assert {"/api/v1/activations", "/api/v1/sessions"} <= set(freely)
    assert "/api/v1/members" not in freely


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("zone",), None),
        (("surprise",), 1),
        (("totals", "idle_minutes"), -1),
        (("totals", "idle_minutes"), 1.5),
        (("score", "tracko"), 101),
        (("date",), "21.11.2026"),
        (("segments",), [{}]),
    ],
)
def test_what_goes_out_otherwise_is_seen(where: tuple[str, ...], value: Any) -> None:
    """The hook of the tests' clients can fail."""
    assert documented.disagrees(_answer(200, _DAY)) is None
    wrong = copy.deepcopy(_DAY)
    part: Any = wrong
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = value
    assert documented.disagrees(_answer(200, wrong)) is not None


def test_refusals_are_problem_documents_and_nothing_else() -> None:
    problem = {"type": "urn:daybook:problem:invalid", "title": "No.", "status": 422, "detail": "date", "rule": "V-01"}
    kind = {"content-type": "application/problem+json"}
    assert documented.disagrees(_answer(422, problem, headers=kind)) is None
    assert documented.disagrees(_answer(422, {"detail": "date"}, headers=kind)) is not None
    assert documented.disagrees(_answer(422, problem)) is not None, "of another type"
    assert documented.disagrees(_answer(203, _DAY)) is not None, "another status"
