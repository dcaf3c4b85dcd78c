#!/bin/sh
# Installs the Node packages that tests use, each as its lock file says.
set -u
cd "$(dirname "$0")/.." || exit 1

status=0
for lock in tests/*/package-lock.json tests/providers/*/package-lock.json; do
    [ -e "$lock" ] || continue
    directory=${lock%/package-lock.json}
    # npm keeps a copy of the lock it installed; as long as nothing changed there is nothing to do.
    stamp=$directory/node_modules/.gatepost-lock
    cmp -s "$lock" "$stamp" && continue
    if ! command -v npm >/dev/null 2>&1; then
        echo "$directory: npm is not installed (make deps)" >&2
        status=1
        continue
    fi
    if (cd "$directory" && npm ci --no-audit --no-fund --ignore-scripts); then
        cp "$lock" "$stamp"
    else
        status=1
    fi
done
exit "$status"
