//! Gatepost: single sign-on for the mail you host.

fn main() -> std::process::ExitCode {
    gatepost::commands::run()
}
