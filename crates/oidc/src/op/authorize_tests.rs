use super::*;
use crate::op::error::is_description;
use proptest::prelude::*;

const S256: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const STRICT: ClientRules<'_> = ClientRules {
    pkce: PkceRule::Required,
    plain_allowed: false,
    state_required: false,
    scopes: &["openid", "profile", "email"],
};

const MAILCOW: ClientRules<'_> = ClientRules {
    pkce: PkceRule::IfSent,
    plain_allowed: true,
    state_required: true,
    scopes: &["profile"],
};

fn strict(rest: &str) -> Result<AuthorizeRequest, RedirectError> {
    let query = format!(
        "client_id=app&response_type=code&code_challenge={S256}&code_challenge_method=S256{rest}"
    );
    Unchecked::parse(&query).check(&STRICT)
}

fn mailcow(rest: &str) -> Result<AuthorizeRequest, RedirectError> {
    let query = format!("client_id=app&response_type=code&state=s{rest}");
    Unchecked::parse(&query).check(&MAILCOW)
}

#[test]
fn everything_an_app_may_ask_for_is_read() {
    let request = strict(
        "&redirect_uri=https%3A%2F%2Fapp.example.org%2Fcb&scope=email+address%20openid+openid\
         &state=a%2Bb%20c&nonce=n&response_mode=form_post&prompt=consent+login&max_age=0\
         &login_hint=a%40example.org&id_token_hint=a.b.c&acr_values=1+2&ui_locales=de+en\
         &display=popup&claims=%7B%0A%22id_token%22%3A%7B%22auth_time%22%3Anull%7D%7D\
         &unknown=1&unknown=2&resource=x&resource=y",
    )
    .unwrap();
    assert_eq!(request.client_id.as_deref(), Some("app"));
    assert_eq!(
        request.redirect_uri.as_deref(),
        Some("https://app.example.org/cb")
    );
    assert_eq!(request.scopes.to_string(), "email openid");
    assert_eq!(request.asked_scopes.to_string(), "email address openid");
    assert_eq!(request.state.as_deref(), Some("a+b c"));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.response_mode, Delivery::FormPost);
    assert_eq!(request.challenge.unwrap().method, ChallengeMethod::S256);
    assert_eq!(
        request.prompt,
        BTreeSet::from([Prompt::Login, Prompt::Consent])
    );
    assert_eq!(request.max_age, Some(0));
    assert_eq!(request.login_hint.as_deref(), Some("a@example.org"));
    assert_eq!(request.id_token_hint.as_deref(), Some("a.b.c"));
    assert_eq!(request.acr_values, ["1", "2"]);
    assert_eq!(request.ui_locales, ["de", "en"]);
    assert_eq!(request.display, Some(Display::Popup));
    assert!(request.claims.id_token.contains_key("auth_time"));
}

#[test]
fn what_is_not_asked_for_is_not_there() {
    let request = strict("&scope=&state=&nonce=&prompt=&max_age=&display=hologram").unwrap();
    assert!(request.scopes.is_empty() && request.prompt.is_empty() && request.claims.is_empty());
    assert_eq!(
        (request.state, request.nonce, request.max_age),
        (None, None, None)
    );
    assert_eq!(request.display, None);
    assert_eq!(request.response_mode, Delivery::Query);
    assert!(strict("&scope=only+unknown").unwrap().scopes.is_empty());
}

