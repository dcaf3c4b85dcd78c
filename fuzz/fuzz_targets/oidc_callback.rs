//! Query or form of a provider's answer: never both a code and an error, and of an error only what
//! can be printed.
#![no_main]

use oidc::callback::{Answer, Callback};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(callback) = Callback::parse(text) else {
        return;
    };
    match callback.answer {
        Answer::Code(code) => assert!(!code.is_empty()),
        Answer::Error(error) => assert!(!error.to_string().chars().any(char::is_control)),
    }
});
