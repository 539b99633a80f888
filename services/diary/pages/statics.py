"""Static files: an address that carries its file's hash may be kept for ever."""

from os import PathLike, stat_result
from typing import Any

from fastapi import Response
from fastapi.staticfiles import StaticFiles


class Statics(StaticFiles):
    """As Starlette serves files, with how long they may be kept."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Any, status_code: int = 200
    ) -> Response:
        """The file; ``?v=…`` names its content, anything else is asked for again each time."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        kept = b"v=" in scope["query_string"]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        return response
