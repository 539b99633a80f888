"""What comes in as a query: the parameters that the OpenAPI document names, once each, and nothing else.

A filter that is spelled wrongly would otherwise be left out in silence, and the answer taken for a narrower one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import Request

from services.kit.problems import invalid
from services.wire.language import _


def only_known(request: Request) -> None:
    """422 where a query of the API carries a name that its route does not take, or one of them twice."""
    if not request.scope.get("query_string") or not request.url.path.startswith("/api/"):
        return
    route = request.scope.get("route")
    known, seen = set(names_of(route)), set[str]()
    for name, _value in request.query_params.multi_items():
        if name not in known:
            given = ", ".join(sorted(known)) or "none"
            words = _("{name}: no parameter here; there are: {names}", name=name[:60], names=given)
            raise invalid(words, field=name[:60])
        if name in seen:
            raise invalid(_("{name}: given twice", name=name), field=name)
        seen.add(name)


def names_of(route: Any) -> Iterator[str]:
    """The names that a route takes in its query, by its signature and its ``openapi_extra``."""
    yield from _of_signature(route.dependant)
    for one in (route.openapi_extra or {}).get("parameters", ()):
        if one["in"] == "query":
            yield one["name"]


def _of_signature(dependant: Any) -> Iterator[str]:
    for one in dependant.query_params:
        yield one.alias
    for inner in dependant.dependencies:
        yield from _of_signature(inner)


def filters(names: Iterable[str]) -> dict[str, Any]:
    """The ``openapi_extra`` of a list that is filtered by equality."""
    text = {"type": "string", "maxLength": 254}
    said = {"in": "query", "required": False, "schema": text}
    return {"parameters": [{"name": name, **said} for name in names]}
