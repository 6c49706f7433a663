#!/usr/bin/env bash
# Checks a running service from outside, with curl alone. Prints a line a check (`ok`, `not ok` or `skip`), then how many of each.
set -uo pipefail

usage() {
  cat <<'TEXT'
tests/test_warmup.sh: checks a running shopify-warmer from outside.

It starts two sweeps and stops a third, and looks orders up. What it leaves behind is what these leave: cache entries and
records in the history. A sweep that runs already is waited for, not stopped.

Settings, from the environment:
  BASE_URL      where the service is (http://127.0.0.1:8080)
  ADMIN_TOKEN   opens the management routes, if the service has one
  LOOKUP_TOKEN  opens lookups, if the service has one; else ADMIN_TOKEN does
  SITE          sweep this site alone (all)
  ORDER         the number of an order in the window, such as UK22080; without it one is taken from Redis
  REDIS_URL     the service's Redis, to look at the keys' lifetimes with redis-cli
  CACHE_PREFIX  what the service's keys begin with (shopify)
  PATIENCE_S    how long a sweep may take, in seconds (900)

Exit code: 0 if nothing is `not ok`, else 1; 2 for bad usage.
TEXT
}

case "${1:-}" in
  '') ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

readonly BASE_URL="${BASE_URL:-http://127.0.0.1:8080}"
readonly ADMIN_TOKEN="${ADMIN_TOKEN:-}" LOOKUP_TOKEN="${LOOKUP_TOKEN:-}" SITE="${SITE:-}" REDIS_URL="${REDIS_URL:-}"
readonly CACHE_PREFIX="${CACHE_PREFIX:-shopify}" PATIENCE_S="${PATIENCE_S:-900}"
order="${ORDER:-}"
good=0 bad=0 skipped=0 status='' body=''

type -P curl >/dev/null || { echo 'test_warmup.sh: curl is missing' >&2; exit 2; }
work="$(mktemp -d)" || exit 2
trap 'rm -rf "$work"' EXIT
# In files, because a command's arguments are everybody's to read.
: >"$work/nobody"
printf 'Authorization: Bearer %s\n' "$ADMIN_TOKEN" >"$work/admin"
printf 'X-API-Key: %s\n' "${LOOKUP_TOKEN:-$ADMIN_TOKEN}" >"$work/lookup"
[[ -n "$ADMIN_TOKEN" ]] || : >"$work/admin"
[[ -n "$LOOKUP_TOKEN$ADMIN_TOKEN" ]] || : >"$work/lookup"

section() { printf '# %s\n' "$1"; }

ok() {
  good=$((good + 1))
  printf 'ok - %s\n' "$1"
}

not_ok() {
  bad=$((bad + 1))
  printf 'not ok - %s\n' "$1"
  printf '#   %s\n' "${@:2}"
}

skip() {
  skipped=$((skipped + 1))
  printf 'skip - %s\n' "$1"
}

# check WHAT COMMAND…: ok if the command succeeds.
check() {
  if "${@:2}"; then ok "$1"; else not_ok "$1" "${*:2}" "answered $status: ${body:0:300}"; fi
}

# ask WHO METHOD PATH [curl's options…]: sets `status` and `body`.
ask() {
  status="$(curl --silent --max-time 60 --header "@$work/$1" --request "$2" --output "$work/body" --write-out '%{http_code}' \
    "${@:4}" "${BASE_URL%/}$3")" || status=000
  body="$(cat "$work/body" 2>/dev/null)"
  rm -f "$work/body"
}

# The first value of that name in the last answer, without its quotes. The service writes its JSON without white space.
value() {
  grep -o "\"$1\":\(\"[^\"]*\"\|[^],}]*\)" <<<"$body" | head -n 1 | sed "s/^\"$1\"://; s/^\"\(.*\)\"$/\1/"
}

