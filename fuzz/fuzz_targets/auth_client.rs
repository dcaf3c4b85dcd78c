//! See `mailauth::fuzz::auth_client`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mailauth::fuzz::auth_client(data));
