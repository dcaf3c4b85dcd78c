#!/bin/sh
# Fuzzes every parser of foreign bytes for FUZZ_SECONDS each (60); arguments name single targets.
#
# Without cargo-fuzz and a nightly Rust it runs the same properties by proptest, with many cases.
set -eu
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}

if ! cargo fuzz --version >/dev/null 2>&1 || ! rustc +nightly --version >/dev/null 2>&1; then
    echo "Coverage-guided fuzzing needs a nightly Rust and cargo-fuzz:"
    echo "    rustup toolchain install nightly && cargo install cargo-fuzz --locked"
    echo "Without them: the same properties, 20000 generated cases each."
    for package in mailauth oidc; do
        PROPTEST_CASES=${PROPTEST_CASES:-20000} cargo test --release --locked --package "$package" --lib
    done
    exit 0
fi

targets=${*:-$(cargo fuzz list)}
for target in $targets; do
    mkdir -p "fuzz/corpus/$target"
    seeds=crates/mailauth/corpus/$target
    [ -d "$seeds" ] || seeds=
    echo "== $target, $seconds s"
    # Longer input only repeats itself, and is slow; the limits have tests of their own.
    # Our crates forbid unsafe code, so a memory sanitizer would only slow the search down.
    cargo +nightly fuzz run --sanitizer none "$target" "fuzz/corpus/$target" ${seeds:+"$seeds"} -- \
        -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1
done
