"""Single sign-on by OpenID Connect Core 1.0: authorization code with PKCE (RFC 7636), state and nonce.

What the provider is (its endpoints and keys) is asked by OpenID Connect Discovery 1.0 and kept for a while. An ID token
counts when one of its keys signed it by an asymmetric algorithm, for this client, for this errand, and it is in time.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from caseward.core.errors import Refused, SystemDown
from caseward.core.ports import Known
from caseward.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Asymmetric ones alone: neither `none`, nor one for which the client's secret would be the key."""
LEEWAY_SECONDS = 60
"""How far the provider's clock may be off."""
KEPT_SECONDS = 3600.0
"""How long its endpoints and keys are believed to be the same."""
ASKED_AGAIN_SECONDS = 30.0
"""How soon its keys may be fetched again for a token that none of them signed: it may have changed them."""
TIMEOUT_SECONDS = 8.0
LONGEST = 512 * 1024
"""Bytes of an answer."""
SYSTEM = "single sign-on"
HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class Oidc:
    """One provider, and this desk as its client."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str = "",
        name: str = "Single sign-on",
        claim: str = "groups",
    ) -> None:
        self.name = name
        self._issuer, self._client, self._secret, self._claim = issuer, client_id, client_secret, claim
        self._http = httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)
        self._lock = threading.Lock()
        self._provider: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._asked_at = self._keys_at = float("-inf")

    def way_in(self, *, back: str, state: str, nonce: str, verifier: str) -> str:
        """Return the address to send a browser to, which comes back to `back`."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": back,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with(self._endpoint("authorization_endpoint"), query)

    def known(self, code: str, *, back: str, nonce: str, verifier: str, now: datetime) -> Known:
        """Return who came back with `code`; raise Refused for what cannot be believed."""
        answer = self._tokens(code, back=back, verifier=verifier)
        claims = self._claims(str(answer.get("id_token", "")), nonce=nonce, now=now)
        if not claims.get("email") and "userinfo_endpoint" in self._asked():
            more = self._userinfo(str(answer.get("access_token", "")))
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        verified = claims.get("email_verified") in (True, "true")
        groups = claims.get(self._claim) or ()
        return Known(
            subject=f"{self._issuer} {claims['sub']}",
            email=str(claims.get("email") or "").strip().lower() if verified else "",
            name=str(claims.get("name") or "").strip(),
            groups=(groups,) if isinstance(groups, str) else tuple(str(each) for each in groups),
        )

    def way_out(self, back: str) -> str:
        """Return the address at which somebody signs out of the provider too, nothing where it has none."""
        try:
            end = self._asked().get("end_session_endpoint")
        except SystemDown:
            return ""
        return _with(str(end), {"client_id": self._client, "post_logout_redirect_uri": back}) if end else ""

    # --- what the provider says ---

    def _tokens(self, code: str, *, back: str, verifier: str) -> Mapping[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        basic: tuple[str, str] | None = None
        if not self._secret:
            form["client_id"] = self._client
        elif "client_secret_basic" in self._asked().get(
            "token_endpoint_auth_methods_supported", ("client_secret_basic",)
        ):
            basic = (_escaped(self._client), _escaped(self._secret))
        else:
            form |= {"client_id": self._client, "client_secret": self._secret}
        endpoint = self._endpoint("token_endpoint")
        status, answer = self._call("POST", endpoint, data=form, auth=basic)
        if status != 200:
            raise Refused(f"{self.name} did not accept the sign-in ({answer.get('error', f'status {status}')})")
        return answer

    def _claims(self, token: str, *, nonce: str, now: datetime) -> Mapping[str, Any]:
        """Return what an ID token says; raise Refused for one that is not what it has to be."""
        try:
            claims = self._decoded(token).claims
            jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": self._client},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Refused(f"{self.name} sent a sign-in that cannot be believed ({_why(error)})") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", self._client if not several else "") != self._client:
            raise Refused(f"{self.name} sent a sign-in that is for another program (azp)")
        if not 0 < len(claims["sub"]) <= 255:
            raise Refused(f"{self.name} sent a sign-in without a usable name (sub)")
        return claims

    def _decoded(self, token: str) -> jwt.Token:
        """Return a token that one of the provider's keys signed; its keys are asked anew where none did."""
        keys = self._keyset()
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            newer = self._keyset(anew=True)
            if newer is keys:
                raise
            return jwt.decode(token, newer, algorithms=ALGORITHMS)

    def _keyset(self, *, anew: bool = False) -> KeySet:
        with self._lock:
            age = time.monotonic() - self._keys_at
            if self._keys is None or age > KEPT_SECONDS or (anew and age > ASKED_AGAIN_SECONDS):
                found = self._get(self._endpoint("jwks_uri"))
                try:
                    self._keys = KeySet.import_key_set(
                        {"keys": [each for each in found["keys"] if each.get("kty") != "oct"]}
                    )
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    raise SystemDown(SYSTEM, f"its keys cannot be read ({_why(error)})") from error
                self._keys_at = time.monotonic()
            return self._keys

    def _userinfo(self, access: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {access}"}
        status, answer = self._call("GET", self._endpoint("userinfo_endpoint"), headers=headers)
        return answer if status == 200 else {}

    def _endpoint(self, name: str) -> str:
        found = str(self._asked().get(name, ""))
        parts = urlsplit(found)
        if parts.scheme != "https" and parts.hostname not in HERE:
            raise SystemDown(SYSTEM, f"its {name} is {found!r}, which is not an https address")
        return found

    def _asked(self) -> Mapping[str, Any]:
        if not self._provider or time.monotonic() - self._asked_at > KEPT_SECONDS:
            found = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise SystemDown(SYSTEM, f"it calls itself {found.get('issuer')!r}; give that as CASEWARD_OIDC_ISSUER")
            self._provider, self._asked_at = found, time.monotonic()
        return self._provider

    def _get(self, address: str) -> Mapping[str, Any]:
        status, answer = self._call("GET", address)
        if status != 200:
            raise SystemDown(SYSTEM, f"{urlsplit(address).path} answered {status}")
        return answer

    def _call(self, method: str, address: str, **more: Any) -> tuple[int, Mapping[str, Any]]:
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        try:
            with self._http.stream(method, address, headers=headers, **more) as answer:
                body = b""
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > LONGEST:
                        raise SystemDown(SYSTEM, f"{urlsplit(address).path} sent more than {LONGEST} bytes")
            found = json.loads(body) if body else {}
        except httpx2.HTTPError as error:
            raise SystemDown(SYSTEM, str(error) or type(error).__name__) from error
        except ValueError as error:
            raise SystemDown(SYSTEM, f"{urlsplit(address).path} sent no JSON") from error
        return answer.status_code, found if isinstance(found, dict) else {}


def sign_on(settings: Settings) -> Oidc:
    """Return the provider that is set."""
    return Oidc(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else "",
        name=settings.oidc_name,
        claim=settings.oidc_roles_claim,
    )


def _with(address: str, query: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def _escaped(words: str) -> str:
    """Return what goes into the Basic header, which is form-encoded first (RFC 6749, 2.3.1)."""
    return urlencode({"": words})[1:]


def _why(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__
