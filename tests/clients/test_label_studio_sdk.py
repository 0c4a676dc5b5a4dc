"""Label Studio's SDK as it comes: given a credential, it exchanges it by itself and calls with the access token."""

import asyncio
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import jwt
import pytest
from label_studio_sdk import AsyncLabelStudio, LabelStudio
from label_studio_sdk.core.api_error import ApiError

EXCHANGE = ("POST", "/api/token/refresh/")
WHOAMI = ("GET", "/api/current-user/whoami")


class Done:
    """Nothing to wait for: lets one hook serve sync clients, which ignore it, and async ones, which await it."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class Requests:
    """Keeps every request that a client sends."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        self.hooks = {"request": [self.note]}

    def note(self, request: httpx.Request) -> Done:
        self.sent.append(request)
        return Done()

    def lines(self) -> list[tuple[str, str]]:
        return [(request.method, request.url.path) for request in self.sent]


@pytest.fixture
def requests() -> Requests:
    return Requests()


def client(url: str, api_key: str, requests: Requests) -> LabelStudio:
    return LabelStudio(base_url=url, api_key=api_key, httpx_client=httpx.Client(event_hooks=requests.hooks))


def assert_bearer(request: httpx.Request, user_id: str) -> None:
    scheme, _, token = request.headers["Authorization"].partition(" ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (scheme, claims["token_type"], claims["sub"]) == ("Bearer", "access", user_id)


def test_a_call_is_preceded_by_one_exchange_and_bears_the_access_token(url, account, requests):
    me = client(url, account.refresh_jwt, requests).users.whoami()

    assert requests.lines() == [EXCHANGE, WHOAMI]
    exchange, call = requests.sent
    assert "Authorization" not in exchange.headers
    assert_bearer(call, account.user_id)
    assert me.email == account.email
    assert type(me.id) is int


def test_later_calls_reuse_the_access_token(url, account, requests):
    studio = client(url, account.refresh_jwt, requests)

    ids = {studio.users.whoami().id for _ in range(3)}

    assert requests.lines() == [EXCHANGE, WHOAMI, WHOAMI, WHOAMI]
    assert len(ids) == 1


def test_the_async_client_exchanges_once_too(url, account, requests):
    async def call_twice():
        async with httpx.AsyncClient(event_hooks=requests.hooks) as http:
            studio = AsyncLabelStudio(base_url=url, api_key=account.refresh_jwt, httpx_client=http)
            return [await studio.users.whoami() for _ in range(2)]

    first, second = asyncio.run(call_twice())

    assert requests.lines() == [EXCHANGE, WHOAMI, WHOAMI]
    assert_bearer(requests.sent[1], account.user_id)
    assert first.email == second.email == account.email
    assert type(first.id) is int


def test_eight_threads_share_one_exchange(url, account, requests):
    studio = client(url, account.refresh_jwt, requests)
    start = Barrier(8)

    def call(_):
        start.wait()
        return studio.users.whoami().email

    with ThreadPoolExecutor(8) as threads:
        emails = list(threads.map(call, range(8)))

    assert emails == [account.email] * 8
    assert requests.lines().count(EXCHANGE) == 1
    assert requests.lines().count(WHOAMI) == 8


def test_a_revoked_credential_is_refused_in_words_that_the_sdk_understands(url, owner, requests):
    credential = owner.create("jwt")
    client(url, credential.token, requests).users.whoami()
    owner.revoke(credential)

    with pytest.raises(ApiError) as refused:
        client(url, credential.token, requests).users.whoami()

    assert refused.value.status_code == 401
    assert refused.value.body == {"detail": "Token is invalid or expired", "code": "token_not_valid"}
    assert requests.lines() == [EXCHANGE, WHOAMI, EXCHANGE]
