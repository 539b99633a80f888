"""What forms show of a refusal, and what is read of what they sent."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from starlette.datastructures import FormData

from services.diary.guard import Guard
from services.diary.pages.forms import Form, Sent, done, told
from services.diary.pages.shell import ENTRIES, groups_of
from services.kit.problems import Problem, invalid
from services.wire.events import Strict, check


class Body(Strict):
    name: str = Field(min_length=1, max_length=3)
    scopes: list[str] = Field(min_length=1)
    hour: int = Field(default=0, le=23)


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"name": "", "scopes": ["a"]}, "name", "This is needed."),
        ({"name": "abcd", "scopes": ["a"]}, "name", "This should have at most 3 characters."),
        ({"name": "a", "scopes": []}, "scopes", "Choose at least one."),
        ({"scopes": ["a"]}, "name", "This is needed."),
        ({"name": "a", "scopes": ["a"], "hour": 24}, "hour", "This should be less than or equal to 23."),
        ({"name": "a", "scopes": ["a"], "hour": None}, "hour", "This should be a valid integer."),
    ],
)
def test_what_a_check_says_stands_at_its_field_in_plain_words(given: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        check(Body, given)
    form = Form.refused({"name": "typed", "scopes": [], "hour": ""}, invalid(str(caught.value)))
    assert form.errors == {field: words}
    assert form.value("name") == "typed"


def test_what_is_about_no_field_stands_above_them() -> None:
    problem = Problem(409, "last-owner", "A workspace needs an owner.", "Make somebody else an owner first.")
    form = Form.refused({"name": "x"}, problem)
    assert (dict(form.errors), form.notice) == ({}, "A workspace needs an owner. Make somebody else an owner first.")
    assert told(Problem(403, "forbidden", "No.", ""))[1] == "No. Ask an owner or admin of the workspace."
    within = Form.refused({"issuer": ""}, invalid("oidc.issuer: Value error, not an address"))
    assert within.errors == {"issuer": "Not an address."}


@given(st.text(max_size=30))
def test_a_number_is_a_number_or_named_as_none(text: str) -> None:
    sent = Sent(FormData([("seats", text)]))
    try:
        number = sent.number("seats")
    except Problem as problem:
        number, at = 0, problem.extra["field"]
    else:
        at = "seats"
    assert at == "seats"
    assert (number is None) == (text.strip() == "")


@pytest.mark.parametrize("secure", [True, False])
async def test_a_toast_goes_by_tls_only(secure: bool) -> None:
    """It may name people; where the installation is reached by TLS no cookie goes out without."""
    edge: Any = SimpleNamespace(settings=SimpleNamespace(secure=secure, public_origin="https://daybook.example"))
    nothing: Any = None
    guarded = httpx.ASGITransport(app=Guard(done("/people", "Ada is archived."), edge, nothing))
    async with httpx.AsyncClient(transport=guarded, base_url="https://daybook.example") as http:
        cookie = (await http.get("/people")).headers["set-cookie"]
    assert ("; Secure" in cookie) == secure
    assert "HttpOnly" in cookie
    assert cookie.count("Secure") == int(secure)


def test_an_entry_stands_once_in_a_roles_navigation() -> None:
    """V-05: at most four in a phone's bottom bar; who has no business on a page has no way to it either."""
    for role in ("owner", "admin", "manager", "employee", "client"):
        ways = [way for group in groups_of(role, "/people") for way in group.ways]
        assert len({way.href for way in ways}) == len(ways)
        assert sum(way.bar for way in ways) <= 4
        assert [way.href for way in ways if way.current] == (
            ["/people"] if role in ("owner", "admin", "manager") else []
        )
    assert {"/settings", "/people"}.isdisjoint(one.href for one in ENTRIES if "employee" in one.roles)
