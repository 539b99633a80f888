"""Every route of the web with the action it declares, for tests that go through all of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi.routing import APIRoute, iter_route_contexts

from services.diary.edge import action_of
from services.diary.queries import names_of
from services.diary.web import web
from services.kit.access import Action


class Door(NamedTuple):
    """One method of one path (with its ``{parameters}``); ``action`` None: the route declares none."""

    method: str
    path: str
    action: Action | None
    in_schema: bool
    takes: frozenset[str] = frozenset()
    """The names that its query may carry."""


def doors() -> Iterator[Door]:
    """All routes of the web, pages and API alike; what they stand on is not needed to name them."""
    nothing: Any = None
    for context in iter_route_contexts(web(nothing, nothing).routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            for method in sorted(context.methods or ()):
                taken = frozenset(names_of(route))
                yield Door(method, context.path or "", action_of(route), route.include_in_schema, taken)