answered() { [[ "$status" == "$1" ]]; }
has() { grep -q "\"$1\":" <<<"$body"; }
succeeded() { answered 200 && [[ "$body" == '{"success":true,'* ]]; }
# The error envelope, with that status and code.
refused() { answered "$1" && [[ "$body" == "{\"success\":false,\"error\":{\"code\":\"$2\",\"detail\":\""* ]]; }
between() { [[ "$1" =~ ^-?[0-9]+$ ]] && ((10#${1#-} == $1 && $1 > $2 && $1 <= $3)); }

# trigger TYPE: asks for a sweep of that type.
trigger() {
  local site=''
  [[ -z "$SITE" ]] || site=",\"site\":\"$SITE\""
  ask admin POST /api/warmup/trigger --header 'Content-Type: application/json' --data "{\"type\":\"$1\"$site}"
}

# start COMMAND…: runs a command that asks for a sweep; if a slot was quicker, once more when that has ended.
start() {
  "$@"
  if answered 409; then
    echo "# $(value task_id) is running: waiting until it has ended"
    until_idle && "$@"
  fi
}

# The history's first record of that task, with what is in its braces.
record_of() {
  ask admin GET '/api/warmup/history?limit=100'
  # A record goes as far as the next begins: it has objects in it.
  grep -o "{\"task_id\":\"$1\".*" <<<"$body" | sed 's/,{"task_id":.*//' | head -n 1
}

# Waits until no sweep runs; fails when that takes too long.
until_idle() {
  local until=$((SECONDS + PATIENCE_S))
  while ((SECONDS < until)); do
    ask admin GET /api/warmup/status
    [[ "$(value running)" == false ]] && return
    sleep 0.5
  done
  return 1
}

# check_record TASK TYPE OUTCOME…: the record of a task that has ended.
check_record() {
  local task="$1" kind="$2" record field missing=''
  record="$(record_of "$task")"
  if [[ -z "$record" ]]; then
    not_ok "the history holds $task" "answered $status: ${body:0:300}"
    return
  fi
  for field in task_id type site trigger slot outcome reason started_at finished_at duration_s total_orders orders_warmed unchanged \
    failed api_calls cost drift days_covered errors; do
    grep -q "\"$field\":" <<<"$record" || missing+=" $field"
  done
  body="$record"
  check "the record of the $kind sweep has every field${missing:+, but not$missing}" test -z "$missing"
  check "it is a manual $kind sweep" test "$(value type) $(value trigger)" = "$kind manual"
  check "it ended as ${*:3}" one_of "$(value outcome)" "${@:3}"
}

one_of() {
  local choice
  for choice in "${@:2}"; do
    [[ "$1" == "$choice" ]] && return
  done
  return 1
}

initialisation() {
  section 'initialisation'
  ask nobody GET /healthz
  check 'GET /healthz says that the process lives' succeeded
  if ! answered 200; then
    echo "Bail out: no service answers at $BASE_URL" >&2
    return 1
  fi
  ask nobody GET /readyz
  check 'GET /readyz says that the store answers' succeeded
  ask admin GET /api/warmup/status
  check 'GET /api/warmup/status answers' succeeded
  if answered 401; then
    echo 'Bail out: the service wants another ADMIN_TOKEN' >&2
    return 1
  fi
  local field
  for field in enabled running last_full_warmup last_incremental_warmup next_scheduled stats total_orders_warmed cache_hit_rate \
    last_warmup_duration sweep coverage window warm ratio drift webhooks refresh_set inbox store sites config version; do
    check "the status has $field" has "$field"
  done
  # Of the contract, but not in every version.
  for field in slots users_waited_for_warming_ms; do
    if has "$field"; then ok "the status has $field"; else skip "this version's status has no $field"; fi
  done
  order_ttl="$(value order_detail_ttl)" tracking_ttl="$(value tracking_ttl)" search_ttl="$(value order_search_ttl)"
  if [[ "$(value running)" == true ]]; then
    echo "# a sweep is running ($(value task_id)): waiting until it has ended"
    until_idle || { echo "Bail out: it still runs after $PATIENCE_S s" >&2; return 1; }
  fi
}

full_sweep() {
  section 'full sweep'
  start trigger full
  check 'POST /api/warmup/trigger starts a full sweep' succeeded
  local task second
  task="$(value task_id)"
  check "its task_id is warmup_<date>_<time>: $task" grep -Eq '^warmup_[0-9]{8}_[0-9]{6}(_[0-9]+)?$' <<<"$task"
  check 'the answer has a message' has message
  trigger full
  second="$(value task_id)"
  if answered 200; then
    until_idle
    skip 'the sweep was over before a second one could be refused'
  else
    check 'a second one is refused with 409' refused 409 WARMUP_RUNNING
    check "the 409 names the task that runs: $second" test "$second" = "$task"
  fi
  check "it ends within $PATIENCE_S s" until_idle
  check 'last_full_warmup is set' test "$(value last_full_warmup)" != null
  check_record "$task" full completed
}

incremental_sweep() {
  section 'incremental sweep'
  local task
  # By the query, and by the other name: callers that cannot send a body use these.
  start ask admin POST "/api/warmup/trigger?warmup_type=incremental${SITE:+&site=$SITE}"
  check 'POST /api/warmup/trigger?warmup_type=incremental starts one' succeeded
  task="$(value task_id)"
  check "it ends within $PATIENCE_S s" until_idle
  check 'last_incremental_warmup is set' test "$(value last_incremental_warmup)" != null
  check_record "$task" incremental completed
}

stopping() {
  section 'stop'
  local task
  ask admin POST /api/warmup/stop
  check 'POST /api/warmup/stop is 200 when nothing runs' succeeded
  check 'and says stopped: false' test "$(value stopped)" = false
  start trigger full
  check 'a full sweep starts' succeeded
  task="$(value task_id)"
  ask admin POST /api/warmup/stop
  check 'POST /api/warmup/stop is 200 while one runs' succeeded
  if [[ "$(value stopped)" == true ]]; then
    check "it names the task: $task" grep -q "\"$task\"" <<<"$body"
  else
    skip 'the sweep was over before it could be stopped'
  fi
  check "it has ended within $PATIENCE_S s" until_idle
  check_record "$task" full stopped completed
}

history_and_coverage() {
  section 'history and coverage'
  ask admin GET '/api/warmup/history?limit=2'
  check 'GET /api/warmup/history?limit=2 answers' succeeded
  check 'it holds two records' test "$(grep -o '"task_id":' <<<"$body" | wc -l)" -eq 2
  check 'and says how many there are' has total
  local newest oldest
  newest="$(value started_at)"
  oldest="$(grep -o '"started_at":"[^"]*"' <<<"$body" | tail -n 1 | cut -d '"' -f 4)"
  check 'newest first' test ! "$newest" \< "$oldest"
  ask admin GET /api/warmup/coverage
  if answered 404; then
    skip 'this version has no GET /api/warmup/coverage'
    return
  fi
  check 'GET /api/warmup/coverage answers' succeeded
  local field
  for field in window warm ratio missing truncated; do
    check "the coverage has $field" has "$field"
  done
}

bad_requests() {
  section 'bad requests'
  local data
  for data in '{' '[]' '{}' '{"type":"half"}' '{"type":"full","days":0}' '{"type":"full","days":61}' '{"type":"full","site":"no such"}'; do
    ask admin POST /api/warmup/trigger --header 'Content-Type: application/json' --data "$data"
    check "a trigger with $data is a 400" refused 400 BAD_REQUEST
  done
  ask admin GET '/api/warmup/history?limit=x'
  check 'a limit that is no number is a 400' refused 400 BAD_REQUEST
  ask lookup GET '/api/shopify/orders/search'
  check 'a search for nothing is a 400' refused 400 BAD_REQUEST
  ask lookup GET '/api/shopify/orders/search?q=%3Cscript%3E'
  check 'a search for what is no order number is a 400' refused 400 BAD_REQUEST
  ask lookup GET '/api/shopify/orders/none'
  check 'an id that is none is a 400' refused 400 BAD_REQUEST
  ask admin GET /api/warmup/no-such-route
  check 'a route that does not exist is a 404' refused 404 NOT_FOUND
  ask admin GET /api/warmup/trigger
  check 'a wrong method is a 405' refused 405 METHOD_NOT_ALLOWED
  ask nobody POST /webhooks/shopify --data '{}'
  check 'a webhook that is not signed is a 401 without detail' test "$status$body" = 401
}

tokens() {
  section 'tokens'
  local route
  if [[ -z "$ADMIN_TOKEN" ]]; then
    skip 'ADMIN_TOKEN is not set, so nothing is known of it'
  else
    for route in 'GET /api/warmup/status' 'POST /api/warmup/trigger' 'POST /api/warmup/stop' 'GET /api/warmup/history'; do
      ask nobody "${route% *}" "${route#* }"
      check "$route is a 401 without a token" refused 401 UNAUTHORIZED
    done
  fi
  if [[ -z "$LOOKUP_TOKEN" ]]; then
    skip 'LOOKUP_TOKEN is not set, so nothing is known of it'
    return
  fi
  for route in '/api/shopify/orders/search?q=UK1' /api/shopify/orders/1 /api/shopify/orders/1/tracking '/api/shopify/tracking?order_id=1' \
    /api/shopify/sites; do
    ask nobody GET "$route"
    check "GET $route is a 401 without a token" refused 401 UNAUTHORIZED
  done
  [[ -n "$ADMIN_TOKEN" ]] || return
  ask lookup GET /api/warmup/status
  check 'LOOKUP_TOKEN does not open the management routes' refused 401 UNAUTHORIZED
}

# Text that is percent-encoded in a URL, as it is.
decoded() { printf '%b' "${1//\%/\\x}"; }

# The URL's name and password go another way: redis-cli takes an empty name for a name, and shows arguments to everybody.
redis() {
  local rest="${REDIS_URL#*://}" user=''
  if [[ "$rest" == *@* ]]; then
    user="${rest%%:*}"
    export REDISCLI_AUTH
    REDISCLI_AUTH="$(decoded "$(cut -d : -f 2- <<<"${rest%@*}")")"
    rest="${rest##*@}"
  fi
  redis-cli --no-auth-warning --raw ${user:+--user "$user"} -u "${REDIS_URL%%://*}://$rest" "$@"
}

# Prints how many of these keys have a lifetime above 0 and up to MOST, and the longest of all.
lifetimes() {
  local most="$1" key left fitting=0 longest=-3
  while read -r key; do
    left="$(redis TTL "$key")"
    # One that expired in between.
    [[ "$left" == -2 ]] && continue
    if between "$left" 0 "$most"; then fitting=$((fitting + 1)); else echo "# $key lives $left s" >&2; fi
    [[ "$left" =~ ^[0-9]+$ ]] && ((left > longest)) && longest=$left
  done
  echo "$fitting $longest"
}

# check_lifetimes WHAT PATTERN MOST: all are bounded, and the sweep of a moment ago has given new ones.
check_lifetimes() {
  local keys seen fitting longest
  keys="$(redis --scan --pattern "$2" | head -n 50)"
  seen="$(grep -c . <<<"$keys")"
  if [[ "$seen" -eq 0 ]]; then
    not_ok "there are $1 keys" "none is like $2: is CACHE_PREFIX right?"
    return
  fi
  read -r fitting longest < <(lifetimes "$3" <<<"$keys")
  check "$fitting of $seen $1 keys live at most $3 s" test "$fitting" -eq "$seen"
  check "the longest of them lives more than $(($3 - 600)) s: $longest" test "$longest" -gt "$(($3 - 600))"
}

cache_lifetimes() {
  section 'cache lifetimes'
  if [[ -z "$REDIS_URL" ]]; then
    skip 'REDIS_URL is not set, so no key is looked at'
    return
  fi
  if ! type -P redis-cli >/dev/null || [[ "$(redis PING 2>/dev/null)" != PONG ]]; then
    not_ok 'redis-cli reaches REDIS_URL' "$(redis PING 2>&1)"
    return
  fi
  local site="${SITE:-*}" number
  check_lifetimes order "$CACHE_PREFIX:{$site:*}:order" "${order_ttl:-172800}"
  check_lifetimes tracking "$CACHE_PREFIX:{$site:*}:tracking" "${tracking_ttl:-21600}"
  check_lifetimes search "$CACHE_PREFIX:$site:search:*" "${search_ttl:-172800}"
  [[ -z "$order" ]] || return
  while read -r number; do
    if [[ "$(redis GET "$number")" =~ ^[0-9]+$ ]]; then
      order="${number##*:search:}"
      return
    fi
  done < <(redis --scan --pattern "$CACHE_PREFIX:$site:search:*" | head -n 50)
}

lookups() {
  section 'lookups'
  ask lookup GET /api/shopify/sites
  check 'GET /api/shopify/sites lists the shops' succeeded
  ask lookup GET '/api/shopify/orders/search?q=ZZZ00000000000'
  check 'an order that does not exist is a 200' succeeded
  check 'with order: null and ORDER_NOT_FOUND' grep -q '"order":null.*"message":"ORDER_NOT_FOUND' <<<"$body"
  if [[ -z "$order" ]]; then
    skip 'neither ORDER nor REDIS_URL is set, so no order is looked up'
    return
  fi
  local id ttl
  ask lookup GET "/api/shopify/orders/search?q=$order"
  check "the order $order is found" grep -q '"order":{"order_id":"[0-9]*"' <<<"$body"
  id="$(value order_id)" ttl="$(value cache_ttl)"
  check 'it was cached' test "$(value cached)" = true
  check "its cache_ttl is at most ${order_ttl:-172800}: $ttl" between "$ttl" 0 "${order_ttl:-172800}"
  check 'its freshness has state, as_of, age_s and source' \
    grep -q '"freshness":{"state":"[a-z]*","as_of":"[^"]*Z","age_s":[0-9]*,"source":"[a-z]*"}' <<<"$body"
  ask lookup GET "/api/shopify/orders/search?q=%23%20$(tr '[:upper:]' '[:lower:]' <<<"$order")"
  check 'it is found in lower case, with # and a space' test "$(value order_id)" = "$id"
  ask lookup GET "/api/shopify/orders/$id"
  check 'it is found by its id' test "$(value order_id)" = "$id"
  ask lookup GET "/api/shopify/orders/$id/tracking"
  check 'its tracking is found' grep -q '"tracking":{"order_id":"'"$id"'"' <<<"$body"
  ttl="$(value cache_ttl)"
  check "the tracking's cache_ttl is at most ${tracking_ttl:-21600}: $ttl" between "$ttl" -1 "${tracking_ttl:-21600}"
  ask lookup GET "/api/shopify/tracking?order_id=$id"
  check 'it is found by the other route too' test "$(value order_id)" = "$id"
}

if initialisation; then
  bad_requests
  tokens
  full_sweep
  cache_lifetimes
  incremental_sweep
  stopping
  history_and_coverage
  lookups
else
  bad=$((bad + 1))
fi
printf '# %s ok, %s not ok, %s skipped\n' "$good" "$bad" "$skipped"
[[ "$bad" -eq 0 ]]
