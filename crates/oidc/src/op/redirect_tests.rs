use super::*;
use proptest::prelude::*;
use url::Url;

fn registered(text: &str) -> RegisteredRedirect {
    RegisteredRedirect::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_apps_use_can_be_registered() {
    use RedirectKind::{Https, Loopback, PrivateUse};
    for (text, kind) in [
        ("https://app.example.org", Https),
        ("https://App.Example.org:8443/callback?x=1&y=%2F", Https),
        (
            "https://auth.example.org/source/oauth/callback/mailcow/",
            Https,
        ),
        ("https://xn--bcher-kva.example/cb", Https),
        ("https://192.0.2.7/cb", Https),
        ("https://[2001:db8::7]:8443/cb", Https),
        ("https://app_1.example.org/apps/user_oidc/code", Https),
        ("https://app.example.org/a//b/~me/(x)';,@:!$", Https),
        ("http://127.0.0.1/cb", Loopback),
        ("http://127.0.0.1:8080", Loopback),
        ("http://[::1]:7/cb", Loopback),
        ("http://localhost:3000/login/generic_oauth", Loopback),
        ("com.example.app:/cb", PrivateUse),
        ("com.example.app://host/cb?x", PrivateUse),
        ("Com.Example.App:/cb", PrivateUse),
    ] {
        let redirect = registered(text);
        assert_eq!(redirect.kind(), kind, "{text}");
        assert_eq!(redirect.as_str(), text);
        assert!(redirect.matches(text));
    }
    let longest = format!("https://a.example/{}", "a".repeat(MAX_REDIRECT - 18));
    assert_eq!(registered(&longest).as_str().len(), MAX_REDIRECT);
}

#[test]
fn nobody_can_be_sent_to_these() {
    use RegisterError as E;
    let long = format!("https://a.example/{}", "a".repeat(MAX_REDIRECT - 17));
    for (text, error) in [
        ("", E::Empty),
        (&*long, E::TooLong),
        (" https://a.example/cb", E::Character),
        ("https://a.example/c b", E::Character),
        ("https://a.example/cb\n", E::Character),
        ("https://a.example/\tcb", E::Character),
        ("https://bücher.example/cb", E::Character),
        ("https://a.example\\@b.example/cb", E::Character),
        ("https://a.example/<script>", E::Character),
        ("https://*.example.org/cb", E::Wildcard),
        ("https://a.example/*", E::Wildcard),
        ("https://a.example/cb#", E::Fragment),
        ("https://a.example/cb#x", E::Fragment),
        ("https://a.example/%zz", E::Percent),
        ("https://a.example/%2", E::Percent),
        ("https://a.example/cb%", E::Percent),
        ("app.example.org/cb", E::NoScheme),
        ("app.example.org:8443/cb", E::NoScheme),
        ("localhost:3000/cb", E::NoScheme),
        ("//a.example/cb", E::NoScheme),
        ("/cb", E::NoScheme),
        (":/cb", E::NoScheme),
        ("javascript:alert(1)", E::Scheme),
        ("JavaScript:alert(1)//a.b", E::Scheme),
        ("data:text/html,x", E::Scheme),
        ("file:///etc/passwd", E::Scheme),
        ("vbscript:x", E::Scheme),
        ("blob:https://a.example/x", E::Scheme),
        ("about:blank", E::Scheme),
        ("ftp://a.example/cb", E::Scheme),
        ("urn:ietf:wg:oauth:2.0:oob", E::Scheme),
        ("myapp://cb", E::Scheme),
        ("a..b:/cb", E::Scheme),
        ("com.example.:/cb", E::Scheme),
        ("http://app.example.org/cb", E::Insecure),
        ("http://127.0.0.2/cb", E::Insecure),
        ("http://localhost.example.org/cb", E::Insecure),
        ("http://192.168.1.5/cb", E::Insecure),
        ("https://user@a.example/cb", E::Credentials),
        ("https://a.example:x@b.example/cb", E::Credentials),
        ("https://@a.example/cb", E::Credentials),
        ("com.example.app://user@host/cb", E::Credentials),
        ("https:///cb", E::Host),
        ("https:a.example/cb", E::Host),
        ("https:/a.example/cb", E::Host),
        ("https://a.example:/cb", E::Host),
        ("https://a.example:0/cb", E::Host),
        ("https://a.example:080/cb", E::Host),
        ("https://a.example:65536/cb", E::Host),
        ("https://a.example:44x/cb", E::Host),
        ("https://0x7f.1/cb", E::Host),
        ("https://2130706433/cb", E::Host),
        ("http://127.1/cb", E::Host),
        ("https://a%2eexample/cb", E::Host),
        ("https://a;script-src.example/cb", E::Host),
        ("https://a,b.example/cb", E::Host),
        ("https://[::1/cb", E::Host),
        ("https://[::1%25eth0]/cb", E::Host),
        ("https://[0:0::1]/cb", E::Host),
        ("com.example.app:", E::Host),
        ("https://a.example/x/../cb", E::Rewritten),
        ("https://a.example/./cb", E::Rewritten),
        ("https://a.example/%2e%2E/cb", E::Rewritten),
        ("https://a.example/..", E::Rewritten),
        ("https://a.example/cb?state=x", E::Parameter("state")),
        ("https://a.example/cb?x=1&c%6fde", E::Parameter("code")),
        ("com.example.app:/cb?error=", E::Parameter("error")),
    ] {
        assert_eq!(RegisteredRedirect::parse(text), Err(error), "{text:?}");
    }
}

/// S6 of the abuse catalogue.
#[test]
fn what_looks_alike_does_not_match() {
    let redirect = registered("https://app.example.org/cb");
    for sent in [
        "",
        "https://app.example.org/cb/",
        "https://app.example.org/c",
        "https://app.example.org/cb2",
        "https://app.example.org/cb?x=1",
        "https://app.example.org/cb?",
        "https://app.example.org/cb#",
        "https://app.example.org/cb#x",
        "https://app.example.org/CB",
        "https://APP.example.org/cb",
        "HTTPS://app.example.org/cb",
        "http://app.example.org/cb",
        "https://app.example.org:443/cb",
        "https://app.example.org:8443/cb",
        "https://app.example.org./cb",
        "https://app.example.org@evil.example/cb",
        "https://user@app.example.org/cb",
        "https://app.example.org.evil.example/cb",
        "https://evil.example/https://app.example.org/cb",
        "https://app.example.org/x/../cb",
        "https://app.example.org/./cb",
        "https://app.example.org//cb",
        "https://app.example.org/%63b",
        "https://app.example.org/cb%2f",
        "https://app.example.org/cb%00",
        "https://app.example.org\\cb",
        "https:\\\\app.example.org/cb",
        "https://аpp.example.org/cb",
        "https://app.example.org/cb ",
        " https://app.example.org/cb",
        "https://app.example.org/cb\r\n",
        "https://app.example.org/cb https://evil.example/",
        "//app.example.org/cb",
        "javascript:https://app.example.org/cb",
    ] {
        assert!(!redirect.matches(sent), "{sent:?}");
    }
}

#[test]
fn a_loopback_address_may_have_any_port() {
    for (text, sent) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1", "http://127.0.0.1:65535"),
        ("http://[::1]/cb?x=1", "http://[::1]:8080/cb?x=1"),
    ] {
        assert!(registered(text).matches(sent), "{text} {sent}");
    }
    for (text, sent) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:8080/"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb/"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb?x"),
        ("http://127.0.0.1/cb", "http://[::1]:8080/cb"),
        ("http://127.0.0.1/cb", "http://localhost:8080/cb"),
        ("http://127.0.0.1/cb", "https://127.0.0.1:8080/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:080/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:+80/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80.evil.example/cb"),
        ("http://127.0.0.1", "http://127.0.0.1.evil.example"),
        ("http://127.0.0.1", "http://127.0.0.1@evil.example"),
        ("http://127.0.0.1", "http://127.0.0.12"),
        ("http://127.0.0.1/cb", "http://127.1:80/cb"),
        ("http://localhost/cb", "http://localhost:8080/cb"),
        ("https://127.0.0.1/cb", "https://127.0.0.1:8080/cb"),
        ("https://app.example.org/cb", "https://app.example.org:1/cb"),
    ] {
        assert!(!registered(text).matches(sent), "{text} {sent}");
    }
}

