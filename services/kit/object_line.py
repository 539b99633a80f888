"""The short way to an object: one signed request over a connection that its thread keeps.

minio's client spends three times as much on a request as sending it takes. What is done for every picture, putting one
object, getting one or removing it, goes this way, signed by minio's own signer; whatever comes of it but a plain 200
(of a removal, 204) is nobody's answer, and is asked of the client anew, which knows errors, redirects and retries. So
only what may be done twice goes this way.
"""

import hashlib
import http.client
import threading
from datetime import UTC, datetime
from typing import cast
from urllib.parse import quote, urlsplit

from minio import Minio
from minio.credentials.credentials import Credentials
from minio.helpers import DictType
from minio.signer import sign_v4_s3

_PLAIN = {http.client.OK, http.client.NO_CONTENT}
_CONNECT_SECONDS, _ANSWER_SECONDS = 2.0, 10.0


class ObjectLine(threading.local):
    """The connection of one thread; every thread that uses it finds its own."""

    def __init__(self, client: Minio, keys: Credentials, bucket: str, region: str) -> None:
        # where the bucket lies, in the host's name or in the path, the client knows
        self._root = urlsplit(client.get_presigned_url("GET", bucket, "x"))._replace(query="")
        self._keys, self._region = keys, region
        kind = http.client.HTTPSConnection if self._root.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(self._root.netloc, timeout=_CONNECT_SECONDS)

    def ask(self, method: str, key: str, body: bytes = b"", content_type: str | None = None) -> bytes | None:
        """The body of a plain answer; None for all else. TimeoutError where the store does not answer."""
        url = self._root._replace(path=self._root.path.removesuffix("x") + quote(key))
        digest, now = hashlib.sha256(body).hexdigest(), datetime.now(UTC)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        headers: DictType = {"Host": url.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        if content_type:
            headers["Content-Type"] = content_type
        signed = sign_v4_s3(
            method=method,
            url=url,
            region=self._region,
            headers=headers,
            credentials=self._keys,
            content_sha256=digest,
            date=now,
        )
        return self._send(method, url.path, body or None, cast(dict[str, str], signed))

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes | None:
        line = self._connection
        begins = line.sock is None
        try:
            if begins:
                line.connect()
                line.sock.settimeout(_ANSWER_SECONDS)
            line.request(method, path, body, headers)
            response = line.getresponse()
            answer = response.read()
        except BaseException as error:
            line.close()  # half of an answer may be under way on it
            if isinstance(error, TimeoutError) or not isinstance(error, OSError | http.client.HTTPException):
                raise
            return None
        return answer if response.status in _PLAIN else None
