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
