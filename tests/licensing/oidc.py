"""A small OpenID Connect provider on a loopback port: real keys, real signatures, and a way to lie in every claim."""

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

Spoil = Callable[[dict[str, Any]], None]


class Provider:
    """Lets in whoever ``email`` is; ``spoil`` changes the ID token's claims, ``sign`` how it is signed."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.other = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.url, self.email, self.verified = "", "", True
        self.client_id, self.client_secret = "daybook", "provider's secret: ä"
        self.spoil: Spoil = lambda claims: None
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.about: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def signed_with_the_public_key(self, claims: dict[str, Any]) -> str:
        """The confusion of algorithms: HMAC with the text of the public key as its secret."""
        public = self.key.as_pem(private=False)
        return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(public), algorithms=["HS256"])

    def unsigned(self, claims: dict[str, Any]) -> str:
        parts = ({"alg": "none", "kid": "one"}, claims)
        return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts) + "."

    def signed_by_another(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.other)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Provider"]:
        server = uvicorn.Server(uvicorn.Config(self._app, port=0, log_config=None, lifespan="off", interface="asgi3"))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 (the server has no event for it)
            await asyncio.sleep(0.01)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            await serving

    def log_in(self, location: str) -> str:
        """What the person does at the provider: the address that their browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.url}/authorize?")
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert (asked["client_id"], asked["scope"].split()[0]) == (self.client_id, "openid")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        return f"{urlsplit(back).path}?{urlsplit(back).query}"

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        path, body = scope["path"], (await receive())["body"]
        self.asked.append(path)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, content = self._answer(path, {name: one[0] for name, one in parse_qs(body.decode()).items()}, headers)
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = [(b"content-type", b"application/json"), (b"location", f"{self.url}/keys".encode())]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": raw})

    def _answer(self, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return 200, {"issuer": self.url} | {k: f"{self.url}/{v}" for k, v in ends.items()} | self.about
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        return (200, self._token(form, headers)) if path == "/token" else (404, {})

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        pair = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
        assert [unquote(one) for one in pair.split(":")] == [self.client_id, self.client_secret]
        asked = self.codes.pop(form["code"])
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        assert (form["grant_type"], form["redirect_uri"]) == ("authorization_code", asked["redirect_uri"])
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.client_id, "sub": "one", "iat": now, "exp": now + 300}
        claims |= {"nonce": asked["nonce"], "email": self.email, "email_verified": self.verified}
        self.spoil(claims)
        return {"access_token": "unused", "token_type": "Bearer", "id_token": self.sign(claims)}
