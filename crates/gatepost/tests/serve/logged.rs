//! What the log holds of requests.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::support::{Instance, NO_MAIL, SOON, soon};

const PLANTED: &str = "planted-secret-4711";

/// Sends a request as it is; what comes back.
fn asked(instance: &Instance, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", instance.port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let host = format!("Host: 127.0.0.1:{}", instance.port);
    let form = "Content-Type: application/x-www-form-urlencoded";
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\n{host}\r\nConnection: close\r\n{headers}{form}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// By decision 0031.
#[tokio::test]
async fn what_programs_ask_and_get_has_no_line_at_the_usual_level() {
    let instance = Instance::with(NO_MAIL, "");
    let keeper = instance.serve().await;
    for (method, path, status) in [
        ("GET", "/healthz", 200),
        ("GET", "/.well-known/openid-configuration", 200),
        ("POST", "/oauth/token", 400),
        ("GET", "/oauth/userinfo", 401),
        ("GET", "/connect", 200),
    ] {
        let answer = asked(
            &instance,
            method,
            path,
            "Origin: https://page.example\r\n",
            "",
        );
        let line = answer.lines().next().unwrap_or_default().to_owned();
        assert!(line.contains(&format!(" {status} ")), "{path}: {line}");
    }
    let last = "http.path=\"/connect\"";
    let log = soon("the line of the page", async || {
        let log = keeper.output();
        log.contains(last).then_some(log)
    })
    .await;
    let paths = log
        .lines()
        .filter_map(|line| line.split("http.path=").nth(1));
    let paths: Vec<_> = paths.filter_map(|rest| rest.split(' ').next()).collect();
    let wanted = ["\"/oauth/token\"", "\"/oauth/userinfo\"", "\"/connect\""];
    assert_eq!(paths, wanted, "{log}");
    // Neither app was known, so nobody may read that.
    let kept_back = log.matches("page.origin=\"https://page.example\"").count();
    assert_eq!(kept_back, 2, "{log}");
}

/// However much is logged.
#[tokio::test]
async fn what_apps_send_is_not_logged() {
    let instance = Instance::with(NO_MAIL, "[log]\nfilter = \"trace\"\n");
    let keeper = instance.serve().await;
    let token = format!("access_token={PLANTED}");
    let shown = format!("Authorization: Bearer {PLANTED}\r\n");
    let secret = format!("client_id=app&client_secret={PLANTED}&code={PLANTED}");
    let asks =
        format!("client_id=app&state={PLANTED}&login_hint={PLANTED}&id_token_hint={PLANTED}");
    for (method, path, headers, body, status) in [
        ("GET", format!("/oauth/profile?{token}"), "", "", 401),
        ("GET", format!("/oauth/userinfo?{token}"), "", "", 400),
        ("POST", "/oauth/profile".to_owned(), "", token.as_str(), 401),
        ("GET", "/oauth/profile".to_owned(), shown.as_str(), "", 401),
        ("GET", format!("/oauth/token?{secret}"), "", "", 405),
        (
            "POST",
            "/oauth/token".to_owned(),
            "",
            &format!("grant_type=authorization_code&{secret}"),
            401,
        ),
        (
            "POST",
            "/oauth/introspect".to_owned(),
            "",
            &format!("{secret}&token={PLANTED}"),
            401,
        ),
        ("GET", format!("/oauth/authorize?{asks}"), "", "", 400),
        ("GET", format!("/oauth/end-session?{asks}"), "", "", 400),
        ("GET", format!("/connect?user_code={PLANTED}"), "", "", 200),
    ] {
        let answer = asked(&instance, method, &path, headers, body);
        let line = answer.lines().next().unwrap_or_default().to_owned();
        assert!(line.contains(&format!(" {status} ")), "{path}: {line}");
    }
    let requests = || keeper.output().matches("http.path=").count();
    soon("ten lines about requests", async || {
        (requests() >= 10).then_some(())
    })
    .await;
    let log = keeper.output();
    assert!(
        log.contains("/oauth/introspect") && log.contains(" DEBUG "),
        "{log}"
    );
    assert!(!log.contains(PLANTED), "{log}");
}
