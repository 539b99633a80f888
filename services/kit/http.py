"""HTTP as the web speaks it: what is not even a request is answered with a problem document, like any other refusal."""

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.kit.problems import Problem
from services.wire.language import N_

_NO_REQUEST = Problem(
    400,
    "not-a-request",
    N_("This is no request."),
    N_("The methods that do something are listed in /api/v1/openapi.json."),
)


class Protocol(HttpToolsProtocol):
    """uvicorn's, with our words for what cannot be parsed (an unknown verb, a broken header)."""

    def send_400_response(self, msg: str) -> None:
        """Says so and closes."""
        body = orjson.dumps(_NO_REQUEST.document())
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\nx-content-type-options: nosniff\r\n"
            f"cache-control: no-store\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
