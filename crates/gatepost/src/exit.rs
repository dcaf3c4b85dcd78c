//! Exit codes of all commands; documented, so that scripts can rely on them.

/// Something failed that has no code of its own.
pub const FAILED: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The configuration is wrong.
pub const CONFIG_INVALID: u8 = 3;
/// No such object.
pub const NOT_FOUND: u8 = 4;
/// Something else is in the way: a taken port, a running server, missing accounts.
pub const CONFLICT: u8 = 5;
/// Some parts were done, some not.
pub const PARTLY: u8 = 6;
/// A check found problems.
pub const PROBLEMS_FOUND: u8 = 7;
/// The server or a provider does not answer.
pub const UNREACHABLE: u8 = 8;
/// This account may not do that.
pub const NOT_PERMITTED: u8 = 9;
/// Ended by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// What each code tells a script, in the words of the reference.
pub const MEANINGS: [(u8, &str); 11] = [
    (0, "It worked."),
    (FAILED, "Something failed that has no code of its own."),
    (
        USAGE,
        "The command line, or a value given with it, is wrong.",
    ),
    (CONFIG_INVALID, "The configuration is wrong."),
    (NOT_FOUND, "No such object."),
    (
        CONFLICT,
        "Something is in the way: it exists already, is still needed, a port is taken, a server runs.",
    ),
    (PARTLY, "Some parts were done, some not."),
    (PROBLEMS_FOUND, "A check found problems."),
    (UNREACHABLE, "The server or a provider does not answer."),
    (NOT_PERMITTED, "This account may not do that."),
    (INTERRUPTED, "Ended by Ctrl-C."),
];
