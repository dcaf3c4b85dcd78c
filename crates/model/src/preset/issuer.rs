//! Issuers as people paste them: often an endpoint, or the address of the start page.

use super::Preset;

/// An issuer after its repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerRepair {
    /// The issuer.
    pub issuer: String,
    /// What was changed, as a sentence; `None` if nothing was.
    pub change: Option<&'static str>,
}

const ENDPOINT_CUT: &str = "It was the address of an endpoint and was cut back to the issuer.";
const SLASH_ADDED: &str = "The slash at its end was added: this provider writes it so.";
const SLASH_REMOVED: &str = "The slash at its end was removed: this provider writes none.";
const SHARED: &str = "All applications share that endpoint, so it was replaced by the issuer of the \
    application that the blueprint makes.";
const COMPLETED: &str = "The path that this provider's issuer always has was added.";

/// Endpoints of authentik that stand beside the applications.
const SHARED_BY_ALL: [&str; 6] = [
    "authorize",
    "token",
    "userinfo",
    "introspect",
    "revoke",
    "device",
];
/// Names in place of a tenant that stand for more than one.
const MANY_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];

/// Makes an issuer of what was pasted for a provider of a kind; `slug` is the provider's, after
/// which its blueprint names the application. `pasted` is an absolute URL without query.
///
/// # Errors
/// A sentence, when it cannot be the issuer of this kind and nothing tells which one is.
pub fn repair_issuer(
    preset: Preset,
    pasted: &str,
    slug: &str,
) -> Result<IssuerRepair, &'static str> {
    let host_at = pasted.find("://").map_or(0, |at| at + 3);
    let path_at = pasted[host_at..]
        .find('/')
        .map_or(pasted.len(), |at| host_at + at);
    let (origin, path) = pasted.split_at(path_at);
    let (path, change) = match preset {
        Preset::Authelia => plain(path, &["/api/oidc/", "/jwks.json"]),
        Preset::Keycloak => plain(path, &["/protocol/openid-connect"]),
        Preset::Kanidm => plain(path, &["/userinfo", "/public_key.jwk"]),
        Preset::Zitadel => plain(path, &["/oauth/v2/", "/oidc/v1/"]),
        Preset::PocketId => plain(path, &["/api/oidc/", "/authorize"]),
        Preset::Google => plain(path, &["/o/oauth2/"]),
        Preset::Authentik => authentik(path, slug),
        Preset::Rauthy => rauthy(path),
        Preset::Entra => entra(path)?,
        Preset::Issuer | Preset::Endpoints => (path.to_owned(), None),
    };
    Ok(IssuerRepair {
        issuer: format!("{origin}{path}"),
        change,
    })
}

