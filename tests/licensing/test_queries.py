"""What a query may carry: the OpenAPI document says it for every route, and nothing else is taken (V-04, G-02)."""

from typing import Any, get_args

import pytest

from services.diary.web import web as application
from services.kit.access import of_collection
from services.licensing import schemas
from services.licensing.collections import KINDS
from services.wire import collections
from services.wire.requests import Collection
from tests.licensing.web import Web

here = pytest.mark.asyncio(loop_scope="module")


def _document() -> dict[str, Any]:
    nothing: Any = None
    return application(nothing, nothing).openapi()["paths"]


def test_the_collections_are_described_as_they_are() -> None:
    """Otherwise: python -m services.licensing.schemas > services/wire/collections.json"""
    assert collections.read() == schemas.document()


def test_the_openapi_names_every_filter_and_every_field_of_a_body() -> None:
    paths = _document()
    for collection in get_args(Collection):
        kind, listed = KINDS[collection], paths[f"/api/v1/{collection}"]
        assert {one["name"] for one in listed["get"]["parameters"]} == set(kind.filters), collection
        for verb, operation, model in (
            ("create", listed.get("post"), kind.new),
            ("change", paths[f"/api/v1/{collection}/{{id}}"].get("patch"), kind.patch),
        ):
            if model is None or of_collection(collection, verb) is None:
                continue
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert set(schema["properties"]) == set(model.model_fields), (collection, verb)
            assert schema["additionalProperties"] is False
            assert "$ref" not in str(schema)
    switches = paths["/api/v1/policies"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert switches["policy"]["properties"]["screenshots"]["properties"]["per_segment"]["maximum"] == 10


@here
async def test_what_a_route_does_not_take_is_refused_by_name(web: Web) -> None:
    """Left out in silence, a filter that is spelled wrongly would answer with more than was asked for."""
    acme = await web.licensing.seed()
    mine = {"id": acme.member("lisa")}
    async with web.person(acme, "olga") as http:
        reading = [path for path, verbs in _document().items() if "get" in verbs and not path.endswith("/events")]
        assert len(reading) > 30
        for path in reading:
            answer = await http.get(path.format_map(_Anything(mine)), params={"surprise": "1"})
            said = answer.json()
            assert (answer.status_code, said.get("field")) == (422, "surprise"), (path, answer.text)
            assert said["type"] == "urn:daybook:problem:invalid"
        for path, params, field in (
            ("audit", [("user", "x")], "user"),
            ("audit", [("action", "a"), ("action", "b")], "action"),
            ("audit", [("from", "2026-11-22"), ("to", "2026-11-21")], "to"),
            ("audit", [("from", "yesterday")], "from"),
            ("audit", [("to", "2026-02-30")], "to"),
            ("audit", [("before", "zzz")], "before"),
            ("audit", [("limit", "501")], "limit"),
            ("audit", [("limit", "0")], "limit"),
            ("audit.csv", [("before", "x")], "before"),
            ("members", [("roles", "owner")], "roles"),
            ("members.csv", [("nobody", "x")], "nobody"),
            ("licences", [("seats", "1")], "seats"),
        ):
            answer = await http.get(f"/api/v1/{path}", params=params)
            assert (answer.status_code, answer.json()["field"]) == (422, field), (path, params, answer.text)
        assert len((await http.get("/api/v1/members", params={"role": "owner"})).json()["items"]) == 1
        page = (await http.get("/api/v1/audit", params={"limit": 1})).json()
        again = await http.get("/api/v1/audit", params={"limit": 1, "before": page["next"] or page["items"][0]["id"]})
        assert again.status_code == 200, again.text
        posted = await http.post("/api/v1/teams", params={"dry": "1"}, json={"name": "Sea"})
        assert posted.status_code == 422
        assert "Sea" not in {one["name"] for one in (await http.get("/api/v1/teams")).json()["items"]}
    async with web.browse() as http:
        assert (await http.get("/api/v1/members?surprise=1")).status_code == 401  # who asks comes first


class _Anything(dict[str, str]):
    """Some value for every name of a path."""

    def __missing__(self, name: str) -> str:
        return {"date": "2026-11-17", "week": "2026-11-16"}.get(name, self["id"])
