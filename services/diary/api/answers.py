"""What goes out: JSON encoded once, lists as ``{"items": […], "next": …}``, and problem documents (RFC 9457)."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import Response

from services.kit.problems import Problem

JSON = "application/json"


def json_bytes(body: bytes, status: int = 200) -> Response:
    """An answer that is encoded already."""
    return Response(body, status, media_type=JSON)


def answer(content: Any, status: int = 200) -> Response:
    """Plain data as JSON."""
    return json_bytes(orjson.dumps(content), status)


def listed(items: Sequence[Any], following: str | None = None) -> Response:
    """A collection; ``next`` is what to ask with for more, or null."""
    return answer({"items": items, "next": following})


def refusal(problem: Problem) -> Response:
    """A problem document; 429 and 503 say when to come again where the problem does."""
    headers = {}
    if (seconds := problem.extra.get("retry_after")) is not None:
        headers["Retry-After"] = str(seconds)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        orjson.dumps(problem.document()), problem.status, headers=headers, media_type="application/problem+json"
    )
