#!/bin/sh
# Measures beside anchors on this machine, and prints tables; arguments name single benches.
set -eu
cd "$(dirname "$0")/.."

tools/rust.sh
tools/deps.sh bench
cargo build --release --locked --package gatepost --package benches
exec "${CARGO_TARGET_DIR:-target}/release/benches" "$@"
