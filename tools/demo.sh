#!/bin/sh
# Builds Gatepost and runs its demo; arguments go to `gatepost demo`.
set -eu
cd "$(dirname "$0")/.."

tools/rust.sh
tools/deps.sh demo
cargo build --locked --package gatepost
program=${CARGO_TARGET_DIR:-target}/debug/gatepost

if [ "$(id -u)" -ne 0 ]; then
    echo "Postfix starts only as root, so this run shows everything but SMTP. The whole story:"
    echo "    sudo $program demo $*"
fi
exec "$program" demo "$@"
