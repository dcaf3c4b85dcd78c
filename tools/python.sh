#!/bin/sh
# Installs the Python packages that tests use, each in an environment of its own, as its list of
# exact versions says. Wheels only: nothing is built, and no package's own script runs.
set -u
cd "$(dirname "$0")/.." || exit 1

status=0
for list in tests/providers/*/requirements.txt tests/relying_parties/*/requirements.txt; do
    [ -e "$list" ] || continue
    directory=${list%/requirements.txt}
    # A copy of the list that was installed; as long as nothing changed there is nothing to do.
    stamp=$directory/venv/.gatepost-list
    cmp -s "$list" "$stamp" && continue
    rm -rf "$directory/venv"
    if ! python3 -m venv "$directory/venv"; then
        echo "$directory: python3 cannot make an environment (make deps)" >&2
        rm -rf "$directory/venv"
        status=1
        continue
    fi
    if "$directory/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --only-binary :all: --requirement "$list"; then
        cp "$list" "$stamp"
    else
        rm -rf "$directory/venv"
        status=1
    fi
done
exit "$status"
