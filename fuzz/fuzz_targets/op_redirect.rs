//! A redirect to be registered in the first line, one that is sent, or a page's origin, in the rest.
#![no_main]

use oidc::op::origin::PageOrigin;
use oidc::op::redirect::{
    RedirectKind, RegisteredRedirect, difference, form_action_source, with_parameters,
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (registered, sent) = text.split_once('\n').unwrap_or((text, text));
    let source = form_action_source(sent);
    assert!(!source.contains([';', ',', ' ', '\r', '\n', '*']));
    assert!(
        with_parameters(sent, &[("state", sent)])
            .bytes()
            .all(|b| b >= b' ' && b != 0x7f)
    );
    let origin = PageOrigin::parse(sent);
    if let Some(origin) = &origin {
        assert!(origin.as_str() == sent && sent.bytes().all(|b| b.is_ascii_graphic()));
    }
    let Ok(redirect) = RegisteredRedirect::parse(registered) else {
        return;
    };
    assert!(redirect.matches(registered));
    assert!(with_parameters(registered, &[("code", sent)]).starts_with(registered));
    assert_ne!(form_action_source(registered), "'none'");
    assert!(difference(sent, &[&redirect]).is_some());
    if origin.is_some_and(|origin| origin.is_of(&redirect)) {
        assert_ne!(redirect.kind(), RedirectKind::PrivateUse);
    }
    if sent != registered && redirect.matches(sent) {
        assert_eq!(redirect.kind(), RedirectKind::Loopback);
    }
});
