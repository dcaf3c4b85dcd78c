//! An app that a person signs in to with the mail account, and loses with it.

use super::{Story, address, text};
use crate::demo::company::SLUG;
use crate::demo::noticeboard::NAME;
use crate::demo::story::told;
use std::time::Instant;

/// What the consent page says of the scopes that the app asks for.
const LEARNS: [&str; 2] = [
    "That it is you whenever you come back",
    "Your name and your address",
];

impl Story<'_> {
    pub(super) async fn signs_in_to_an_app(&mut self) -> anyhow::Result<()> {
        self.teller
            .step("Erin signs in to an app with her mail account, and it learns what she allows");
        let erin = address("erin");
        let app = self.app.address.clone();
        let at_app = ["--provider", SLUG, "--user", "erin", "--app", &app];
        // A browser that was nowhere yet.
        let seen = self
            .clients
            .web("erin-app", "app", lab::sample::PASSWORD, &at_app)
            .await?;
        let (asked, held) = (text(&seen, "asked"), &seen["seen"]);
        told!(
            asked.contains(&format!("{NAME} will know:"))
                && LEARNS.iter().all(|words| asked.contains(words)),
            "the consent page did not say what it is about: {seen}"
        );
        self.teller
            .saw(format!("{app} → Gatepost → {}", self.company.issuer()));
        self.teller.saw(format!(
            "consent: “{NAME} will know: {}”",
            LEARNS.join("; ")
        ));
        told!(
            text(&seen, "reads").contains("Hello Erin Eriksen"),
            "the app did not greet Erin: {seen}"
        );
        told!(
            text(&held["about"], "email") == erin && held["about"]["email_verified"] == true,
            "userinfo is not about Erin: {held}"
        );
        told!(
            held["tokens"] == serde_json::json!(["access_token", "id_token"]),
            "not the tokens: {held}"
        );
        self.teller.saw(format!(
            "{NAME} got an access token for {} s and an ID token of {}; it says: Hello {}",
            held["expires_in"],
            text(&held["claims"], "iss"),
            text(&held["about"], "name")
        ));
        self.teller.saw(format!(
            "userinfo: sub {}, email {erin}, email_verified true",
            text(&held["about"], "sub")
        ));
        let test = ["app", "test", &self.app.client_id, &erin];
        let words = [&test[..], &["--scopes", text(held, "scope")]].concat();
        let test = self.cli.run(&words).await?;
        let parts = test["received"].as_array();
        let foretold = parts.and_then(|parts| parts.iter().find(|p| p["what"] == "userinfo"));
        told!(
            foretold.is_some_and(|part| part["content"] == held["about"]),
            "`gatepost app test` shows something else: {test}"
        );
        self.teller.saw(format!(
            "$ gatepost app test … {erin} shows the same userinfo"
        ));
        Ok(())
    }

    pub(super) async fn loses_the_app(&mut self) -> anyhow::Result<()> {
        self.teller
            .step("Erin leaves: switched off, and the app's token opens nothing");
        let erin = address("erin");
        let at_app = ["--app", &self.app.address];
        let again = self.clients.web("erin-app", "app-again", "", &at_app);
        told!(
            again.await?["status"] == 200,
            "the token did not work before"
        );
        let left = ["mailbox", "disable", &erin, "--reason", "left"];
        self.cli.run(&left).await?;
        let began = Instant::now();
        let again = self.clients.web("erin-app", "app-again", "", &at_app);
        let again = again.await?;
        told!(
            again["status"] == 401 && text(&again["answer"], "error") == "invalid_token",
            "the token still works: {again}"
        );
        self.teller.saw(format!(
            "userinfo before: 200; {} ms after she was switched off: 401 invalid_token",
            began.elapsed().as_millis()
        ));
        Ok(())
    }
}
