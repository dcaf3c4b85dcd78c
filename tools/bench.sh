#!/bin/sh
# Measures beside anchors on this machine, and prints tables; arguments name single benches.
set -eu
cd "$(dirname "$0")/.."

tools/rust.sh
tools/deps.sh bench
tools/npm.sh || echo "Node packages are missing; the bench that uses them will say so."
cargo build --profile dist --locked --package gatepost --package benches
exec "${CARGO_TARGET_DIR:-target}/dist/benches" "$@"