#[test]
fn the_policy_names_origin_or_scheme() {
    for (sent, source) in [
        ("https://app.example.org/cb?x", "https://app.example.org"),
        (
            "https://app.example.org:8443",
            "https://app.example.org:8443",
        ),
        ("http://127.0.0.1:49152/cb", "http://127.0.0.1:49152"),
        ("http://localhost/cb", "http://localhost"),
        ("http://[::1]:49152/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
        ("Com.Example.App://x/cb", "com.example.app:"),
        ("javascript:alert(1)", "'none'"),
        ("https:a.example", "'none'"),
        ("https://a;script-src 'unsafe-inline'/", "'none'"),
        ("https://a.example:1;x/", "'none'"),
        ("https://user@a.example/", "'none'"),
        ("", "'none'"),
    ] {
        assert_eq!(form_action_source(sent), source, "{sent}");
    }
}

#[test]
fn parameters_come_after_those_that_are_there() {
    let with = |uri| with_parameters(uri, &[("code", "a b+&="), ("state", "x\r\ny: ö")]);
    let tail = "code=a%20b%2B%26%3D&state=x%0D%0Ay%3A%20%C3%B6";
    for (uri, head) in [
        ("https://a.example", "https://a.example?"),
        ("https://a.example/cb", "https://a.example/cb?"),
        ("https://a.example/cb?", "https://a.example/cb?"),
        ("https://a.example/cb?x=%2F", "https://a.example/cb?x=%2F&"),
        ("https://a.example/cb?x&", "https://a.example/cb?x&"),
        ("com.example.app:/cb", "com.example.app:/cb?"),
    ] {
        assert_eq!(with(uri), format!("{head}{tail}"));
    }
    assert_eq!(
        with_parameters("https://a.example", &[]),
        "https://a.example"
    );
    assert_eq!(
        with_parameters("https://a.example/\r\nX: y", &[]),
        "https://a.example/%0D%0AX: y"
    );
}

/// Redirects that can be registered, made of parts that look alike.
fn some_redirect() -> impl Strategy<Value = String> {
    "(https://(a|b)\\.example|http://(127\\.0\\.0\\.1|\\[::1\\]|localhost)|com\\.example\\.app:)(:[1-9][0-9]{0,3})?(/(cb|x|\\.well|%2F)?){0,3}(\\?[a-c]=[1-3])?"
}

/// What a matched redirect leads to, as a browser reads it: everything, or without the port.
fn place(uri: &str, port: bool) -> (String, Option<String>, Option<u16>, String, Option<String>) {
    let url = Url::parse(uri).unwrap();
    (
        url.scheme().to_owned(),
        url.host_str().map(str::to_owned),
        port.then(|| url.port_or_known_default()).flatten(),
        url.path().to_owned(),
        url.query().map(str::to_owned),
    )
}

proptest! {
    #[test]
    fn a_match_leads_to_the_registered_place(text in some_redirect(), other in some_redirect()) {
        if let Ok(redirect) = RegisteredRedirect::parse(&text)
            && redirect.matches(&other)
        {
            let any_port = redirect.kind() == RedirectKind::Loopback && !text.contains("localhost");
            prop_assert_eq!(place(&text, !any_port), place(&other, !any_port));
        }
    }

    #[test]
    fn no_change_of_bytes_matches(
        text in some_redirect(),
        at in any::<prop::sample::Index>(),
        put in "[ -~]{0,2}",
        take in 0_usize..3,
    ) {
        let Ok(redirect) = RegisteredRedirect::parse(&text) else { return Ok(()) };
        let at = at.index(text.len() + 1);
        let end = (at + take).min(text.len());
        let sent = format!("{}{put}{}", &text[..at], &text[end..]);
        if sent != text && redirect.matches(&sent) {
            prop_assert_eq!(redirect.kind(), RedirectKind::Loopback);
            prop_assert_eq!(place(&text, false), place(&sent, false));
        }
    }

    #[test]
    fn foreign_redirects_never_panic(text in "\\PC{0,60}|[htps:/.@#?%\\[\\]0-9a-f]{0,60}", sent in "\\PC{0,60}") {
        let source = form_action_source(&text);
        prop_assert!(!source.contains([';', ',', ' ', '\r', '\n', '*']), "{}", source);
        if let Ok(redirect) = RegisteredRedirect::parse(&text) {
            prop_assert!(redirect.matches(&text));
            prop_assert!(!redirect.matches(&sent) || redirect.kind() == RedirectKind::Loopback || sent == text);
            prop_assert!(source != "'none'", "{}", text);
            if redirect.kind() != RedirectKind::PrivateUse {
                prop_assert!(Url::parse(&text).is_ok());
            }
        }
    }

    #[test]
    fn answers_keep_the_redirect_and_their_values(
        uri in some_redirect(),
        values in proptest::collection::vec(("[a-z_]{1,8}", any::<String>()), 0..4),
    ) {
        let pairs: Vec<_> = values.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let url = with_parameters(&uri, &pairs);
        prop_assert!(url.starts_with(&uri));
        prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()), "{}", url);
        let before = uri.split_once('?').map_or("", |(_, query)| query);
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let read: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut expected: Vec<_> = form_urlencoded::parse(before.as_bytes()).into_owned().collect();
        expected.extend(values);
        prop_assert_eq!(read, expected);
    }
}
