# shellcheck shell=bash
# What tests install for themselves, once for each version of what lists it; sourced after needs.sh.

absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
  esac
}

# cached FOLDER COMMAND...: has COMMAND fill FOLDER, unless it did so before for the same standard input.
cached() {
  local folder=$1 key
  shift
  key=$(sha256sum)
  if [[ -f $folder/.key && $(<"$folder/.key") == "$key" ]]; then
    return
  fi
  rm -rf "$folder"
  mkdir -p "$folder"
  "$@" "$folder"
  printf '%s\n' "$key" >"$folder/.key"
}

make_node() {
  cp "$1"/{package.json,package-lock.json,.npmrc} "$2"
  (cd "$2" && npm ci --loglevel=error --no-audit --no-fund >&2) || fail "npm could not install $1/package-lock.json (see above)"
}

# In the folder $2, the packages that the folder $1 lists.
node_of() {
  cat "$1"/{package.json,package-lock.json,.npmrc} | cached "$2" make_node "$1"
}
