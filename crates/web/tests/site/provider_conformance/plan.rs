//! The basic plan for providers, for either way of answering.

/// One test for each module.
macro_rules! basic_plan {
    ($mode:expr) => {
        use crate::provider_conformance::basic::signs_in;
        use crate::provider_conformance::round::{ERIN, Round, bearer, header, is_invalid_grant};
        use crate::provider_conformance::signed_in::client;
        use crate::provider_conformance::{BACK, CHALLENGE, allow, erin, location, tab};
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        use http::header::{AUTHORIZATION, CONTENT_TYPE};
        use http::{Request, StatusCode};
        use model::oauth_app::{IdTokenAlg, PkceRule};
        use serde_json::{Map, Value, json};
        use std::time::Duration;
        use testkit::browser::{Page, Tab};

        /// That a question with this is answered with a code that is good, without a page.
        async fn changes_nothing(other: &[(&str, &str)]) {
            let round = Round::new($mode).await;
            let (mut tab, first) = round.allowed().await;
            let page = round.ask(&mut tab, other).await;
            let tokens = round.tokens(&page).await;
            let before = round.id_token(&first).await;
            let after = round.id_token(&tokens).await;
            assert_eq!(after["sub"], before["sub"]);
        }

        /// The tokens for a question with this from a browser that is new here: Erin signs in, and allows
        /// it.
        async fn crosses_our_pages(round: &Round, other: &[(&str, &str)]) -> Value {
            let mut tab = tab(&round.world);
            let page = round.ask(&mut tab, other).await;
            let words = "Sign in to go on to Files.";
            assert!(page.text().contains(words), "{}", page.text());
            let page = signs_in(&mut tab, &page).await;
            let text = page.text();
            for words in ["Files", ERIN, "files.example.com", "Your address"] {
                assert!(text.contains(words), "{words}: {text}");
            }
            round.tokens(&allow(&mut tab, &page).await).await
        }

        /// That a question with this shows the pages of any other, and comes to tokens for Erin.
        async fn is_shown_as_any_other(other: &[(&str, &str)]) {
            let round = Round::new($mode).await;
            let tokens = crosses_our_pages(&round, other).await;
            assert_eq!(round.id_token(&tokens).await["nonce"], "n");
            let (status, about) = round.userinfo(&tokens).await;
            assert_eq!(status, StatusCode::OK, "{about}");
            assert_eq!(about["email"], ERIN);
        }

        /// That the app is granted these scopes for those, and gets these claims and no others.
        async fn opens(scopes: &str, granted: &str, names: &[&str]) {
            let round = Round::new($mode).await;
            let (_, tokens) = round.allowed_with(&[("scope", scopes)]).await;
            assert_eq!(tokens["scope"], granted);
            assert_eq!(round.claims(&tokens).await, names, "{scopes}");
        }

        /// That the same code is refused later, and took its tokens along.
        async fn is_refused_after(pause: Duration) {
            let round = Round::new($mode).await;
            let mut tab = erin(&round.world).await;
            let page = round.ask(&mut tab, &[]).await;
            let page = allow(&mut tab, &page).await;
            let tokens = round.tokens(&page).await;
            assert_eq!(round.userinfo(&tokens).await.0, StatusCode::OK);
            round.world.clock.advance(pause);
            round.world.app.sweep().await.unwrap();
            is_invalid_grant(&round.redeem(&round.code(&page), &[]).await);
            let (status, told) = round.userinfo(&tokens).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            assert_eq!(told["error"], "invalid_token");
        }

        /// That a request object is refused by its own error.
        async fn no_object(name: &str, value: &str, error: &str) {
            let round = Round::new($mode).await;
            let mut tab = erin(&round.world).await;
            let page = round.ask(&mut tab, &[(name, value)]).await;
            assert_eq!(round.error(&page), error);
        }

        /// A request object without a signature, with this redirect and another state.
        fn object(redirect: &str) -> String {
            let header = json!({"alg": "none"});
            let claims = json!({
                "client_id": "files", "response_type": "code", "scope": "openid email",
                "redirect_uri": redirect, "state": "another", "nonce": "n",
            });
            let [header, claims] =
                [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            format!("{header}.{claims}.")
        }

        /// That a request ends at our page about its redirect: nothing leads on, least of all a code.
        fn leads_nowhere(page: &Page, sent: &str) {
            assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{sent}");
            assert_eq!(page.location().unwrap(), None, "{sent}");
            assert_eq!(page.header("refresh"), None, "{sent}");
            assert!(page.text().contains("wrong way back"), "{}", page.text());
            let body = page.body();
            for word in ["evil.example", "alert(1)", "code="] {
                assert!(!body.contains(word), "{word} in {body}");
            }
            assert!(page.form("form[data-onward]").is_err(), "{sent}");
        }

        #[tokio::test]
        async fn oidcc_server() {
            let round = Round::new($mode).await;
            let tokens = crosses_our_pages(&round, &[]).await;
            let (token, now) = (round.id_token(&tokens).await, round.world.app.now());
            assert_eq!(token["iss"], round.world.url.as_str());
            assert_eq!(token["aud"], "files");
            assert_eq!(token["nonce"], "n");
            assert_eq!(token["iat"], now.secs());
            let (status, about) = round.userinfo(&tokens).await;
            assert_eq!(status, StatusCode::OK, "{about}");
            assert_eq!(
                (&about["sub"], &about["email"]),
                (&token["sub"], &ERIN.into())
            );
            assert_eq!(tokens["scope"], "openid email");
        }

        #[tokio::test]
        async fn oidcc_response_type_missing() {
            let round = Round::new($mode).await;
            let mut tab = erin(&round.world).await;
            for (sent, error) in [
                ("", "invalid_request"),
                ("token", "unsupported_response_type"),
                ("code id_token", "unsupported_response_type"),
            ] {
                let page = round.ask(&mut tab, &[("response_type", sent)]).await;
                assert_eq!(round.error(&page), error, "{sent}");
            }
        }

        /// The module wants RS256, which is a setting of the app here.
        #[tokio::test]
        async fn oidcc_idtoken_signature() {
            let round = Round::with($mode, |s| s.id_token_alg = IdTokenAlg::Rs256).await;
            let (_, tokens) = round.allowed().await;
            assert_eq!(header(&tokens)["alg"], "RS256");
            round.id_token(&tokens).await;
            let other = Round::new($mode).await;
            let (_, tokens) = other.allowed().await;
            assert_eq!(header(&tokens)["alg"], "ES256");
        }

        /// There is no app that could be registered so.
        #[tokio::test]
        async fn oidcc_idtoken_unsigned() {
            let round = Round::new($mode).await;
            let at = Request::get("/.well-known/openid-configuration");
            let (_, says) = round.send(at, "").await;
            let algs = says["id_token_signing_alg_values_supported"].to_string();
            assert!(algs.contains("RS256") && !algs.contains("none"), "{algs}");
        }

        /// Userinfo, asked in one way.
        async fn userinfo_by(request: impl FnOnce(String) -> (http::request::Builder, String)) {
            let round = Round::new($mode).await;
            let (_, tokens) = round.allowed().await;
            let (asked, body) = request(bearer(&tokens));
            let (status, about) = round.send(asked, &body).await;
            assert_eq!(status, StatusCode::OK, "{about}");
            assert_eq!(about["sub"], round.id_token(&tokens).await["sub"]);
        }

        #[tokio::test]
        async fn oidcc_userinfo_get() {
            userinfo_by(|token| {
                let asked = Request::get("/oauth/userinfo").header(AUTHORIZATION, token);
                (asked, String::new())
            })
            .await;
        }

        #[tokio::test]
        async fn oidcc_userinfo_post_header() {
            userinfo_by(|token| {
                let asked = Request::post("/oauth/userinfo").header(AUTHORIZATION, token);
                (asked, String::new())
            })
            .await;
        }

        #[tokio::test]
        async fn oidcc_userinfo_post_body() {
            userinfo_by(|token| {
                let asked = Request::post("/oauth/userinfo")
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                (asked, token.replacen("Bearer ", "access_token=", 1))
            })
            .await;
        }

        #[tokio::test]
        async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow() {
            let round = Round::new($mode).await;
            let (_, tokens) = round.allowed_with(&[("nonce", "")]).await;
            let token = round.id_token(&tokens).await;
            assert!(!token.contains_key("nonce"), "{token:?}");
        }

        #[tokio::test]
        async fn oidcc_scope_profile() {
            let names = ["name", "preferred_username", "sub", "updated_at"];
            opens("openid profile", "openid profile", &names).await;
        }

        #[tokio::test]
        async fn oidcc_scope_email() {
            let names = ["email", "email_verified", "sub"];
            opens("openid email", "openid email", &names).await;
        }

        /// A mailbox has none: the scope is dropped, as one that nobody has heard of.
        #[tokio::test]
        async fn oidcc_scope_address() {
            opens("openid address", "openid", &["sub"]).await;
        }

        #[tokio::test]
        async fn oidcc_scope_phone() {
            opens("openid phone", "openid", &["sub"]).await;
        }

        #[tokio::test]
        async fn oidcc_scope_all() {
            let names = [
                "email",
                "email_verified",
                "name",
                "preferred_username",
                "sub",
                "updated_at",
            ];
            let all = "openid profile email address phone";
            opens(all, "openid profile email", &names).await;
        }

        /// Neither the order of scopes nor that of parameters means anything.
        #[tokio::test]
        async fn oidcc_alternate_happy_flow() {
            let round = Round::new($mode).await;
            let mut tab = erin(&round.world).await;
            let question = round.question(&[("scope", "email openid")]);
            let (at, query) = question.split_once('?').unwrap();
            let turned = query.split('&').rev().collect::<Vec<_>>().join("&");
            let page = tab.open(&format!("{at}?{turned}")).await.unwrap();
            let page = allow(&mut tab, &page).await;
            let tokens = round.tokens(&page).await;
            let names = ["email", "email_verified", "sub"];
            assert_eq!(round.claims(&tokens).await, names);
        }

        #[tokio::test]
        async fn oidcc_display_page() {
            is_shown_as_any_other(&[("display", "page")]).await;
        }

        #[tokio::test]
        async fn oidcc_display_popup() {
            is_shown_as_any_other(&[("display", "popup")]).await;
        }

        #[tokio::test]
        async fn oidcc_prompt_login() {
            let round = Round::new($mode).await;
            let (mut tab, tokens) = round.allowed().await;
            let before = round.id_token(&tokens).await;
            let mut last = before["auth_time"].as_i64().unwrap();
            for _ in 0..2 {
                round.world.clock.advance(Duration::from_secs(2));
                let page = round.ask(&mut tab, &[("prompt", "login")]).await;
                let words = "Sign in again to go on to Files.";
                assert!(page.text().contains(words), "{}", page.text());
                // Reading the page again changes nothing.
                let again = page.attribute("input[name=next]", "value").unwrap();
                let page = tab.open(&round.world.at(&again)).await.unwrap();
                assert!(page.text().contains("Sign in again"), "{}", page.text());
                let page = signs_in(&mut tab, &page).await;
                let after = round.id_token(&round.tokens(&page).await).await;
                assert_eq!(after["sub"], before["sub"]);
                let now = after["auth_time"].as_i64().unwrap();
                assert!(now > last, "{now} after {last}");
                last = now;
            }
        }

        #[tokio::test]
        async fn oidcc_prompt_none_not_logged_in() {
            let round = Round::new($mode).await;
            let silent = [("prompt", "none")];
            let page = round.ask(&mut tab(&round.world), &silent).await;
            assert_eq!(round.error(&page), "login_required");
            let mut tab = erin(&round.world).await;
            let page = round.ask(&mut tab, &silent).await;
            assert_eq!(round.error(&page), "consent_required");
        }

        /// Nobody is asked, and the same is said as before.
        async fn is_the_same(
            round: &Round,
            tab: &mut Tab,
            first: &Value,
            hint: &[(&str, &str)],
        ) {
            let before = round.id_token(first).await;
            round.world.clock.advance(Duration::from_secs(2));
            let page = round.ask(tab, hint).await;
            let after = round.id_token(&round.tokens(&page).await).await;
            for name in ["sub", "auth_time"] {
                assert_eq!(after[name], before[name], "{name}");
            }
        }

        #[tokio::test]
        async fn oidcc_prompt_none_logged_in() {
            let round = Round::new($mode).await;
            let (mut tab, first) = round.allowed().await;
            is_the_same(&round, &mut tab, &first, &[("prompt", "none")]).await;
        }

        #[tokio::test]
        async fn oidcc_max_age_1() {
            let round = Round::new($mode).await;
            let (mut tab, tokens) = round.allowed().await;
            let before = round.id_token(&tokens).await;
            round.world.clock.advance(Duration::from_secs(2));
            let page = round
                .ask(&mut tab, &[("max_age", "1"), ("prompt", "none")])
                .await;
            assert_eq!(round.error(&page), "login_required");
            let page = round.ask(&mut tab, &[("max_age", "1")]).await;
            round.world.clock.advance(Duration::from_secs(2));
            let page = signs_in(&mut tab, &page).await;
            let after = round.id_token(&round.tokens(&page).await).await;
            assert_eq!(after["sub"], before["sub"]);
            let time = |token: &Map<String, Value>| {
                token["auth_time"].as_i64().unwrap()
            };
            assert!(time(&after) >= time(&before) + 4);
        }

        #[tokio::test]
        async fn oidcc_max_age_10000() {
            let round = Round::new($mode).await;
            let (mut tab, first) = round.allowed().await;
            is_the_same(&round, &mut tab, &first, &[("max_age", "10000")]).await;
        }

        #[tokio::test]
        async fn oidcc_ensure_request_with_unknown_parameter_succeeds() {
            changes_nothing(&[("extra", "foobar"), ("resource", "x")]).await;
        }

        #[tokio::test]
        async fn oidcc_id_token_hint() {
            let round = Round::new($mode).await;
            let (mut tab, first) = round.allowed().await;
            let token = first["id_token"].as_str().unwrap();
            let hint = [("prompt", "none"), ("id_token_hint", token)];
            is_the_same(&round, &mut tab, &first, &hint).await;
        }

        #[tokio::test]
        async fn oidcc_login_hint() {
            let round = Round::new($mode).await;
            let hint = [("login_hint", "erin@elsewhere.test")];
            let page = round.ask(&mut tab(&round.world), &hint).await;
            let name = page.attribute("input[name=name]", "value").unwrap();
            assert_eq!(name, "erin@elsewhere.test");
            // Somebody else is signed in: the person says which of both it is.
            let (mut tab, _) = round.allowed().await;
            let page = round.ask(&mut tab, &hint).await;
            let words = "expects somebody else";
            assert!(page.text().contains(words), "{}", page.text());
            round.code(&allow(&mut tab, &page).await);
            let page = round.ask(&mut tab, &[("login_hint", ERIN)]).await;
            round.code(&page);
        }

        #[tokio::test]
        async fn oidcc_ui_locales() {
            changes_nothing(&[("ui_locales", "se de")]).await;
            is_shown_as_any_other(&[("ui_locales", "se de")]).await;
        }

        #[tokio::test]
        async fn oidcc_claims_locales() {
            changes_nothing(&[("claims_locales", "se")]).await;
        }

        #[tokio::test]
        async fn oidcc_ensure_request_with_acr_values_succeeds() {
            changes_nothing(&[("acr_values", "1 2")]).await;
        }

        #[tokio::test]
        async fn oidcc_codereuse() {
            is_refused_after(Duration::ZERO).await;
        }

        #[tokio::test]
        async fn oidcc_codereuse_30seconds() {
            is_refused_after(Duration::from_secs(30)).await;
            // A code that was used is remembered past its own end.
            is_refused_after(Duration::from_secs(600)).await;
        }

        #[tokio::test]
        async fn oidcc_ensure_registered_redirect_uri() {
            let round = Round::new($mode).await;
            let (mut tab, _) = round.allowed().await;
            for sent in [
                "https://files.example.com/cb/",
                "https://files.example.com/cb?a=b",
                "https://files.example.com:8443/cb",
                "https://FILES.example.com/cb",
                "https://files.example.com/c",
                "https://files.example.com/x/../cb",
                "https://files.example.com/%63b",
                "https://files.example.com/cb#x",
                "https://erin@files.example.com/cb",
                "https://files.example.com@evil.example/cb",
                "https://files.example.com.evil.example/cb",
                "http://files.example.com/cb",
                "//files.example.com/cb",
                "https://evil.example/cb",
                "javascript:alert(1)",
                "",
            ] {
                for silent in ["none", ""] {
                    let other = [("redirect_uri", sent), ("prompt", silent)];
                    let page = round.ask(&mut tab, &other).await;
                    leads_nowhere(&page, sent);
                }
            }
        }

        #[tokio::test]
        async fn oidcc_ensure_post_request_succeeds() {
            let round = Round::new($mode).await;
            let question = round.question(&[]);
            let query = question.split_once('?').unwrap().1;
            for path in ["/oauth/authorize", "/oauth/authorize/"] {
                let post = Request::post(path)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header("origin", "https://files.example.com")
                    .header("sec-fetch-site", "cross-site");
                let answer = round.world.send(post, query).await;
                assert_eq!(answer.status(), StatusCode::SEE_OTHER);
                let mut tab = tab(&round.world);
                let page = tab.open(&round.world.at(location(&answer))).await.unwrap();
                let page = signs_in(&mut tab, &page).await;
                let page = match page.form_with_button("Allow") {
                    Ok(_) => allow(&mut tab, &page).await,
                    Err(_) => page,
                };
                round.tokens(&page).await;
            }
            let json = Request::post("/oauth/authorize").header(CONTENT_TYPE, "application/json");
            let answer = round.world.send(json, "{}").await;
            assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }

        #[tokio::test]
        async fn oidcc_server_client_secret_post() {
            let round = Round::new($mode).await;
            let mut tab = erin(&round.world).await;
            let page = round.ask(&mut tab, &[]).await;
            let code = round.code(&allow(&mut tab, &page).await);
            let proof = [
                ("client_id", round.client.id),
                ("client_secret", round.client.secret.as_str()),
            ];
            let (status, told) = round.redeem(&code, &proof).await;
            assert_eq!(status, StatusCode::OK, "{told}");
        }

        #[tokio::test]
        async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() {
            let at = "https://files.example.com/request.jwt";
            no_object("request_uri", at, "request_uri_not_supported").await;
        }

        #[tokio::test]
        async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() {
            no_object("request", &object(BACK), "request_not_supported").await;
        }

        /// The redirect in an object is not read: neither a good one nor a bad one changes where the
        /// answer goes. Who is asked allowed the app before, so that a code would need no page.
        #[tokio::test]
        async fn oidcc_ensure_request_object_with_redirect_uri() {
            let round = Round::new($mode).await;
            let (mut tab, _) = round.allowed().await;
            let evil = "https://evil.example/cb";
            for silent in ["", "none"] {
                let inside = object(BACK);
                let other = [("request", inside.as_str()), ("redirect_uri", evil), ("prompt", silent)];
                let page = round.ask(&mut tab, &other).await;
                leads_nowhere(&page, evil);
                let inside = object(evil);
                let other = [("request", inside.as_str()), ("prompt", silent)];
                let page = round.ask(&mut tab, &other).await;
                assert_eq!(round.error(&page), "request_not_supported");
            }
        }

        #[tokio::test]
        async fn oidcc_claims_essential() {
            let round = Round::new($mode).await;
            let claims = r#"{"userinfo":{"name":{"essential":true}},
                "id_token":{"email":{"essential":true},"made_up":null}}"#;
            let asked = [("claims", claims), ("scope", "openid profile email")];
            let (_, tokens) = round.allowed_with(&asked).await;
            let token = round.id_token(&tokens).await;
            assert_eq!(token["email"], ERIN);
            assert!(!token.contains_key("made_up") && !token.contains_key("name"));
            let (_, about) = round.userinfo(&tokens).await;
            assert_eq!(about["name"], ERIN);
            assert_eq!(about.get("made_up"), None);
        }

        #[tokio::test]
        async fn oidcc_refresh_token() {
            let round = Round::new($mode).await;
            let offline = [("scope", "openid offline_access"), ("prompt", "consent")];
            let (mut tab, first) = round.allowed_with(&offline).await;
            let before = round.id_token(&first).await;
            let token = first["refresh_token"].as_str().unwrap();
            // Another client gets nothing for it, and uses nothing up.
            let other = client(&round.world, "other", |_| {}).await;
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", token),
                ("client_id", other.id),
                ("client_secret", other.secret.as_str()),
            ];
            is_invalid_grant(&round.at_token(&form).await);
            round.world.clock.advance(Duration::from_secs(1800));
            let (status, next) = round.refresh(token).await;
            assert_eq!(status, StatusCode::OK, "{next}");
            assert_ne!(next["refresh_token"], token);
            let after = round.id_token(&next).await;
            for name in ["iss", "sub", "aud", "auth_time"] {
                assert_eq!(after[name], before[name], "{name}");
            }
            assert!(!after.contains_key("nonce"));
            assert_eq!(round.userinfo(&next).await.0, StatusCode::OK);
            // Whoever does not ask for it gets none.
            let page = round.ask(&mut tab, &[("scope", "openid")]).await;
            let online = round.tokens(&page).await;
            assert_eq!(online.get("refresh_token"), None);
        }

        #[tokio::test]
        async fn oidcc_ensure_request_with_valid_pkce_succeeds() {
            let round = Round::with($mode, |s| s.pkce = PkceRule::Required).await;
            let mut tab = erin(&round.world).await;
            let pkce = [
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ];
            let page = round.ask(&mut tab, &pkce).await;
            let code = round.code(&allow(&mut tab, &page).await);
            is_invalid_grant(&round.redeem(&code, &[]).await);
            let verifier = (
                "code_verifier",
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            );
            let (status, told) = round.redeem(&code, &[verifier]).await;
            assert_eq!(status, StatusCode::OK, "{told}");
        }
    };
}

pub(super) use basic_plan;
