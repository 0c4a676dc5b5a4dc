"""nginx, set up as the README says, stands between a client and patmint, which was told to trust it."""

import socket
import subprocess
from urllib.parse import urlsplit

import httpx
import pytest

CONFIGURATION = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_pass http://{server};
    }}
  }}
}}
"""

# All of 127.0.0.0/8 is this machine; nginx itself asks from 127.0.0.1.
CLIENT = "127.0.0.9"


@pytest.fixture(scope="module")
def front(url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, server=urlsplit(url).netloc))
    nginx = ["nginx", "-e", folder / "error.log", "-c", configuration]
    subprocess.run(nginx, check=True)  # it listens when this returns
    yield f"http://127.0.0.1:{port}"
    subprocess.run([*nginx, "-s", "quit"], check=True)


@pytest.fixture
def only_from(owner):
    """Restricts from where tokens may be exchanged."""

    def restrict(*networks: str) -> None:
        answer = owner.http.patch(
            "/api/v1/orgs/acme/policy", json={"allowed_networks": networks}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text

    yield restrict
    restrict()


def exchange(front: str, token: str, headers: dict[str, str]) -> int:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=CLIENT), headers=headers) as client:
        return client.post(f"{front}/api/token/refresh", json={"refresh": token}).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Forwarded-For": "192.0.2.1"},
        {"X-Forwarded-For": "192.0.2.1, 127.0.0.1"},
        {"X-Forwarded-For": "garbage"},
        {"Forwarded": "for=192.0.2.1"},
        {"X-Real-IP": "192.0.2.1"},
    ],
)
def test_the_client_is_who_asks_nginx(front, account, only_from, headers):
    only_from(f"{CLIENT}/32")
    assert exchange(front, account.token, headers) == 200
    only_from("192.0.2.0/24", "127.0.0.1/32")
    assert exchange(front, account.token, headers) == 401
