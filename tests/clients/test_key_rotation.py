"""Signing keys that change every two seconds, under load: PyJWT, jose and patmint's own crate, which keep them, refuse nothing.

For a minute: PATMINT_TEST_ROTATION_SECONDS=60.
"""

import json
import os
import shlex
import subprocess
import threading
import time
from collections import Counter

import httpx
import jwt
import pytest

SECONDS = float(os.environ["PATMINT_TEST_ROTATION_SECONDS"])
EVERY = 2.0
CLIENTS = 4
# One of so many access tokens is verified again at the end, when other keys have long followed the one that signed it.
KEPT_OF = 20
# How long an access token lives, and how old one may be that is verified again.
TTL, KEPT_FOR = 60, 50
ANY_VERSION = {"If-Match": "*"}


class Rotator(threading.Thread):
    """Makes a new signing key every two seconds, by the command."""

    def __init__(self, ends: float) -> None:
        super().__init__()
        self.ends = ends
        self.made = 0
        self.failures = []

    def run(self) -> None:
        command = shlex.split(os.environ["PATMINT_COMMAND"])
        # What the tests are told is no setting of patmint's, which refuses what it does not know.
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PATMINT_")}
        due = time.monotonic()
        while due < self.ends:
            time.sleep(max(0.0, due - time.monotonic()))
            done = subprocess.run([command[0], "keys", "rotate", *command[1:]], env=outside, capture_output=True, text=True)
            self.made += 1
            if done.returncode != 0:
                self.failures.append(done.stderr)
            due += EVERY


class Client(threading.Thread):
    """Exchanges without a pause and has each access token verified at once."""

    def __init__(self, url: str, token: str, verify, ends: float) -> None:
        super().__init__()
        self.http = httpx.Client(base_url=url)
        self.token, self.verify, self.ends = token, verify, ends
        self.kids, self.kept, self.failures = Counter(), [], []

    def run(self) -> None:
        while time.monotonic() < self.ends:
            answer = self.http.post("/api/token/refresh", json={"refresh": self.token})
            if answer.status_code != 200:
                self.failures.append(answer.text)
                continue
            access = answer.json()["access"]
            kid = jwt.get_unverified_header(access)["kid"]
            if self.kids.total() % KEPT_OF == 0:
                self.kept.append((time.monotonic(), access))
            self.kids[kid] += 1
            try:
                self.verify(access)
            except jwt.PyJWTError as error:
                self.failures.append(f"PyJWT refuses one by {kid}: {error}")


@pytest.fixture
def short_lives(owner, account):
    """Access tokens live for a minute, so that a signing key is needed no longer."""
    policy = f"/api/v1/orgs/{account.organization_id}/policy"
    before = owner.http.get(policy).json()["access_token_ttl"]
    assert owner.http.patch(policy, json={"access_token_ttl": TTL}, headers=ANY_VERSION).status_code == 200
    yield
    assert owner.http.patch(policy, json={"access_token_ttl": before}, headers=ANY_VERSION).status_code == 200


@pytest.fixture
def services(url):
    """Processes that verify what is written to them, and say at the end how much of it was good: jose, and our own crate."""
    program = os.path.join(os.environ["PATMINT_NODE_HOME"], "verify-lines.mjs")
    ours = [os.environ["PATMINT_TRIALS"], "verify", "--issuer", url, "--max-age", "1"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(["node", program, url], **pipes) as jose, subprocess.Popen(ours, **pipes) as own:
        yield [jose, own]
        jose.kill()
        own.kill()


def test_a_verifier_that_keeps_the_keys_refuses_nothing(url, account, short_lives, services):
    keys = jwt.PyJWKClient(f"{url}/.well-known/jwks.json")
    lines = threading.Lock()

    def verify(access: str) -> None:
        with lines:
            for service in services:
                service.stdin.write(access + "\n")
        key = keys.get_signing_key_from_jwt(access)
        jwt.decode(access, key, algorithms=["ES256"], issuer=url, audience=url)

    ends = time.monotonic() + SECONDS
    rotator = Rotator(ends)
    clients = [Client(url, account.token, verify, ends) for _ in range(CLIENTS)]
    for thread in [rotator, *clients]:
        thread.start()
    for thread in [rotator, *clients]:
        thread.join()
    since = time.monotonic() - KEPT_FOR
    kept = [access for client in clients for made, access in client.kept if made > since]
    for access in kept:
        verify(access)

    assert rotator.failures == []
    assert [failure for client in clients for failure in client.failures] == []
    signed = sum((client.kids for client in clients), Counter())
    # The first key, and each that had its two seconds of notice; the last one or two had not.
    assert len(signed) >= rotator.made - 1 >= 2, signed
    for service in services:
        said = json.loads(service.communicate(timeout=60)[0])
        assert said == {"good": signed.total() + len(kept), "refused": {}}, service.args