type Repaired = (String, Option<&'static str>);

/// Cut where an endpoint's own part begins; no slash at the end.
fn plain(path: &str, endpoints: &[&str]) -> Repaired {
    if let Some(at) = endpoints.iter().filter_map(|part| path.find(part)).min() {
        return (
            path[..at].trim_end_matches('/').to_owned(),
            Some(ENDPOINT_CUT),
        );
    }
    match path.trim_end_matches('/') {
        same if same.len() == path.len() => (path.to_owned(), None),
        cut => (cut.to_owned(), Some(SLASH_REMOVED)),
    }
}

fn authentik(path: &str, slug: &str) -> Repaired {
    let Some(rest) = path.strip_prefix("/application/o/") else {
        return (path.to_owned(), None);
    };
    let (application, after) = rest.split_once('/').unwrap_or((rest, ""));
    let issuer = |application: &str| format!("/application/o/{application}/");
    if application.is_empty() {
        (path.to_owned(), None)
    } else if SHARED_BY_ALL.contains(&application) {
        (issuer(slug), Some(SHARED))
    } else if !after.is_empty() {
        (issuer(application), Some(ENDPOINT_CUT))
    } else if rest.ends_with('/') {
        (path.to_owned(), None)
    } else {
        (issuer(application), Some(SLASH_ADDED))
    }
}

/// With or without the last slash: older releases write none, and the check tells which it is.
fn rauthy(path: &str) -> Repaired {
    let before = path.find("/oidc/").map(|at| &path[..at]);
    match (before, path) {
        (Some("" | "/"), _) | (None, "" | "/") => ("/auth/v1/".to_owned(), Some(COMPLETED)),
        (Some(before), _) => (format!("{before}/"), Some(ENDPOINT_CUT)),
        (None, path) => (path.to_owned(), None),
    }
}

fn entra(path: &str) -> Result<Repaired, &'static str> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let Some(tenant) = parts.next() else {
        return Err("Entra's issuer holds the id of your tenant");
    };
    if MANY_TENANTS.contains(&tenant) {
        return Err(
            "name your own tenant by its id: this one stands for those of other companies too",
        );
    }
    let issuer = format!("/{tenant}/v2.0");
    let change = match parts.next() {
        _ if path == issuer => None,
        None => Some(COMPLETED),
        Some("v2.0") => Some(SLASH_REMOVED),
        Some(_) => Some(ENDPOINT_CUT),
    };
    Ok((issuer, change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_pasted_becomes_the_issuer_and_the_change_is_told() {
        use Preset::{
            Authelia, Authentik, Entra, Google, Issuer, Kanidm, Keycloak, PocketId, Rauthy, Zitadel,
        };
        let table = [
            (Authelia, "https://a.test", "https://a.test", None),
            (
                Authelia,
                "https://a.test/",
                "https://a.test",
                Some(SLASH_REMOVED),
            ),
            (
                Authelia,
                "https://a.test/api/oidc/token",
                "https://a.test",
                Some(ENDPOINT_CUT),
            ),
            (
                Authelia,
                "https://a.test/jwks.json",
                "https://a.test",
                Some(ENDPOINT_CUT),
            ),
            (
                Authentik,
                "https://a.test/application/o/mail/",
                "https://a.test/application/o/mail/",
                None,
            ),
            (
                Authentik,
                "https://a.test/application/o/mail",
                "https://a.test/application/o/mail/",
                Some(SLASH_ADDED),
            ),
            (
                Authentik,
                "https://a.test/application/o/mail/jwks/",
                "https://a.test/application/o/mail/",
                Some(ENDPOINT_CUT),
            ),
            (
                Authentik,
                "https://a.test/application/o/authorize/",
                "https://a.test/application/o/here/",
                Some(SHARED),
            ),
            (
                Authentik,
                "https://a.test/application/o/token",
                "https://a.test/application/o/here/",
                Some(SHARED),
            ),
            (Authentik, "https://a.test/", "https://a.test/", None),
            (
                Keycloak,
                "https://k.test/realms/r",
                "https://k.test/realms/r",
                None,
            ),
            (
                Keycloak,
                "https://k.test/realms/r/",
                "https://k.test/realms/r",
                Some(SLASH_REMOVED),
            ),
            (
                Keycloak,
                "https://k.test/auth/realms/r/protocol/openid-connect/auth",
                "https://k.test/auth/realms/r",
                Some(ENDPOINT_CUT),
            ),
            (
                Kanidm,
                "https://i.test/oauth2/openid/mail/userinfo",
                "https://i.test/oauth2/openid/mail",
                Some(ENDPOINT_CUT),
            ),
            (
                Zitadel,
                "https://z.test/oauth/v2/authorize",
                "https://z.test",
                Some(ENDPOINT_CUT),
            ),
            (
                Rauthy,
                "https://r.test",
                "https://r.test/auth/v1/",
                Some(COMPLETED),
            ),
            (
                Rauthy,
                "https://r.test/auth/v1",
                "https://r.test/auth/v1",
                None,
            ),
            (
                Rauthy,
                "https://r.test/oidc/token",
                "https://r.test/auth/v1/",
                Some(COMPLETED),
            ),
            (
                Rauthy,
                "https://r.test/auth/v1/oidc/token",
                "https://r.test/auth/v1/",
                Some(ENDPOINT_CUT),
            ),
            (
                PocketId,
                "https://p.test/authorize",
                "https://p.test",
                Some(ENDPOINT_CUT),
            ),
            (
                Google,
                "https://accounts.google.com/o/oauth2/v2/auth",
                "https://accounts.google.com",
                Some(ENDPOINT_CUT),
            ),
            (
                Entra,
                "https://login.test/t-1",
                "https://login.test/t-1/v2.0",
                Some(COMPLETED),
            ),
            (
                Entra,
                "https://login.test/t-1/v2.0/",
                "https://login.test/t-1/v2.0",
                Some(SLASH_REMOVED),
            ),
            (
                Entra,
                "https://login.test/t-1/oauth2/v2.0/token",
                "https://login.test/t-1/v2.0",
                Some(ENDPOINT_CUT),
            ),
            (
                Issuer,
                "https://o.test/api/oidc/token/",
                "https://o.test/api/oidc/token/",
                None,
            ),
        ];
        for (preset, pasted, issuer, change) in table {
            let repaired = repair_issuer(preset, pasted, "here").unwrap();
            assert_eq!(
                (repaired.issuer.as_str(), repaired.change),
                (issuer, change),
                "{pasted}"
            );
        }
    }

    #[test]
    fn an_issuer_of_many_companies_is_refused() {
        for path in ["common/v2.0", "organizations/v2.0", "consumers/v2.0", ""] {
            let pasted = format!("https://login.microsoftonline.com/{path}");
            assert!(
                repair_issuer(Preset::Entra, &pasted, "x").is_err(),
                "{path}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_is_pasted_a_repaired_issuer_stays_as_it_is(
            preset in proptest::sample::select(Preset::ALL.to_vec()),
            path in "(/|application|o|authorize|token|api|oidc|v2.0|realms|é|[a-z]){0,9}",
        ) {
            let pasted = format!("https://a.test/{path}");
            if let Ok(once) = repair_issuer(preset, &pasted, "here") {
                let again = repair_issuer(preset, &once.issuer, "here").unwrap();
                prop_assert_eq!((again.issuer, again.change), (once.issuer, None));
            }
        }
    }
}
