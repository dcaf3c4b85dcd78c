//! `docs/reference/app-endpoints.md` lists every module of the plans with a test that is there.

use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The plans with the modules they must list.
const PLANS: [(&str, &[&str]); 5] = [
    ("oidcc-basic-certification-test-plan", &BASIC),
    ("oidcc-formpost-basic-certification-test-plan", &BASIC),
    (
        "oidcc-config-certification-test-plan",
        &["oidcc-discovery-endpoint-verification"],
    ),
    (
        "oidcc-rp-initiated-logout-certification-test-plan",
        &[
            "oidcc-rp-initiated-logout-discovery-endpoint-verification",
            "oidcc-rp-initiated-logout",
            "oidcc-rp-initiated-logout-no-state",
            "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-modified-id-token-hint",
            "oidcc-rp-initiated-logout-no-id-token-hint",
            "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-bad-id-token-hint",
            "oidcc-rp-initiated-logout-no-params",
            "oidcc-rp-initiated-logout-no-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-only-state",
        ],
    ),
    (
        "oidcc-backchannel-rp-initiated-logout-certification-test-plan",
        &[
            "oidcc-backchannel-logout-discovery-endpoint-verification",
            "oidcc-backchannel-rp-initiated-logout",
        ],
    ),
];

const BASIC: [&str; 38] = [
    "oidcc-server",
    "oidcc-response-type-missing",
    "oidcc-idtoken-signature",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-alternate-happy-flow",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-post-request-succeeds",
    "oidcc-server-client-secret-post",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-claims-essential",
    "oidcc-refresh-token",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
];

/// What the page says: plan, module, file.
fn rows() -> BTreeSet<(String, String, String)> {
    let page = Path::new(ROOT).join("docs/reference/app-endpoints.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (mut plans, mut rows) = (Vec::new(), BTreeSet::new());
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            plans = heading.split(" and ").map(str::to_owned).collect();
        }
        let Some(row) = line.strip_prefix("| `oidcc-") else {
            continue;
        };
        let module = format!("oidcc-{}", row.split('`').next().unwrap());
        let file = row.rsplit('`').nth(1).unwrap();
        for plan in &plans {
            let new = rows.insert((plan.clone(), module.clone(), file.to_owned()));
            assert!(new, "twice: {line}");
        }
    }
    rows
}

/// Whether a source has a test of this name: one of its own, or one for each way of answering.
fn tests(source: &str, name: &str) -> bool {
    let own = format!("#[tokio::test]\nasync fn {name}() {{");
    let listed = source
        .split_once("\nboth_ways! {\n")
        .and_then(|(_, list)| list.split_once("\n}"));
    let both = listed.is_some_and(|(names, _)| {
        let mut names = names.lines().map(str::trim);
        names.any(|line| line.strip_suffix(',') == Some(name))
    });
    source.contains(&own) || both
}

#[test]
fn every_module_has_a_test_of_its_name() {
    let rows = rows();
    assert!(!rows.is_empty());
    for (_, module, file) in rows {
        let source = Path::new(ROOT).join("crates/web/tests/site").join(&file);
        let source = std::fs::read_to_string(source).unwrap();
        let name = module.replace('-', "_");
        assert!(tests(&source, &name), "{file} does not test {name}");
    }
}

#[test]
fn a_name_that_is_only_written_somewhere_is_no_test() {
    let source = "\nboth_ways! {\n    first,\n}\n\nasync fn other(mode: Delivery) {\n}\n\n\
                  // second,\n#[tokio::test]\nasync fn third() {\n}\nasync fn fourth() {\n}\n";
    for (name, there) in [
        ("first", true),
        ("third", true),
        ("other", false),
        ("second", false),
        ("fourth", false),
        ("firs", false),
    ] {
        assert_eq!(tests(source, name), there, "{name}");
    }
}

#[test]
fn every_module_of_the_plans_is_listed() {
    let rows = rows();
    for (plan, modules) in PLANS {
        let listed: BTreeSet<_> = rows
            .iter()
            .filter(|(of, _, _)| of == plan)
            .map(|(_, module, _)| module.as_str())
            .collect();
        assert_eq!(listed, modules.iter().copied().collect(), "{plan}");
    }
}
