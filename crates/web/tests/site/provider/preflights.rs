//! Which places pages of other sites may ask at, and how browsers are told: no other route has a word for them.

use super::pages::{ALLOWED, CHALLENGED, HOME, plain, reads_nothing};
use super::{Answer, Provider, bearer, public};
use http::{HeaderValue, Method, Request, header};
use oidc::op::paths;

/// Where pages may ask, and by which methods.
const OPEN: [(&str, &str); 4] = [
    (paths::TOKEN, "POST"),
    ("/oauth/token/", "POST"),
    (paths::REVOKE, "POST"),
    (paths::USERINFO, "GET, POST"),
];
/// What any page may read.
const PUBLISHED: [&str; 3] = [
    paths::JWKS,
    paths::OPENID_CONFIGURATION,
    paths::AUTHORIZATION_SERVER,
];

impl Provider {
    async fn preflight(&self, path: &str, origin: impl Into<HeaderValue>) -> Answer {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri(path)
            .header(header::ORIGIN, origin.into())
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization");
        self.send(request, "").await
    }
}

/// A preflight names no app: whoever could be one may ask, and nothing is said with it.
#[tokio::test]
async fn a_browser_is_told_what_a_page_may_send() {
    let provider = Provider::new().await;
    for (path, methods) in OPEN {
        for origin in [HOME, "https://nobody.example:8443", "http://127.0.0.1:5173"] {
            let answer = provider
                .preflight(path, HeaderValue::from_static(origin))
                .await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
            assert_eq!(answer.header(ALLOWED), Some(origin));
            for (name, value) in [
                ("access-control-allow-methods", methods),
                (
                    "access-control-allow-headers",
                    "Authorization, Content-Type",
                ),
                ("access-control-max-age", "7200"),
                ("allow", methods),
            ] {
                assert_eq!(answer.header(name), Some(value), "{path}");
            }
            assert_eq!(answer.header("access-control-expose-headers"), None);
            plain(&answer);
        }
        for origin in [
            "null",
            "http://nobody.example",
            "https://nobody.example/",
            "",
        ] {
            let answer = provider
                .preflight(path, HeaderValue::from_static(origin))
                .await;
            assert_eq!(answer.status.as_u16(), 204);
            reads_nothing(&answer, origin);
        }
        let nobody = Request::builder().method(Method::OPTIONS).uri(path);
        let answer = provider.send(nobody, "").await;
        assert_eq!(answer.status.as_u16(), 204);
        reads_nothing(&answer, "no page");
    }
    for path in PUBLISHED {
        let answer = provider
            .preflight(path, HeaderValue::from_static("null"))
            .await;
        assert_eq!(answer.status.as_u16(), 204);
        assert_eq!(answer.header(ALLOWED), Some("*"));
        let methods = answer.header("access-control-allow-methods");
        assert_eq!(methods, Some("GET"));
        plain(&answer);
    }
}

/// Every route of the site, by every method it has and by a preflight.
#[tokio::test]
async fn no_other_place_lets_pages_of_other_sites_in() {
    let provider = Provider::new().await;
    let app = provider.add("spa", public()).await;
    let given = provider.tokens_of("spa", app, CHALLENGED).await;
    let token = given.member("access_token");
    let routes = web::router::routes();
    let open: Vec<_> = OPEN
        .map(|(path, _)| path)
        .into_iter()
        .chain(PUBLISHED)
        .collect();
    let asked_for: Vec<_> = routes
        .rows()
        .iter()
        .filter(|row| row.method == Method::OPTIONS)
        .map(|row| row.path)
        .collect();
    assert!(open.iter().all(|path| asked_for.contains(path)) && asked_for.len() == open.len());
    let mut seen = 0;
    for row in routes.rows().iter().filter(|row| !open.contains(&row.path)) {
        let path = ["{id}", "{name}", "{provider}"]
            .iter()
            .fold(row.path.to_owned(), |path, part| path.replace(part, "1"));
        for method in [row.method.clone(), Method::OPTIONS] {
            let request = Request::builder()
                .method(&method)
                .uri(&path)
                .header(header::ORIGIN, HOME)
                .header("access-control-request-method", "POST")
                .header(header::AUTHORIZATION, bearer(&token))
                .header(header::CONTENT_TYPE, super::FORM);
            let answer = provider.send(request, "client_id=spa&token=x").await;
            let of_cors = |name: &&header::HeaderName| name.as_str().starts_with("access-control-");
            assert_eq!(answer.headers.keys().find(of_cors), None, "{method} {path}");
            if method == Method::OPTIONS {
                assert_eq!(answer.status.as_u16(), 405, "{path}");
            }
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen}");
}
