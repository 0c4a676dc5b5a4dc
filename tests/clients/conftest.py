"""What every test starts from: a running server and its first owner, as `tests/clients/run` made them."""

import json
import os
from dataclasses import dataclass

import httpx
import pytest


@dataclass(frozen=True)
class Account:
    """The answer of `patmint bootstrap --json`."""

    organization_id: str
    user_id: str
    email: str
    password: str
    token: str
    refresh_jwt: str


@dataclass(frozen=True)
class Credential:
    id: str
    token: str


class Owner:
    """The first owner, signed in on the management API."""

    def __init__(self, url: str, account: Account) -> None:
        self.http = httpx.Client(base_url=url)
        answer = self.http.post("/api/v1/session", json={"email": account.email, "password": account.password})
        assert answer.status_code == 201, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['session_token']}"

    def create(self, kind: str) -> Credential:
        answer = self.http.post("/api/v1/tokens", json={"name": "made by a test", "kind": kind})
        assert answer.status_code == 201, answer.text
        return Credential(answer.json()["id"], answer.json()["token"])

    def revoke(self, credential: Credential) -> None:
        answer = self.http.delete(f"/api/v1/tokens/{credential.id}")
        assert answer.status_code == 204, answer.text


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["PATMINT_URL"]


@pytest.fixture(scope="session")
def account() -> Account:
    return Account(**json.loads(os.environ["PATMINT_ACCOUNT"]))


@pytest.fixture(scope="session")
def owner(url: str, account: Account) -> Owner:
    return Owner(url, account)