/// The abuse catalogue's S5 and the endpoint's row of bad inputs.
#[test]
fn bad_requests_get_the_error_of_the_specification() {
    use AuthorizeErrorCode as E;
    let long = "x".repeat(MAX_ECHO + 1);
    for (rest, error) in [
        ("&request=a.b.c", E::RequestNotSupported),
        (
            "&request_uri=https%3A%2F%2Fa.example",
            E::RequestUriNotSupported,
        ),
        ("&registration=%7B%7D", E::RegistrationNotSupported),
        ("&response_mode=fragment", E::InvalidRequest),
        ("&response_mode=query.jwt", E::InvalidRequest),
        ("&response_type=code", E::InvalidRequest),
        ("&scope=a&scope=b", E::InvalidRequest),
        ("&state=a&state=a", E::InvalidRequest),
        ("&st%61te=a&state=", E::InvalidRequest),
        ("&nonce=a&nonce=b", E::InvalidRequest),
        ("&max_age=1&max_age=2", E::InvalidRequest),
        ("&code_challenge_method=plain", E::InvalidRequest),
        ("&scope=a%22b", E::InvalidScope),
        ("&scope=%C3%A4", E::InvalidScope),
        ("&scope=a%0d%0ab", E::InvalidRequest),
        ("&state=a%0d%0aLocation:%20x", E::InvalidRequest),
        ("&state=%00", E::InvalidRequest),
        ("&state=%ff", E::InvalidRequest),
        (&*format!("&state={long}"), E::InvalidRequest),
        (&*format!("&nonce={long}"), E::InvalidRequest),
        ("&prompt=none+login", E::InvalidRequest),
        ("&prompt=login+none+consent", E::InvalidRequest),
        ("&prompt=create", E::InvalidRequest),
        ("&prompt=None", E::InvalidRequest),
        ("&max_age=-1", E::InvalidRequest),
        ("&max_age=%2B5", E::InvalidRequest),
        ("&max_age=1.5", E::InvalidRequest),
        ("&max_age=1e3", E::InvalidRequest),
        ("&max_age=99999999999999999999", E::InvalidRequest),
        ("&claims=x", E::InvalidRequest),
        ("&claims=[]", E::InvalidRequest),
        ("&claims=%7B%22id_token%22%3A1%7D", E::InvalidRequest),
        ("&claims=%7B%22a%22%3A1%2C%22a%22%3A2%7D", E::InvalidRequest),
    ] {
        let refusal = strict(rest).unwrap_err();
        assert_eq!(refusal.error, error, "{rest:.60}");
        assert!(
            is_description(&refusal.description),
            "{}",
            refusal.description
        );
    }
    for (query, error) in [
        ("", E::InvalidRequest),
        ("response_type=", E::InvalidRequest),
        ("response_type=token", E::UnsupportedResponseType),
        ("response_type=id_token", E::UnsupportedResponseType),
        ("response_type=code+id_token", E::UnsupportedResponseType),
        ("response_type=Code", E::UnsupportedResponseType),
        ("response_type=none", E::UnsupportedResponseType),
    ] {
        let refusal = Unchecked::parse(query).check(&STRICT).unwrap_err();
        assert_eq!(refusal.error, error, "{query}");
    }
}

#[test]
fn a_challenge_is_demanded_and_read_by_the_apps_rules() {
    let plain = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let ask = |rest: &str, rules| {
        let query = format!("response_type=code&state=s{rest}");
        Unchecked::parse(&query)
            .check(rules)
            .map(|request| request.challenge)
    };
    let invalid = |rest: &str, rules| {
        let error = ask(rest, rules).unwrap_err().error;
        assert_eq!(error, AuthorizeErrorCode::InvalidRequest, "{rest}");
    };
    for rest in [
        "",
        "&code_challenge=",
        &format!("&code_challenge={plain}"),
        &format!("&code_challenge={plain}&code_challenge_method=plain"),
    ] {
        invalid(rest, &STRICT);
    }
    assert_eq!(ask("", &MAILCOW), Ok(None));
    for rest in [
        format!("&code_challenge={plain}"),
        format!("&code_challenge={plain}&code_challenge_method=plain"),
    ] {
        let challenge = ask(&rest, &MAILCOW).unwrap().unwrap();
        assert_eq!(
            (challenge.method, &*challenge.value),
            (ChallengeMethod::Plain, plain)
        );
    }
    // Lenient about whether, never about what.
    for rest in [
        "&code_challenge_method=S256",
        "&code_challenge_method=plain",
        "&code_challenge=short",
        "&code_challenge=short&code_challenge_method=S256",
        &format!("&code_challenge={S256}&code_challenge_method=s256"),
        &format!("&code_challenge={S256}%3D&code_challenge_method=S256"),
        &format!("&code_challenge={}", "a".repeat(42)),
        &format!("&code_challenge={}", "a".repeat(129)),
        &format!("&code_challenge={S256}&code_challenge={S256}&code_challenge_method=S256"),
    ] {
        invalid(rest, &MAILCOW);
    }
}

