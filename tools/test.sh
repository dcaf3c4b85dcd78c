#!/bin/sh
# Runs every suite, whatever becomes of the others, and ends with one line: N passed, N failed.
#
# What each suite printed stays in target/test-report. A Rust test that cannot run here appends
# "test name: reason" to the file in GATEPOST_SKIPS (CONTRIBUTING.md, "Skipping a test").
set -u
cd "$(dirname "$0")/.." || exit 1

tools/rust.sh || exit 1
tools/deps.sh test || echo "Tests that need them say so and are skipped."
target=${CARGO_TARGET_DIR:-target}
report=$target/test-report
rm -rf "$report"
mkdir -p "$report"
report=$(cd "$report" && pwd)

# suite NAME SECONDS COMMAND...
suite() {
    name=$1
    seconds=$2
    shift 2
    printf '\n== %s\n' "$name"
    {
        GATEPOST_SKIPS=$report/$name.skips timeout --kill-after=30 "$seconds" "$@"
        echo $? >"$report/$name.exit"
    } 2>&1 | tee "$report/$name.log"
}

cargo build --quiet --locked --package checks || exit 1
tools/npm.sh || echo "Node packages are missing; tests that use them will say so."
tools/python.sh || echo "Python packages are missing; tests that use them will say so."
tools/clients.sh || echo "A client is not built; tests that use it will say so."

suite 1-checks 1800 tools/check.sh
suite 2-cargo 3000 cargo test --locked --workspace --all-features --no-fail-fast
suite 3-browser 900 tools/browser.sh
suite 4-walkthrough 600 tools/walkthrough-test.sh

"$target/debug/checks" tally "$report"
