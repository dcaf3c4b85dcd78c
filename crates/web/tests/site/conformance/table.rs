//! `docs/reference/openid.md` lists every module with a test that is there.

use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The plans with the modules they must list, without `oidcc-client-test`.
const PLANS: [(&str, &[&str]); 7] = [
    ("oidcc-client-basic-certification-test-plan", &BASIC),
    (
        "oidcc-client-formpost-basic-certification-test-plan",
        &BASIC,
    ),
    (
        "oidcc-client-config-certification-test-plan",
        &[
            "-discovery-openid-config",
            "-discovery-jwks-uri-keys",
            "-discovery-issuer-mismatch",
            "-idtoken-sig-none",
            "-signing-key-rotation-just-before-signing",
            "-signing-key-rotation",
        ],
    ),
    (
        "oidcc-client-test-3rd-party-init-login-test-plan",
        &["-3rd-party-init-login"],
    ),
    (
        "oidcc-client-rp-initiated-logout-rp-basic",
        &[
            "-rp-init-logout",
            "-rp-init-logout-other-state",
            "-rp-init-logout-no-state",
        ],
    ),
    (
        "oidcc-client-back-channel-logout-rp-basic",
        &[
            "-rp-backchannel-rpinitlogout",
            "-rp-backchannel-rpinitlogout-alg-none",
            "-rp-backchannel-rpinitlogout-no-event",
            "-rp-backchannel-rpinitlogout-with-nonce",
            "-rp-backchannel-rpinitlogout-wrong-alg",
            "-rp-backchannel-rpinitlogout-wrong-aud",
            "-rp-backchannel-rpinitlogout-wrong-event",
            "-rp-backchannel-rpinitlogout-wrong-iss",
        ],
    ),
    (
        "oidcc-client-refreshtoken-test-plan",
        &[
            "-refresh-token",
            "-refresh-token-invalid-issuer",
            "-refresh-token-invalid-sub",
        ],
    ),
];

const BASIC: [&str; 16] = [
    "",
    "-invalid-iss",
    "-missing-sub",
    "-invalid-aud",
    "-missing-iat",
    "-kid-absent-single-jwks",
    "-kid-absent-multiple-jwks",
    "-idtoken-sig-rs256",
    "-idtoken-sig-none",
    "-invalid-sig-rs256",
    "-userinfo-bearer-header",
    "-userinfo-bearer-body",
    "-userinfo-invalid-sub",
    "-nonce-invalid",
    "-scope-userinfo-claims",
    "-client-secret-basic",
];

/// A row of the page: plan, module, file.
fn rows() -> BTreeSet<(String, String, String)> {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/reference/openid.md")).unwrap();
    let (mut plan, mut rows) = (String::new(), BTreeSet::new());
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            heading.clone_into(&mut plan);
        }
        let Some(row) = line.strip_prefix("| `oidcc-client-test") else {
            continue;
        };
        let module = row.split('`').next().unwrap();
        let file = row.rsplit('`').nth(1).unwrap();
        let new = rows.insert((plan.clone(), module.to_owned(), file.to_owned()));
        assert!(new, "twice: {line}");
    }
    rows
}

#[test]
fn every_module_has_a_test_of_its_name() {
    for (_, module, file) in rows() {
        let source = std::fs::read_to_string(Path::new(ROOT).join(&file)).unwrap();
        let test = format!("fn oidcc_client_test{}(", module.replace('-', "_"));
        assert!(source.contains(&test), "{file} has no {test}");
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
