#!/bin/sh
# Builds Gatepost and runs its demo; arguments go to `gatepost demo`.
set -eu
cd "$(dirname "$0")/.."

as_root=''
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Postfix starts only as root, and there is no sudo: run this as root." >&2
        exit 1
    fi
    echo "Postfix starts only as root: after the build the demo is run with sudo. It listens on"
    echo "loopback and touches nothing outside its temporary directory."
    as_root=yes
fi
tools/rust.sh
tools/deps.sh demo
cargo build --locked --package gatepost
exec ${as_root:+sudo} "${CARGO_TARGET_DIR:-target}/debug/gatepost" demo "$@"
