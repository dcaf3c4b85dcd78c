//! What of a test sign-in somebody may see, by the rule for attempts.

use super::TestSignIn;
use model::rules::privacy::{HIDDEN, Quoted, Viewer, may_see};

impl TestSignIn {
    /// The same without the values of claims that `viewer` does not see, also where a sentence
    /// quotes them.
    pub(super) fn seen_by(&self, viewer: Viewer, private: &[String]) -> Self {
        let mut seen = self.clone();
        let found = &mut seen.found;
        let claims = self.found.claims.iter();
        let claims = claims.map(|claim| (claim.name.as_str(), &claim.value));
        let quoted = Quoted::of(viewer, private, claims);
        for claim in &mut found.claims {
            if !may_see(viewer, &claim.name, private) {
                claim.value = HIDDEN.into();
            }
        }
        for step in &mut found.steps {
            quoted.take_out_of(&mut step.evidence);
        }
        for rule in &mut found.rules {
            quoted.take_out_of(&mut rule.why);
        }
        if let Some(who) = &mut found.identity {
            if !may_see(viewer, "name", private) {
                who.name = who.name.take().map(|_| HIDDEN.to_owned());
            }
            quoted.take_out_of(&mut who.subject);
            if !may_see(viewer, "sub", private) {
                HIDDEN.clone_into(&mut who.subject);
            }
        }
        quoted.take_out_of(&mut found.mailbox.sentence);
        for field in &mut found.mailbox.fields {
            field
                .before
                .iter_mut()
                .for_each(|text| quoted.take_out_of(text));
            quoted.take_out_of(&mut field.after);
        }
        for refusal in [&mut seen.refusal, &mut seen.notice].into_iter().flatten() {
            quoted.take_out_of_refusal(refusal);
        }
        seen
    }

    /// Whether values are hidden.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.found.claims.iter().any(|claim| claim.value == HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_sign_in::{Ran, TestClaim, TestId, TestIdentity};
    use model::ids::ProviderId;
    use model::link::Namespace;
    use model::outcome::{Code, Refusal};
    use model::preset::Preset;
    use model::provider::Provider;
    use model::time::Timestamp;
    use serde_json::json;

    #[test]
    fn who_helps_people_sees_names_of_claims_and_no_value() {
        let provider = Provider {
            id: ProviderId(1),
            slug: "p".to_owned(),
            created: Timestamp(0),
            modified: Timestamp(0),
            secret: None,
            checks_stopped: None,
            namespace: Namespace("n".to_owned()),
            settings: Preset::Issuer.settings(),
        };
        let ran = Ran {
            id: TestId("1".to_owned()),
            at: Timestamp(0),
            by: "karin".to_owned(),
        };
        let refusal = Refusal::new(Code::NoMapping).with("detail", "no, it is canaries");
        let mut test = TestSignIn::nobody(ran, &provider, Vec::new(), refusal);
        test.found.identity = Some(TestIdentity {
            subject: "subject-of-alice".to_owned(),
            namespace: "n".to_owned(),
            address: None,
            name: Some("Alice Aalto".to_owned()),
            scopes_granted: String::new(),
            proof: String::new(),
        });
        let claim = |name: &str, value| TestClaim {
            name: name.to_owned(),
            value,
            origin: "userinfo".to_owned(),
            cut: false,
        };
        test.found.claims = vec![
            claim("groups", json!(["canaries"])),
            claim("name", json!("Alice Aalto")),
        ];
        let values = ["canaries", "Alice Aalto", "subject-of-alice"];
        let seen = test.seen_by(Viewer::Helpdesk, &[]);
        assert!(seen.hides());
        let text = format!("{seen:?}");
        assert!(values.iter().all(|value| !text.contains(value)), "{text}");
        assert!(text.contains("groups") && text.contains("no, it is (private)"));
        assert_eq!(test.seen_by(Viewer::Administrator, &[]), test);
        let private = ["groups".to_owned()];
        assert_eq!(test.seen_by(Viewer::AdministratorOpened, &private), test);
        let text = format!("{:?}", test.seen_by(Viewer::Administrator, &private));
        assert!(!text.contains("canaries") && text.contains("Alice Aalto"));
    }
}
