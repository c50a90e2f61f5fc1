# What the scripts beside this one share: a daemon of their own, waiting, and counting. Sourced.
# LUKHAS_MCP_BINARY names a binary; without it the debug build is used, and made if it is not there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=$root/target/operations
mkdir -p "$tools"

binary=${LUKHAS_MCP_BINARY:-}
# It is no setting, and the daemon refuses variables of its name that are none.
unset LUKHAS_MCP_BINARY
if [ -z "$binary" ]; then
  binary=$root/target/debug/lukhas-mcp
  [ -x "$binary" ] || cargo build --quiet --manifest-path "$root/Cargo.toml"
fi
binary=$(realpath "$binary")

work=$(mktemp -d)
processes=()
finish() {
  local process
  for process in "${processes[@]}"; do
    kill "$process" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

passed=0
failed=0
# expect WHAT EXPECTED ACTUAL
expect() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
    echo "  ok    $1: $3"
  else
    failed=$((failed + 1))
    echo "  WRONG $1: $3 instead of $2"
  fi
}

# Says how many there were, and ends accordingly.
report() {
  if [ "$failed" -gt 0 ]; then
    tail -n 20 "$work"/*.log || true
  fi
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# until_true SECONDS WHAT COMMAND…
until_true() {
  local limit=$1 what=$2 began=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $((SECONDS - began)) -ge "$limit" ]; then
      echo "$what did not come about"
      tail -n 20 "$work"/*.log || true
      exit 1
    fi
    sleep 0.1
  done
}

# start_daemon PORT [NAME=VALUE…]: with a repository in $work/repository and a log in $work/daemon.log
start_daemon() {
  local port=$1
  shift
  mkdir -p "$work/repository"
  env MCP_RL_BUCKET=1000000 "$@" "$binary" serve --port "$port" --repo-root "$work/repository" \
    --log-format json 2>"$work/daemon.log" &
  daemon=$!
  processes+=("$daemon")
  until_true 30 "the daemon" grep -q '"message":"ready"' "$work/daemon.log"
}

# field EXPRESSION: of the JSON on standard input, called `it`
field() {
  python3 -c "import json, sys; it = json.load(sys.stdin); print($1)"
}
