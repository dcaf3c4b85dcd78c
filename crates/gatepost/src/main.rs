//! Gatepost: single sign-on for the mail you host.

/// An answer to an app is hundreds of small allocations on one thread that are let go on another;
/// measured beside glibc's in `docs/reference/benchmarks.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    gatepost::commands::run()
}
