"""The object store (S3, MinIO): blocking by nature, so a bounded pool of threads works it."""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.error import S3Error
from pydantic import SecretStr

from services.kit.object_line import ObjectLine
from services.kit.problems import unavailable
from services.kit.settings import Settings
from services.wire.language import N_

Result = TypeVar("Result")
_THREADS = 16
_REMOVED_AT_ONCE = 500


class ObjectSettings(Settings):
    """Where the object store is, and the keys of the one service that uses it."""

    s3_url: str = "http://127.0.0.1:9000"
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_bucket: str = "daybook"
    s3_region: str = "us-east-1"


class Objects:
    """Objects of one bucket by key; every call raises a 503 Problem while the store is away."""

    def __init__(self, settings: ObjectSettings) -> None:
        url = urlsplit(settings.s3_url)
        keys = Credentials(settings.s3_access_key.get_secret_value(), settings.s3_secret_key.get_secret_value())
        self._bucket = settings.s3_bucket
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="objects")
        self._client = Minio(
            url.netloc,
            access_key=keys.access_key,
            secret_key=keys.secret_key,
            secure=url.scheme == "https",
            region=settings.s3_region,
            http_client=urllib3.PoolManager(
                maxsize=_THREADS, timeout=urllib3.Timeout(connect=2, read=10), retries=urllib3.Retry(1)
            ),
        )
        self._line = ObjectLine(self._client, keys, self._bucket, settings.s3_region)

    async def _run(self, call: Callable[..., Result], *args: Any, **named: Any) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(*args, **named))
        except (urllib3.exceptions.HTTPError, TimeoutError) as error:
            raise unavailable(N_("The object store")) from error

    async def ensure_bucket(self) -> None:
        """Makes the bucket where it is missing; another replica may be quicker."""
        if await self._run(self._client.bucket_exists, bucket_name=self._bucket):
            return
        try:
            await self._run(self._client.make_bucket, bucket_name=self._bucket)
        except S3Error as error:
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise

    async def put(self, key: str, body: bytes, content_type: str) -> None:
        """Stores an object; the same key again replaces it."""
        await self._run(self._write, key, body, content_type)

    def _write(self, key: str, body: bytes, content_type: str) -> None:
        if self._line.ask("PUT", key, body, content_type) is None:
            self._client.put_object(
                bucket_name=self._bucket,
                object_name=key,
                data=io.BytesIO(body),
                length=len(body),
                content_type=content_type,
            )

    async def get(self, key: str) -> bytes:
        """The bytes of an object; KeyError where there is none."""
        return await self._run(self._read, key)

    def _read(self, key: str) -> bytes:
        if (found := self._line.ask("GET", key)) is not None:
            return found
        try:
            response = self._client.get_object(bucket_name=self._bucket, object_name=key)
        except S3Error as error:
            if error.code in {"NoSuchKey", "NoSuchBucket"}:
                raise KeyError(key) from error
            raise
        try:
            body: bytes = response.read()
            return body
        finally:
            response.close()
            response.release_conn()

    async def remove(self, key: str) -> None:
        """Removes an object; none there is fine."""
        await self._run(self._delete, key)

    def _delete(self, key: str) -> None:
        if self._line.ask("DELETE", key) is None:
            self._client.remove_object(bucket_name=self._bucket, object_name=key)

    async def remove_all(self, prefix: str) -> None:
        """Removes every object whose key begins so, one by one: not every store takes many in one request."""
        while keys := await self._run(self._first, prefix):
            await asyncio.gather(*(self.remove(key) for key in keys))

    def _first(self, prefix: str) -> list[str]:
        found = self._client.list_objects(bucket_name=self._bucket, prefix=prefix, recursive=True)
        return [str(one.object_name) for one in islice(found, _REMOVED_AT_ONCE)]

    async def ping(self) -> None:
        """Raises where the store does not answer or the bucket is missing."""
        if not await self._run(self._client.bucket_exists, bucket_name=self._bucket):
            raise RuntimeError(f"the bucket {self._bucket} is missing")

    def close(self) -> None:
        """Lets the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
