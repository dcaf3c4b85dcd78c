#!/bin/sh
# Every check that needs no running server. Each counts as one test.
set -u
cd "$(dirname "$0")/.." || exit 1

passed=0
failed=0

# check NAME COMMAND...
check() {
    name=$1
    shift
    if "$@"; then
        echo "ok      $name"
        passed=$((passed + 1))
    else
        echo "FAILED  $name: $*"
        failed=$((failed + 1))
    fi
}

check format cargo fmt --all --check
check "format of fuzz" cargo fmt --manifest-path fuzz/Cargo.toml --check
for manifest in tests/relying_parties/*/Cargo.toml; do
    check "format of $manifest" cargo fmt --manifest-path "$manifest" --check
done
check clippy cargo clippy --quiet --locked --workspace --all-targets --all-features -- -D warnings
# Links to private items are welcome: the docs are for those who work on it.
check docs env RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' \
    cargo doc --quiet --locked --workspace --all-features --no-deps --document-private-items
for name in arrows dependencies links lints paths size; do
    check "$name" cargo run --quiet --locked --package checks -- "$name"
done
for script in tools/*.sh .ci/run; do
    check "syntax of $script" sh -n "$script"
done
if command -v shellcheck >/dev/null 2>&1; then
    check shellcheck shellcheck tools/*.sh .ci/run
elif [ -n "${GATEPOST_SKIPS:-}" ]; then
    echo "shellcheck: not installed" >>"$GATEPOST_SKIPS"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
