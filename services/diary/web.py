"""The web's assembly: routes, problem documents for whatever goes wrong, and what every answer carries."""

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.diary.api import (
    API,
    accounts,
    audit,
    captures,
    collections,
    contracts,
    day_tables,
    deletion,
    devices,
    diary,
    edits,
    events,
    licences,
    member_files,
    operations,
    policies,
    scores,
    sessions,
    statements,
    timesheets,
)
from services.diary.api.answers import refusal
from services.diary.api.document import describe
from services.diary.edge import Edge
from services.diary.guard import Guard
from services.diary.lean import lean
from services.diary.pages import routes
from services.diary.pages.all import ROUTERS
from services.diary.pages.render import STATIC
from services.diary.pages.statics import Statics
from services.kit.problems import Problem
from services.kit.service import Service
from services.wire.language import _

log = logging.getLogger(__name__)


#: Asked in this order, so what is asked most comes first.
_API = (
    *(diary, captures, scores, events, edits, operations, timesheets, statements, day_tables),
    *(sessions, accounts, member_files, devices, licences, policies, contracts, deletion, collections, audit),
)


def web(edge: Edge, service: Service) -> FastAPI:
    """The application of one replica."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with edge.live.closing_on_signals():
            async with service.running():
                yield
                edge.live.close()

    app = FastAPI(
        title="Daybook",
        version="1",
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # its own spans name paths, addresses and query strings; ours are those of services/kit/declared.py
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.edge, app.state.service = edge, service
    _hang_up(app, [part.router for part in _API])
    describe(app)
    _add_pages(app)
    _add_refusals(app)
    app.add_middleware(Guard, edge=edge, service=service, first=lean(app.routes))
    return app


def _hang_up(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """The routers' routes in one list. Included routers would be matched twice over with every request, and built twice
    over at every start.
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def _add_pages(app: FastAPI) -> None:
    app.mount("/static", Statics(directory=STATIC), name="static")
    _hang_up(app, [statements.program, *ROUTERS])
    app.state.problem_page, app.state.ended_page = routes.problem_page, routes.ended_page


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        if error.status == 401 and request.method == "POST" and not request.url.path.startswith(f"{API}/"):
            ended: Response = await request.app.state.ended_page(request, error)
            return ended
        return refuse(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = str(first["loc"][-1])
        title = _("This cannot be taken as it is.")
        return refuse(request, Problem(422, "invalid", title, f"{field}: {first['msg']}", field=field))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        title = {404: _("There is nothing here."), 405: _("This method does nothing here.")}.get(
            error.status_code, str(error.detail)
        )
        kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "refused")
        response = refuse(request, Problem(error.status_code, kind, title))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        words = _("Something went wrong here."), _("It has been logged; try again in a moment.")
        return refuse(request, Problem(500, "internal", *words))


def refuse(request: Request, problem: Problem) -> Response:
    """A problem document, or the page for it where a browser asked for one."""
    page: Any = getattr(request.app.state, "problem_page", None)
    if page is not None and not request.url.path.startswith(f"{API}/"):
        response: Response = page(request, problem)
        return response
    return refusal(problem)
