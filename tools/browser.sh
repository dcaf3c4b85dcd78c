#!/bin/sh
# The pages in a real Chromium (tests/browser). Screenshots go to GATEPOST_SCREENSHOTS if it is set.
set -eu
cd "$(dirname "$0")/.."

skip() {
    echo "skipped: $1"
    [ -z "${GATEPOST_SKIPS:-}" ] || echo "browser suite: $1" >>"$GATEPOST_SKIPS"
    exit 0
}

command -v chromium >/dev/null 2>&1 || skip "chromium is not installed (make deps)"
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
[ "${major:-0}" -ge 20 ] || skip "Node 20 or newer is needed, here is ${major:-none}"
[ -d tests/browser/node_modules/oidc-client-ts ] || tools/npm.sh || skip "npm packages are missing"

cargo build --quiet --locked --package gatepost
GATEPOST_BINARY=$(realpath "${CARGO_TARGET_DIR:-target}/debug/gatepost")
export GATEPOST_BINARY
exec node --test --test-reporter=spec --test-concurrency=2 tests/browser/*.test.js
