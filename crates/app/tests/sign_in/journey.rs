//! Connect, check, sign in, update on change, a wrong secret: the same journey at four providers
//! that have no line of code in common.

use crate::joined::{ADDRESS, Joined, Joining};
use crate::world::address;
use app::test_provider::{CheckLine, CheckState};
use model::domain::GIB;
use model::outcome::Code;
use secrecy::ExposeSecret as _;
use testkit::provider::{Canaille, Glewlwyd, LemonLdap, OidcProvider, RealProvider};

/// One line of the check as text.
fn shown(line: &CheckLine) -> String {
    format!(
        "{}: {:?}, {} | {}",
        line.name, line.state, line.evidence, line.fix
    )
}

const PAGE: &str = include_str!("../../../../docs/reference/tested-providers.md");

/// What the page for administrators says is yellow at this provider.
fn yellow<P: RealProvider>() -> Vec<&'static str> {
    let row = PAGE
        .lines()
        .find(|line| line.starts_with(&format!("| {} |", P::NAME)))
        .unwrap_or_else(|| panic!("the page has no row of {}", P::NAME));
    let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    assert!(cells[3].contains(P::template("staff").0), "{row}");
    match cells[4] {
        "nothing" => Vec::new(),
        lines => lines.split(", ").collect(),
    }
}

/// The journey. Lines of the check are green but for those that the page names.
async fn journey<P: RealProvider>() {
    let warned = yellow::<P>();
    let Some(mut joined) = Joined::<P>::new(Joining::default()).await else {
        return;
    };
    let lines = joined.check().await;
    let all: Vec<_> = lines.iter().map(shown).collect();
    let all = all.join("\n");
    assert_eq!(lines.len(), 11, "{all}");
    for line in &lines {
        let expected = if warned.contains(&line.name.as_str()) {
            CheckState::Warn
        } else {
            CheckState::Ok
        };
        assert_eq!(line.state, expected, "{}\n{all}", line.name);
    }

    // Somebody new whom no rule fits is refused, until the claim is right.
    joined.now_of("visitors").await;
    joined
        .refused_with(Code::NoMapping, &[P::template("").0])
        .await;
    joined.now_of("staff").await;
    let test = joined.tested().await;
    assert!(test.passed, "{test:?}");
    let would = format!("The mailbox {ADDRESS} would be made");
    assert!(test.sentence.starts_with(&would), "{}", test.sentence);
    let (claim, value) = P::template("staff");
    let claims = &test.found.claims;
    let received = claims.iter().find(|received| received.name == claim);
    let received = received.unwrap();
    assert_eq!(received.value, value);
    // Of a claim that is in both, userinfo's counts.
    assert_eq!(received.origin, "userinfo");

    assert!(joined.signed_in().await.created);
    assert_eq!(joined.given().await, (2 * GIB, Some("Staff".to_owned())));
    let view = joined.world.app.mailbox(&address(ADDRESS)).await.unwrap();
    assert_eq!(view.mailbox.name, "Nora Nowak");
    let (link, name) = &view.links[0];
    assert_eq!(link.namespace.0, joined.provider.issuer());
    assert_eq!(name, P::NAME);

    joined.now_of("board").await;
    assert!(!joined.signed_in().await.created);
    assert_eq!(joined.given().await, (4 * GIB, Some("Board".to_owned())));

    // A value that no rule knows takes nothing away from somebody who is there.
    joined.now_of("visitors").await;
    assert!(!joined.signed_in().await.created);
    assert_eq!(joined.given().await, (4 * GIB, Some("Board".to_owned())));

    let session = joined.signed_in().await.token;
    let session = session.expose_secret();
    let app = &joined.world.app;
    assert!(app.session(session).await.unwrap().is_some());
    app.sign_out(session).await.unwrap();
    assert!(app.session(session).await.unwrap().is_none());

    joined.wrong_secret().await;
    let lines = joined.check().await;
    let secret = &lines[7];
    assert_eq!(secret.state, CheckState::Failed, "{}", shown(secret));
    assert_eq!(secret.code, Some(Code::ClientRejected));
    joined
        .refused_with(Code::ClientRejected, &["Client id sent: mail"])
        .await;
}

/// All claims are in userinfo.
#[tokio::test]
async fn oidc_provider() {
    journey::<OidcProvider>().await;
}

/// It lists the scope `openid` and no other, so the check cannot tell whether it has the
/// template's. To the wrong secret it says 403 `unauthorized_client`, to a used code 403
/// `invalid_code`, and both are understood.
#[tokio::test]
async fn glewlwyd() {
    journey::<Glewlwyd>().await;
}

/// It lists the five standard scopes, never those that an administrator adds. Its issuer ends with
/// a slash.
#[tokio::test]
async fn lemonldap() {
    journey::<LemonLdap>().await;
}

/// Without keys of its own it signs by RS512; `auth_time` is a fraction; the template is a group.
#[tokio::test]
async fn canaille() {
    journey::<Canaille>().await;
}
