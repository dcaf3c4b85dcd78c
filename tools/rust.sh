#!/bin/sh
# Stops with the command that helps when there is no Rust, or one older than Cargo.toml asks for.
set -eu
cd "$(dirname "$0")/.."

wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2 | cut -d - -f 1) || true

if [ -n "$found" ]; then
    oldest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)
    [ "$oldest" = "$wanted" ] && exit 0
    echo "Gatepost needs Rust $wanted or newer; this is $found. Install it with:" >&2
else
    echo "Gatepost needs Rust $wanted or newer; there is none on the PATH. Install it with:" >&2
fi

if command -v rustup >/dev/null 2>&1; then
    echo "    rustup update stable && rustup default stable" >&2
elif LC_ALL=C apt-cache policy rustup 2>/dev/null | grep -q 'Candidate: [0-9]'; then
    echo "    sudo apt-get install rustup && rustup default stable" >&2
else
    echo "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env" >&2
fi
exit 1
