"""PyJWT, with nothing but the published keys, tells a good access token from a bad one."""

import base64
import json

import httpx
import jwt
import pytest

CLAIMS = ["iss", "sub", "aud", "iat", "exp", "jti", "client_id", "scope", "org", "rev", "token_type"]


@pytest.fixture(params=["token", "refresh_jwt"])
def access(request, url, account) -> str:
    """An access token, for the first owner's opaque credential and for their JWT one."""
    answer = httpx.post(f"{url}/api/token/refresh", json={"refresh": getattr(account, request.param)})
    assert answer.status_code == 200, answer.text
    return answer.json()["access"]


def verify(url: str, token: str, **expected: str) -> dict:
    key = jwt.PyJWKClient(f"{url}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    expected = {"issuer": url, "audience": url} | expected
    return jwt.decode(token, key, algorithms=["ES256"], options={"require": CLAIMS}, **expected)


def test_a_good_one_passes(url, account, access):
    claims = verify(url, access)

    assert jwt.get_unverified_header(access)["typ"] == "at+jwt"
    assert claims["sub"] == account.user_id
    assert claims["org"] == account.organization_id
    assert claims["token_type"] == "access"
    assert claims["scope"] == "read write"
    assert claims["exp"] - claims["iat"] == 300
    assert type(claims["rev"]) is int


def test_one_with_a_changed_claim_fails(url, access):
    header, payload, signature = access.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["exp"] += 3600
    longer = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    with pytest.raises(jwt.InvalidSignatureError):
        verify(url, f"{header}.{longer}.{signature}")


def test_one_for_another_audience_or_issuer_fails(url, access):
    with pytest.raises(jwt.InvalidAudienceError):
        verify(url, access, audience="https://other.example")
    with pytest.raises(jwt.InvalidIssuerError):
        verify(url, access, issuer="https://other.example")


def test_a_jwt_credential_can_be_read_by_its_holder(account):
    token = account.refresh_jwt
    claims = jwt.decode(token, options={"verify_signature": False})

    assert jwt.get_unverified_header(token)["typ"] == "refresh+jwt"
    assert claims["token_type"] == "refresh"
    assert type(claims["iat"]) is int
    assert type(claims["exp"]) is int
    assert claims["exp"] > claims["iat"]
