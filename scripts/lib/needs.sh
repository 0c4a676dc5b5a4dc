# shellcheck shell=bash
# What the machine must have; sourced by the scripts, from the repository's root. `need NAME...` returns when all of the
# named are there: as root on Debian or Ubuntu it installs what is missing, elsewhere it says what to install and ends.

fail() {
  printf '%s: %s\n' "$0" "$*" >&2
  exit 1
}

# What a need is, and its packages: `describe NAME` sets them. openssl-sys and pq-sys want OpenSSL by pkg-config;
# aws-lc-sys, libsqlite3-sys and pq-src only want the compiler (no cmake, make or perl).
describe() {
  case $1 in
    compiler)
      what='a C compiler with the C library headers'
      debian=(gcc libc6-dev) fedora=(gcc glibc-devel) alpine=(gcc musl-dev)
      ;;
    openssl)
      what='the OpenSSL headers, as pkg-config finds them'
      debian=(pkg-config libssl-dev) fedora=(pkgconf-pkg-config openssl-devel)
      alpine=(pkgconf openssl-dev openssl-libs-static)
      ;;
    postgres)
      what='the PostgreSQL server (initdb, pg_ctl) and psql'
      debian=(postgresql) fedora=(postgresql-server postgresql) alpine=(postgresql postgresql-client)
      ;;
    pgbouncer)
      what='PgBouncer'
      debian=(pgbouncer) fedora=(pgbouncer) alpine=(pgbouncer)
      ;;
    python)
      what='Python 3.10 or newer with venv'
      debian=(python3 python3-venv) fedora=(python3) alpine=(python3)
      ;;
    node)
      what='Node.js 20 or newer with npm'
      debian=(nodejs npm) fedora=(nodejs npm) alpine=(nodejs npm)
      ;;
    chromium)
      what='Chromium'
      debian=(chromium) fedora=(chromium) alpine=(chromium)
      ;;
    faketime)
      what='libfaketime'
      debian=(libfaketime) fedora=(libfaketime) alpine=(libfaketime)
      ;;
    nginx)
      what='nginx'
      debian=(nginx-light) fedora=(nginx) alpine=(nginx)
      ;;
    patroni)
      what='Patroni, etcd and HAProxy'
      debian=(patroni etcd-server haproxy) fedora=(patroni patroni-etcd etcd haproxy) alpine=(patroni etcd haproxy)
      ;;
    dpkg)
      what='dpkg-deb and dpkg-shlibdeps'
      debian=(dpkg-dev) fedora=(dpkg dpkg-dev) alpine=(dpkg dpkg-dev)
      ;;
    systemd)
      what='systemd-analyze and systemd-sysusers'
      debian=(systemd) fedora=(systemd) alpine=(systemd)
      ;;
    *) fail "no need is called '$1' (a mistake in the script, see scripts/lib/needs.sh)" ;;
  esac
}

has() {
  case $1 in
    compiler) cc -E -x c - <<<'#include <stdlib.h>' ;;
    openssl) [[ -n ${OPENSSL_DIR-} ]] || pkg-config --exists openssl ;;
    postgres) postgres_bin && psql --version ;;
    pgbouncer) PATH=$PATH:/usr/sbin type -P pgbouncer ;;
    python) python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' ;;
    chromium) "$(chromium_bin)" --version ;;
    faketime) [[ -n $(find /usr/lib /usr/lib64 /usr/local/lib -name libfaketime.so.1) ]] ;;
    nginx) nginx -v ;;
    patroni) patroni --version && etcd --version && haproxy -v ;;
    dpkg) dpkg-deb --version && dpkg-shlibdeps --version ;;
    systemd) systemd-analyze --version && systemd-sysusers --version ;;
    node) npm --version && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' ;;
  esac >/dev/null 2>&1
}

# Prints the folder of PostgreSQL's server programs, the newest if there are several; Debian keeps them off the PATH.
postgres_bin() {
  local initdb
  for initdb in $(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -rV) "$(type -P initdb)"; do
    if [[ -x $initdb && -x ${initdb%/*}/pg_ctl ]]; then
      printf '%s\n' "${initdb%/*}"
      return
    fi
  done
  return 1
}

# Prints where Chromium is; distributions differ in its name.
chromium_bin() {
  type -P chromium || type -P chromium-browser
}

need() {
  local name what
  local -a debian fedora alpine missing=() on_debian=() on_fedora=() on_alpine=()
  for name in "$@"; do
    if ! has "$name"; then
      describe "$name"
      missing+=("$name")
      on_debian+=("${debian[@]}")
      on_fedora+=("${fedora[@]}")
      on_alpine+=("${alpine[@]}")
      printf '%s: missing: %s\n' "$0" "$what" >&2
    fi
  done
  if ((${#missing[@]} == 0)); then
    return
  fi

  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    fail "install these packages as root, then run this again:
  Debian, Ubuntu   apt-get install ${on_debian[*]}
  Fedora           dnf install ${on_fedora[*]}
  Alpine           apk add ${on_alpine[*]}"
  fi
  apt_install "${on_debian[@]}"
  for name in "${missing[@]}"; do
    describe "$name"
    has "$name" || fail "still missing after apt-get installed ${debian[*]}: $what.
This system's packages are too old or broken: install it another way, then run this again."
  done
}

apt_install() {
  printf '%s: installing with apt-get: %s\n' "$0" "$*" >&2
  export DEBIAN_FRONTEND=noninteractive
  local -a apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update >&2 || fail "apt-get update failed (see above): mend the package sources or the network, then run this again"
  "${apt[@]}" install -y --no-install-recommends "$@" >&2 || fail "apt-get could not install $* (see above): install them by hand, then run this again"
}

# Cargo is named, never installed: which toolchain a machine has is its owner's choice.
need_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  if ! command -v cargo >/dev/null && [[ -x ${HOME-}/.cargo/bin/cargo ]]; then
    PATH=$PATH:$HOME/.cargo/bin
  fi
  command -v cargo >/dev/null ||
    fail "cargo is missing. Install Rust $wanted or newer with rustup (the Rust project's installer), or your system's packages
'rustc' and 'cargo' if they are that new. Then run this again in a new shell."
  found=$(rustc --version | cut -d ' ' -f 2)
  [[ $(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1) == "$wanted" ]] ||
    fail "Rust $found is too old, $wanted or newer is needed: run 'rustup update', or install a newer one. Then run this again."
}

# A program of cargo's that a toolchain may lack.
need_cargo() {
  cargo "$1" --version >/dev/null 2>&1 ||
    fail "'cargo $1' is missing: run 'rustup component add rustfmt clippy', or install your system's package for it. Then run this again."
}
