//! See `mailauth::fuzz::socketmap`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mailauth::fuzz::socketmap(data));