#[test]
fn mailcow_demands_a_state() {
    assert!(
        mailcow("&scope=profile+openid")
            .unwrap()
            .asked_scopes
            .contains("openid")
    );
    let without = Unchecked::parse("response_type=code")
        .check(&MAILCOW)
        .unwrap_err();
    assert_eq!(without.description, "state is missing");
}

#[test]
fn app_and_redirect_are_known_before_anything_else() {
    let request = Unchecked::parse("client_id=app&redirect_uri=https%3A%2F%2Fa&state=s&scope=%00");
    assert_eq!(request.client_id.as_deref(), Some("app"));
    assert_eq!(request.redirect_uri.as_deref(), Some("https://a"));
    assert_eq!((request.fault, request.state()), (None, Some("s")));
    assert_eq!(request.response_mode(), Delivery::Query);
    for (query, fault) in [
        (
            "client_id=a&client_id=a",
            ParamsError::Repeated("client_id"),
        ),
        (
            "client_id=a&redirect_uri=x&redirect_uri=x",
            ParamsError::Repeated("redirect_uri"),
        ),
        (
            "client_id=a&redirect_uri=x&redirect%5furi=",
            ParamsError::Repeated("redirect_uri"),
        ),
        (
            "client_id=a&redirect_uri=x%0d%0a",
            ParamsError::Character("redirect_uri"),
        ),
        ("client_id=%ff", ParamsError::Character("client_id")),
    ] {
        let request = Unchecked::parse(query);
        assert_eq!(request.fault, Some(fault), "{query}");
        assert!(request.client_id.is_none() || request.redirect_uri.is_none());
        assert!(request.check(&MAILCOW).is_err());
    }
    let long = Unchecked::parse(&format!("client_id=a&x={}", "x".repeat(40_000)));
    assert_eq!(
        (long.client_id.clone(), long.fault),
        (None, Some(ParamsError::TooLong))
    );
    assert!(long.check(&MAILCOW).is_err());
}

#[test]
fn an_error_goes_back_in_the_way_asked_for_with_its_state() {
    let request = Unchecked::parse("response_mode=form_post&state=s&prompt=bad");
    assert_eq!(request.response_mode(), Delivery::FormPost);
    assert_eq!(request.state(), Some("s"));
    for query in [
        "state=a&state=b",
        "state=a%0d%0ab",
        &format!("state={}", "x".repeat(5000)),
    ] {
        assert_eq!(Unchecked::parse(query).state(), None, "{query:.40}");
    }
    for query in [
        "response_mode=fragment",
        "response_mode=form_post&response_mode=query",
    ] {
        assert_eq!(Unchecked::parse(query).response_mode(), Delivery::Query);
    }
}

proptest! {
    #[test]
    fn foreign_requests_never_panic(
        query in "\\PC{0,80}|((response_type|client_id|state|scope|prompt|max_age|claims|nonce)=(code|none|[a-z0-9%+\"{}:]{0,12})&){0,8}"
    ) {
        let request = Unchecked::parse(&query);
        let state = request.state().map(str::to_owned);
        match request.check(&MAILCOW) {
            Ok(request) => {
                prop_assert_eq!(&request.state, &state);
                prop_assert!(request.state.is_some());
                prop_assert!(request.scopes.iter().all(|scope| scope == "profile"));
            }
            Err(error) => prop_assert!(is_description(&error.description), "{}", error),
        }
    }
}
