# shellcheck shell=bash
# A scratch PostgreSQL on loopback; sourced after needs.sh. `start_postgres LINE...` sets POSTGRES_URL (a second call does
# nothing); the lines are added to its configuration;
# the script that sources this calls `stop_postgres` from its EXIT trap.
# Durability is PostgreSQL's own default, so that what the tests see of commits holds in production too.

POSTGRES_URL=
postgres_home=

start_postgres() {
  local bin port
  if [[ -n $POSTGRES_URL ]]; then
    return
  fi
  bin=$(postgres_bin)
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  postgres_home=$(mktemp -d "${TMPDIR:-/tmp}/patmint-postgres.XXXXXX")
  if ((EUID == 0)); then
    chown postgres: "$postgres_home"
  fi

  as_postgres "$bin/initdb" --pgdata="$postgres_home/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >"$postgres_home/initdb.log" 2>&1 || postgres_failed "initdb failed"
  cat >>"$postgres_home/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$postgres_home'
max_connections = 200
CONF
  printf '%s\n' "$@" >>"$postgres_home/data/postgresql.conf"
  as_postgres "$bin/pg_ctl" start --pgdata="$postgres_home/data" --log="$postgres_home/server.log" --silent --wait --timeout=60 ||
    postgres_failed "PostgreSQL did not start on 127.0.0.1:$port"
  POSTGRES_URL=postgres://postgres@127.0.0.1:$port/postgres
}

stop_postgres() {
  if [[ -n $postgres_home ]]; then
    as_postgres "$(postgres_bin)/pg_ctl" stop --pgdata="$postgres_home/data" --mode=immediate --silent --wait >/dev/null 2>&1 || true
    rm -rf "$postgres_home"
    postgres_home=
    POSTGRES_URL=
  fi
}

postgres_failed() {
  cat "$postgres_home"/*.log >&2
  fail "$1; its log is above"
}

# PostgreSQL refuses to run as root; / because that user may not see the caller's folder.
as_postgres() {
  if ((EUID == 0)); then
    (cd / && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}
