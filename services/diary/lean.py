"""Routes that are asked so often that FastAPI's own solving of parameters is left out."""

from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.diary.edge import Gate, current_viewer


class Lean(APIRoute):
    """Declared and described as every route, and behind its gate as every route; answered by a few lines instead.

    Its endpoint takes ``request``, ``viewer``, and texts by their names in path and query; nothing else. What FastAPI
    would do for that, and for what may have to be closed afterwards, costs as much again as all else that the web does
    for a request. What the endpoint raises is answered by the application, as of every route.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        gate, *others = [one.call for one in self.dependant.dependencies]
        if not isinstance(gate, Gate) or others != [current_viewer]:
            raise TypeError(f"{self.path} depends on more than its gate and its viewer")
        self._gate, self.app = gate, self._answer

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, send)
        viewer = await current_viewer(request)
        await self._gate(request, viewer)
        named = {**request.path_params, **request.query_params}
        answer: Response = await self.endpoint(request=request, viewer=viewer, **named)
        await answer(scope, receive, send)
