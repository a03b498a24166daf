"""An OpenID Connect provider on loopback, as OpenID Connect Core 1.0 and Discovery 1.0 describe one: discovery, keys,
authorization code with PKCE, ID tokens, userinfo, sign-out.

Its people are signed in without being asked anything; `who` says which. What an attacker or a careless provider would
do is set on `twist`, and the keys are changed by `rotate`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "caseward", "a secret of the simulator"
LASTS_SECONDS = 300


@dataclass(kw_only=True)
class Somebody:
    """A person whom the provider knows."""

    sub: str
    email: str = ""
    verified: bool = True
    name: str = ""
    groups: tuple[str, ...] = ()

    def claims(self) -> dict[str, Any]:
        """Return what the provider tells of them."""
        told = {"sub": self.sub, "email": self.email, "email_verified": self.verified, "name": self.name}
        return {**told, "groups": list(self.groups)}


@dataclass
class Provider:
    """One provider with one client."""

    clock: Callable[[], float] = time.time
    who: Somebody | None = None
    """Who is signed in there; nobody refuses."""
    twist: Callable[[dict[str, Any]], None] = lambda _claims: None
    """Changes the claims of the next ID tokens."""
    algorithm: str = "RS256"
    """`none` leaves them unsigned, `HS256` signs with the client's secret."""
    thin: bool = False
    """Whether the ID token holds no more than it must, so that userinfo has to be asked."""
    down: bool = False
    base: str = ""
    """Where it is, once it is served: the issuer."""
    asked: list[str] = field(default_factory=list)
    """Paths that were called."""
    _codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _tokens: dict[str, Somebody] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the keys, and the application that is served."""
        self.rotate()
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
            ]
        )

    def rotate(self) -> None:
        """Sign with another key from now on; the earlier one is not told any more."""
        self._key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"}, auto_kid=False)

    def _discovery(self, request: Request) -> Response:
        return self._answer(
            request,
            {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/token",
                "jwks_uri": f"{self.base}/keys",
                "userinfo_endpoint": f"{self.base}/userinfo",
                "end_session_endpoint": f"{self.base}/leave",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            },
        )

    def _jwks(self, request: Request) -> Response:
        return self._answer(request, KeySet([self._key]).as_dict(private=False))

    def _authorize(self, request: Request) -> Response:
        query = request.query_params
        if query.get("client_id") != CLIENT or query.get("code_challenge_method") != "S256":
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        if self.who is None:
            answer = {"error": "access_denied"}
        else:
            answer = {"code": secrets.token_urlsafe(16)}
            kept = {name: query[name] for name in ("nonce", "code_challenge", "redirect_uri")}
            self._codes[answer["code"]] = {**kept, "sub": self.who.sub}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode({**answer, 'state': query['state']})}", 302)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        kept = self._codes.pop(str(form.get("code")), None)
        hashed = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if not _is_client(request.headers.get("authorization", "")):
            return self._answer(request, {"error": "invalid_client"}, 401)
        fits = kept and (kept["code_challenge"], kept["redirect_uri"]) == (challenge, form.get("redirect_uri"))
        if not kept or not fits or self.who is None:
            return self._answer(request, {"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(16)
        self._tokens[access] = self.who
        told = {"access_token": access, "token_type": "Bearer", "id_token": self._id_token(self.who, kept["nonce"])}
        return self._answer(request, told)

    def _userinfo(self, request: Request) -> Response:
        somebody = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return self._answer(request, somebody.claims()) if somebody else JSONResponse({}, status_code=401)

    def _id_token(self, somebody: Somebody, nonce: str) -> str:
        now = int(self.clock())
        claims: dict[str, Any] = {
            "iss": self.base,
            "aud": CLIENT,
            "iat": now,
            "exp": now + LASTS_SECONDS,
            "nonce": nonce,
        }
        claims |= {"sub": somebody.sub} if self.thin else somebody.claims()
        self.twist(claims)
        if self.algorithm == "none":
            return f"{_plain({'alg': 'none', 'typ': 'JWT'})}.{_plain(claims)}."
        if self.algorithm == "HS256":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        return jwt.encode({"alg": self.algorithm, "kid": self._key.kid}, claims, self._key)

    def _answer(self, request: Request, told: Mapping[str, Any], status: int = 200) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse({"error": "down"}, status_code=503) if self.down else JSONResponse(told, status)


def _is_client(header: str) -> bool:
    try:
        given = base64.b64decode(header.removeprefix("Basic ")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return [unquote_plus(part) for part in given.split(":", 1)] == [CLIENT, SECRET]


def _plain(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
