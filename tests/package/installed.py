"""Installs the package, uses what it brought, and removes it. Runs as root of a system that is thrown away (see `run`);
/tmp/upper shows what has changed on it, /tmp/lower what was there."""

import json
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

DEB = "/tmp/patmint.deb"
UNIT = Path("/usr/lib/systemd/system/patmint.service")
CONFIGURATION = Path("/etc/patmint/patmint.toml")
STATE = Path("/var/lib/patmint")
KEYS = STATE / "keys"
# What dpkg and systemd-sysusers write down themselves.
BOOKS = re.compile(
    r"/(var/lib/dpkg|var/log|var/cache|run|tmp|proc|dev)(/|$)"
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/etc/\.pwd\.lock$"
)


def run(*command, good=(0,), **options):
    done = subprocess.run(command, text=True, capture_output=True, **options)
    if done.returncode not in good:
        sys.exit(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def changed():
    """What is different from the system as it was, without what is written down."""
    found = set()
    for folder, folders, files in os.walk("/tmp/upper"):
        for name in files + folders:
            path = "/" + os.path.relpath(os.path.join(folder, name), "/tmp/upper")
            # A folder is there too when only something in it has changed.
            is_from_before = os.path.isdir(path) and os.path.isdir("/tmp/lower" + path)
            if not BOOKS.match(path) and not is_from_before:
                found.add(path)
    return found


def mode(path):
    entry = path.lstat()
    owner = pwd.getpwuid(entry.st_uid).pw_name
    return owner, stat.S_IMODE(entry.st_mode)


def equal(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, and not {wanted!r}")


def in_unit(name):
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


class Service:
    """The service as its unit starts it: same command, user, folder and environment, without capabilities."""

    def __init__(self):
        [command], [user], [folder] = in_unit("ExecStart"), in_unit("User"), in_unit("WorkingDirectory")
        self.as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
        self.as_user += ["--inh-caps=-all", "--bounding-set=-all"]
        self.process = subprocess.Popen(
            self.as_user + shlex.split(command), cwd=folder, env={}, text=True, stderr=subprocess.PIPE, umask=0o077
        )
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found[1]
                return
        sys.exit("the service does not come up:\n" + "".join(said))

    def command(self, *arguments):
        return run(*self.as_user, "patmint", "--config", str(CONFIGURATION), *arguments, cwd="/", env={"PATH": "/usr/bin"})

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path, data=body and json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.load(answer)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(timeout=60), 0, "the end of the service")


def installs():
    run("dpkg", "--install", DEB)
    for path, wanted in {
        "/usr/bin/patmint": ("root", 0o755),
        UNIT: ("root", 0o644),
        CONFIGURATION: ("root", 0o640),
        STATE: ("patmint", 0o700),
        KEYS: ("patmint", 0o700),
    }.items():
        equal(mode(Path(path)), wanted, path)
    equal(CONFIGURATION.group(), "patmint", "the group of the configuration")
    user = pwd.getpwnam("patmint")
    equal((user.pw_dir, user.pw_shell), (str(STATE), "/usr/sbin/nologin"), "the user")
    listed = run("dpkg-query", "--listfiles", "patmint").split()
    strange = changed() - set(listed) - {str(STATE), str(KEYS)} - helper_notes()
    equal(strange, set(), "not of the package")
    equal(run("dpkg", "--verify", "patmint"), "", "dpkg --verify")


def helper_notes():
    """What deb-systemd-helper notes, so that a purge removes what `systemctl enable` made."""
    root = Path("/var/lib/systemd/deb-systemd-helper-enabled")
    return {str(path) for path in [root, *root.rglob("*")] if "patmint" in path.name or path.is_dir()}


def unit_is_good():
    equal(run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(UNIT)), "", "systemd-analyze verify")
    # In tenths: 100 is a process that may do anything.
    run("systemd-analyze", "security", "--offline=true", "--threshold=15", str(UNIT))


def is_configured_and_kept():
    """A port that is free, and what the administrator wrote stays when the package is installed again."""
    text = CONFIGURATION.read_text().replace('# listen = "127.0.0.1:8080"', 'listen = "127.0.0.1:0"')
    CONFIGURATION.write_text(text)
    CONFIGURATION.chmod(0o600)
    run("chown", "patmint:", str(CONFIGURATION))
    run("dpkg", "--install", "--force-confold", DEB)
    equal((CONFIGURATION.read_text(), mode(CONFIGURATION)), (text, ("patmint", 0o600)), "the configuration after an upgrade")


def serves():
    service = Service()
    equal(service.ask("/readyz"), {"status": "ok"}, "/readyz")
    owner = json.loads(service.command("bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--json"))
    access = service.ask("/api/token/refresh", {"refresh": owner["token"]})["access"]
    equal(access.count("."), 2, "dots in an access token")
    service.stop()
    for file in [*STATE.rglob("*")]:
        wanted = 0o700 if file.is_dir() else 0o600
        equal(mode(file), ("patmint", wanted), file)
    again = Service()
    again.ask("/api/token/refresh", {"refresh": owner["token"]})
    again.stop()


def is_removed_and_purged():
    key = KEYS / "root.key"
    run("systemctl", "enable", "patmint.service")
    before = key.read_bytes()
    run("dpkg", "--remove", "patmint")
    equal((Path("/usr/bin/patmint").exists(), CONFIGURATION.exists()), (False, True), "removed, with its configuration kept")
    said = run("dpkg", "--purge", "patmint")
    if str(STATE) not in said:
        sys.exit(f"the purge does not say what it leaves:\n{said}")
    equal(key.read_bytes(), before, "the root key after a purge")
    equal(changed(), {str(STATE), *map(str, STATE.rglob("*"))}, "left by the purge")
    shutil.rmtree(STATE)
    # Without anything of worth there is nothing left.
    run("dpkg", "--install", DEB)
    run("dpkg", "--purge", "patmint")
    equal(changed(), set(), "left by a purge of what was never used")


if __name__ == "__main__":
    installs()
    unit_is_good()
    is_configured_and_kept()
    serves()
    is_removed_and_purged()
    print("installed, used, removed and purged")
