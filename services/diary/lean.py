"""Routes that are asked so often that FastAPI's own solving of parameters is left out."""

from collections.abc import Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.diary.api.answers import refusal
from services.diary.edge import Gate, current_viewer
from services.kit.problems import Problem


class Lean(APIRoute):
    """Declared and described as every route, and behind its gate as every route; answered by a few lines instead.

    Its endpoint takes ``request``, ``viewer``, and texts by their names in path and query, and refuses by a Problem;
    nothing else. What the application would do for that, and for what may have to be closed afterwards, costs as much
    again as all else that the web does for a request: so the guard asks these routes first (``takes``). What is no GET
    of theirs goes by the application, as everything else.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        gate, *others = [one.call for one in self.dependant.dependencies]
        if not isinstance(gate, Gate) or others != [current_viewer]:
            raise TypeError(f"{self.path} depends on more than its gate and its viewer")
        self._gate, self.app = gate, self.answer

    def takes(self, scope: Any) -> bool:
        """Whether this request is one of this route's, which is then noted in the scope."""
        if scope["method"] != "GET" or not (match := self.path_regex.match(scope["path"])):
            return False
        scope["route"], scope["path_params"] = self, match.groupdict()
        return True

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers a request that is this route's."""
        try:
            answer = await self._answer(Request(scope, receive))
        except Problem as problem:
            answer = refusal(problem)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        viewer = await current_viewer(request)
        await self._gate(request, viewer)
        named = dict(request.path_params)
        if request.scope["query_string"]:
            named |= request.query_params
        answer: Response = await self.endpoint(request=request, viewer=viewer, **named)
        return answer


def lean(routes: Iterable[Any]) -> list[Lean]:
    """Those of an application's routes that are answered this way."""
    return [one for one in routes if isinstance(one, Lean)]
