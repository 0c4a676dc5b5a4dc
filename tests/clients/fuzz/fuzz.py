"""Has schemathesis try everything that /openapi.json tells of, as an owner and as an operator, with all of its checks.

Some of what it tries ends a session, an organization or a policy that the rest needs. That is tried too, by people and
in organizations that are there for nothing else.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

URL = os.environ["PATMINT_URL"]
ACCOUNT = json.loads(os.environ["PATMINT_ACCOUNT"])
HERE = Path(__file__).parent
PASSWORD = "a long enough password"


def sent(method: str, path: str, session: str | None = None, **body: object) -> dict:
    headers = {"Authorization": f"Bearer {session}"} if session else {}
    answer = requests.request(method, URL + path, json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json() if answer.content else {}


def sign_in(email: str, password: str) -> str:
    return sent("POST", "/api/v1/session", email=email, password=password)["session_token"]


def invited(name: str, role: str, slug: str, session: str) -> str:
    """Invites somebody: the secret of the invitation."""
    body = {"email": f"{name}@acme.example", "role": role}
    return sent("POST", f"/api/v1/orgs/{slug}/invitations", session, **body)["link"].split("#")[1]


def joined(secret: str) -> str:
    """Accepts an invitation: the id of who did."""
    return sent("POST", "/api/v1/invitations/accept", token=secret, password=PASSWORD)["user_id"]


def owner_of(slug: str, operator: str) -> tuple[str, str]:
    """Founds an organization, and makes somebody who owns it and is in no other: their id and a session."""
    sent("POST", "/api/v1/orgs", operator, name=slug, slug=slug)
    user = joined(invited(slug, "owner", slug, operator))
    return user, sign_in(f"{slug}@acme.example", PASSWORD)


def dictionary(folder: Path, name: str, words: list[str]) -> None:
    """A file with what schemathesis cannot guess, beside its configuration."""
    (folder / name).write_text("".join(f'"{word}"\n' for word in words))


def main(folder: Path) -> int:
    operator = sign_in(ACCOUNT["email"], ACCOUNT["password"])
    _, owner = owner_of("fuzzed", operator)
    _, policy_owner = owner_of("policies", operator)
    _, leaving = owner_of("leaving", operator)
    # Whoever signs out everywhere, is disabled, and gets other passwords.
    bystander, bystanding = owner_of("bystanding", operator)
    sent("POST", "/api/v1/orgs", operator, name="ends", slug="ends")
    member, leaver = (joined(invited(name, "member", "fuzzed", owner)) for name in ("member", "leaver"))
    secrets = [invited(f"new-{number}", "member", "fuzzed", owner) for number in range(20)]
    _, rotating = owner_of("rotating", operator)
    tokens = [sent("POST", "/api/v1/tokens", rotating, name="to be rotated")["id"] for _ in range(20)]
    dictionary(folder, "credentials", [ACCOUNT["token"], ACCOUNT["refresh_jwt"]])
    dictionary(folder, "invitations", secrets)
    dictionary(folder, "tokens", tokens)
    environment = os.environ | {
        "MEMBER": member,
        "LEAVER": leaver,
        "OPERATOR": operator,
        "OWNER": owner,
        "POLICY_OWNER": policy_owner,
        "BYSTANDER": bystander,
        "BYSTANDING": bystanding,
        "LEAVING": leaving,
        "ROTATING": rotating,
    }
    config = shutil.copy(HERE / "schemathesis.toml", folder)
    program = [Path(sys.executable).with_name("schemathesis"), "--config-file", config]
    return subprocess.run([*program, "run", f"{URL}/openapi.json"], env=environment, check=False).returncode


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(Path(scratch)))
