#!/bin/sh
# Builds the Rust programs that tests start as clients of an OpenID provider. Each is a package of
# its own beside the workspace, because of what it depends on, and has its own build directory.
set -u
cd "$(dirname "$0")/.." || exit 1

status=0
for manifest in tests/relying_parties/*/Cargo.toml; do
    cargo build --quiet --locked --manifest-path "$manifest" \
        --target-dir "${manifest%/Cargo.toml}/target" || status=1
done
exit "$status"
