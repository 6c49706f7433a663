#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, then the outside judges. Does nothing, quickly, when all is there.
#
#   Debian's packages    redis-server, openssl, curl, kill, Node.js and npm, Python with venv, a C compiler for Rust to link with
#   tests/judges/.node/  a newer Node.js where the machine's is too old, as on Debian 12
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly MIN_NODE=20
readonly NODE_VERSION=22.23.3
readonly NODE_SHA256_X64=00b5c43d88958dbbf45339c4d5e9a76289c7e25876fd08270b379e485e151fc5
readonly NODE_SHA256_ARM64=894b9938b215d40b3a38db094ef436d02b3bc7dd16f04fca145a4735cd9e9035
readonly NODE_BIN=tests/judges/.node/bin

fail() {
  echo "tests/install.sh: $1" >&2
  exit 1
}

install_packages() {
  local missing=()
  type -P redis-server >/dev/null || missing+=(redis-server)
  type -P redis-cli >/dev/null || missing+=(redis-tools)
  type -P openssl >/dev/null || missing+=(openssl)
  type -P curl >/dev/null || missing+=(curl)
  type -P kill >/dev/null || missing+=(procps)
  type -P node >/dev/null || missing+=(nodejs)
  type -P npm >/dev/null || missing+=(npm)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
  type -P cc >/dev/null || missing+=(gcc libc6-dev)
  [[ ${#missing[@]} -eq 0 ]] && return
  echo "tests/install.sh: installing ${missing[*]}"
  type -P apt-get >/dev/null || fail "this machine has no apt-get: please install the like of ${missing[*]}"
  local as_root=()
  if [[ "$(id -u)" -ne 0 ]]; then
    type -P sudo >/dev/null || fail "neither root nor sudo: please have somebody run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  # Of several package sources only Debian's own must answer; what is missing in the end, `install` tells.
  "${as_root[@]}" apt-get update -qq || echo 'tests/install.sh: apt-get update failed, going on with the lists that are there' >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install ${missing[*]}, see above"
  hash -r
}

node_is_new_enough() {
  local major
  major="$(node --print 'process.versions.node.split(".")[0]' 2>/dev/null)" && [[ "$major" -ge "$MIN_NODE" ]]
}

# From the npm registry, because whoever gets here reaches it anyway: the judges come from there.
fetch_node() {
  local platform sha256 package tarball
  case "$(uname -m)" in
    x86_64) platform=linux-x64 sha256=$NODE_SHA256_X64 ;;
    aarch64) platform=linux-arm64 sha256=$NODE_SHA256_ARM64 ;;
    *) fail "node is $(node --version), Shopify's library needs $MIN_NODE or newer: please install one" ;;
  esac
  package="node-$platform@$NODE_VERSION"
  echo "tests/install.sh: node is $(node --version), Shopify's library needs $MIN_NODE or newer: fetching $package into $NODE_BIN"
  scratch="$(mktemp -d)"
  trap 'rm -rf "$scratch"' EXIT
  tarball="$scratch/$(npm pack "$package" --silent --loglevel=error --pack-destination "$scratch" | tail -n 1)" ||
    fail "npm pack $package failed, see above"
  echo "$sha256  $tarball" | sha256sum --check --quiet || fail "$package is not the tarball that was reviewed"
  mkdir -p "$NODE_BIN"
  tar -xzf "$tarball" -C "$NODE_BIN" --strip-components=2 package/bin/node
  hash -r
  node_is_new_enough || fail "$package does not run here: please install Node.js $MIN_NODE or newer"
}

# As the Makefile does for the tests.
export PATH="$PWD/$NODE_BIN:$PATH"
# One that was fetched by halves would stand before the machine's own.
node_is_new_enough || rm -rf "$NODE_BIN"
install_packages
node_is_new_enough || fetch_node
tests/judges/install.sh
