#!/usr/bin/env bash
# Installs what the tests need where it is missing: redis-server, curl, Node.js with npm, and the outside judges. Quick when all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly MIN_NODE=20
# Debian 12's Node.js is 18; the registry that npm asks carries newer ones as packages.
readonly NODE_VERSION=22.23.3
readonly NODE_HOME=tests/judges/.node

fail() {
  echo "tests/install.sh: $1" >&2
  exit 1
}

as_root() {
  if [[ "$(id -u)" == 0 ]]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing=()
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v curl >/dev/null || missing+=(curl)
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  [[ ${#missing[@]} == 0 ]] && return
  command -v apt-get >/dev/null || fail "please install: ${missing[*]}"
  echo "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

node_is_new_enough() {
  local major
  major="$(node --print 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)"
  [[ "$major" -ge "$MIN_NODE" ]]
}

install_node() {
  export PATH="$PWD/$NODE_HOME/bin:$PATH"
  node_is_new_enough && return
  local platform
  case "$(uname -m)" in
    x86_64) platform=linux-x64 ;;
    aarch64) platform=linux-arm64 ;;
    *) fail "Node.js $MIN_NODE or newer is needed: please install it" ;;
  esac
  echo "Node.js is older than $MIN_NODE: fetching $NODE_VERSION for the tests"
  local scratch tarball
  scratch="$(mktemp -d)"
  tarball="$(npm pack "node-$platform@$NODE_VERSION" --silent --loglevel=error --pack-destination "$scratch" | tail -n 1)"
  rm -rf "$NODE_HOME"
  mkdir -p "$NODE_HOME"
  tar -xzf "$scratch/$tarball" -C "$NODE_HOME" --strip-components=1
  rm -rf "$scratch"
  hash -r
  node_is_new_enough || fail "the Node.js that was fetched does not run here: please install $MIN_NODE or newer"
}

install_packages
install_node
tests/judges/install.sh
