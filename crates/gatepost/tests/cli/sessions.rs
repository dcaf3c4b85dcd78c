//! Whole sessions at the command line, without a server: text, JSON, exit codes.

use std::os::unix::fs::PermissionsExt as _;

use super::support::{Place, gatepost};

const PASSWORD: &str = "a long password\n";

/// An administrator and a domain that holds two mailboxes.
fn furnished() -> Place {
    let place = Place::new();
    let admin = place.run(
        "admin create root --email root@example.net --password-stdin",
        PASSWORD,
    );
    assert!(admin.status.success());
    place.done(&[
        "domain add example.org --max-mailboxes 2 --default-quota 1G --max-quota 5G \
         --domain-quota 20G",
    ]);
    place
}

#[test]
fn the_first_administrator() {
    let place = Place::new();
    let mut session = place.session();
    session
        .run("setup link")
        .with(
            "admin create root --email nowhere --password-stdin",
            "short\n",
        )
        .run("admin create root --email root@example.net")
        .with(
            "admin create root --email root@example.net --password-stdin",
            PASSWORD,
        )
        .run("setup link")
        .run("admin list")
        .run("admin list --json")
        .with("admin reset root --password-stdin", "another long password")
        .with("admin reset nobody --password-stdin", PASSWORD)
        .run("admin delete root")
        .run("admin delete root --yes");
    insta::assert_snapshot!("admins", session.transcript());
}

#[test]
fn domains() {
    let place = Place::new();
    let mut session = place.session();
    session
        .run("domain list")
        .run("domain add example.org")
        .run("domain add Example.ORG --role-target root@example.net --domain-quota 20G")
        .run(
            "domain add b.example --role-target root@example.net --max-quota 1G --default-quota 2G",
        )
        .run("domain add example.org --role-target root@example.net")
        .run("domain add b.example --role-target root@example.net --max-quota unlimited")
        .run("domain list")
        .run("domain list --limit 1")
        .run("domain list --limit 1 --json")
        .run("domain edit example.org --max-mailboxes 50 --active no")
        .run("domain show example.org --json")
        .run("domain show c.example")
        .run("domain add 'not a domain'")
        .run("domain delete b.example --yes");
    insta::assert_snapshot!("domains", session.transcript());
}

#[test]
fn the_providers_of_a_domain() {
    let place = furnished();
    let mut session = place.session();
    session
        .with(
            "provider add 'Company SSO' --issuer https://auth.example.org --client-id gatepost \
             --domain example.org --secret-stdin",
            "a secret of some length\n",
        )
        .with(
            "provider add 'School SSO' --issuer https://auth.school.example --client-id gatepost \
             --domain example.org --secret-stdin",
            "a secret of some length\n",
        );
    for slug in ["company-sso", "school-sso"] {
        session.run(&format!("provider enable {slug} --untested"));
    }
    let mut session = place.session();
    session
        .run("provider move school-sso 1")
        .run("provider move school-sso 3")
        .run("provider move nobody 1")
        .run("domain edit example.org --provider school-sso --max-mailboxes 7")
        .run("domain edit example.org --provider nobody")
        .run("domain show example.org --json")
        .run("provider disable school-sso --json")
        .run("provider delete school-sso --yes")
        .run("domain edit example.org --provider any")
        .run("provider delete school-sso --yes");
    insta::assert_snapshot!("the-providers-of-a-domain", session.transcript());
}

#[test]
fn moving_people() {
    let place = furnished();
    let provider = |name: &str| {
        let line = format!(
            "provider add {name} --issuer https://{name}.example --client-id gatepost \
             --domain example.org --secret-stdin"
        );
        assert!(
            place
                .run(&line, "a secret of some length\n")
                .status
                .success()
        );
    };
    provider("old");
    provider("new");
    place.done(&["provider enable new --untested"]);
    let mut session = place.session();
    session
        .run("provider relinks")
        .run("provider relink old new --domain example.org --until 30d --dry-run")
        .run("provider relink old old --domain example.org --until 30d")
        .run("provider relink old new --domain example.net --until 30d")
        .run("provider relink old new --domain example.org --until 91d")
        .run("provider relink old new --domain example.org --until soon")
        .run("provider relink old new --until 30d")
        .run("provider relink old new --domain example.org --until 30d")
        .run("provider relinks")
        .run("provider stop-relink 1 --json")
        .run("provider stop-relink 1")
        .run("provider stop-relink 2");
    insta::assert_snapshot!("moving-people", session.transcript());
}

#[test]
fn templates() {
    let place = Place::new();
    let mut session = place.session();
    session
        .run("template add Staff --quota 5G --protocols imap,smtp")
        .run("template add staff")
        .run("template edit STAFF --rename Team --quota 10G --once quota,imap --in-step active")
        .run("template add Guest --quota 'a lot'")
        .run("template list")
        .run("template show Team --json")
        .run("template delete Team --yes")
        .run("template show Team");
    insta::assert_snapshot!("templates", session.transcript());
}

#[test]
fn mailboxes() {
    let place = furnished();
    let mut session = place.session();
    session
        .run("template add Staff --quota 2G --protocols imap,smtp")
        .with(
            "mailbox add Alice@Example.org --name 'Alice Adams' --template Staff --password-stdin",
            PASSWORD,
        )
        .run("mailbox add bob@example.org --quota 6G")
        .run("mailbox add bob@example.org")
        .run("mailbox add carol@example.org")
        .run("mailbox add dave@example.org --provider nowhere")
        .run("mailbox list")
        .run("mailbox list --search ada --local --on --json")
        .run("mailbox edit alice@example.org --quota 3G --protocols all")
        .run("mailbox edit alice@example.org --follow-template")
        .run("mailbox disable bob@example.org --reason 'left the company'")
        .run("mailbox show bob@example.org --json")
        .run("mailbox enable bob@example.org")
        .with("mailbox password bob@example.org --password-stdin", "short")
        .with(
            "mailbox password bob@example.org --password-stdin",
            PASSWORD,
        )
        .run("mailbox method bob@example.org local")
        .run("mailbox delete bob@example.org")
        .run("mailbox delete bob@example.org --yes")
        .run("mailbox show bob@example.org");
    insta::assert_snapshot!("mailboxes", session.transcript());
}

#[test]
fn aliases() {
    let place = furnished();
    let mut session = place.session();
    session
        .run("mailbox add alice@example.org")
        .run("mailbox add bob@example.org")
        .run("alias add info@example.org alice@example.org nobody@example.org")
        .run("alias add info@example.org alice@example.org bob@example.org")
        .run("alias edit info@example.org --to bob@example.org --active no")
        .run("alias list --domain example.org")
        .run("alias show info@example.org --json")
        .run("mailbox delete bob@example.org --yes")
        .run("alias delete info@example.org --yes")
        .run("alias list");
    insta::assert_snapshot!("aliases", session.transcript());
}

#[test]
fn providers_and_rules() {
    let place = furnished();
    let ca = place.join("ca.pem");
    std::fs::write(&ca, "nothing of the kind").unwrap();
    let mut session = place.session();
    // Loopback is refused before anything is sent, so that no network is needed.
    session
        .run("template add Staff")
        .with(
            "provider add 'Example SSO' --issuer https://127.0.0.1:1/ --client-id gatepost \
             --secret-stdin --domain example.org",
            "a secret of many characters k3\n",
        )
        .run("provider add Other --client-id x --domain nowhere.example --issuer https://a.example")
        .run("provider add Other --client-id x --issuer http://a.example --token-url https://b.example")
        .run(&format!(
            "provider add Other --client-id x --issuer http://a.example --ca {}",
            ca.display()
        ))
        .run(
            "provider add Forms --client-id x --authorize-url https://127.0.0.1:1/a \
             --token-url https://127.0.0.1:1/t --userinfo-url https://127.0.0.1:1/u \
             --redirect bare-origin --email-trust believe",
        )
        .run("provider list")
        .run("provider check example-sso")
        .run("provider allow-host example-sso 127.0.0.1")
        .run("provider test example-sso")
        .run("provider tests example-sso")
        .run("provider enable example-sso")
        .run("provider enable example-sso --untested")
        .run("provider disable example-sso")
        .run("provider secret example-sso")
        .run("provider secret example-sso --clear")
        .run("rule add example-sso --value staff --template Staff")
        .run("rule add example-sso --claim groups --value a --value b --template Staff --number 1")
        .run("rule add example-sso --value staff --present --template Staff")
        .run("rule add example-sso --starts-with x --template Nobody")
        .run("rule everyone-else example-sso --template Staff")
        .run("rule remove example-sso 3")
        .run("rule remove example-sso 2")
        .run("rule list example-sso --json")
        .run("template delete Staff --yes")
        .run("provider edit example-sso --issuer https://127.0.0.1:2/ --ignore-tls-until 2099-12-31")
        .run("provider show example-sso --json")
        .run("provider delete example-sso --yes")
        .run("provider show example-sso");
    insta::assert_snapshot!("providers", session.transcript());
}

#[test]
fn rules() {
    let place = furnished();
    let file = place.join("rules.json");
    std::fs::write(
        &file,
        r#"{"rules": [{"claim": "roles.name", "test": "is", "value": "staff", "template": "Staff"}],
            "everyone_else": "Staff"}"#,
    )
    .unwrap();
    let file = file.display();
    let claims = "{\"groups\": [\"sales\"], \"email\": \"x@example.org\"}";
    let mut session = place.session();
    session
        .run("template add Staff")
        .run("template add Sales --quota 2G")
        .with(
            "provider add 'Example SSO' --issuer https://127.0.0.1:1/ --client-id gatepost \
             --secret-stdin --domain example.org",
            "a secret of many characters k3\n",
        )
        .run("rule add example-sso --claim groups --contains sales --template Sales")
        .run("rule add example-sso --claim email --matches '.*@example\\.org' --template Staff")
        .run("rule add example-sso --claim email --matches '(' --template Staff")
        .run("rule add example-sso --claim email --template Staff")
        .run("rule add example-sso --claim groups --value sales --template Staff --dry-run")
        .run("rule edit example-sso 2 --starts-with x")
        .run("rule edit example-sso 3 --starts-with x")
        .run("rule move example-sso 2 1")
        .with("rule try example-sso --claims -", claims)
        .with("rule try example-sso --claims - --json", claims)
        .with("rule try example-sso --claims -", "[]")
        .with("rule try example-sso --claims -", "{}")
        .run("rule try example-sso --address nobody@example.org")
        .run("rule try example-sso --address nobody")
        .run("rule try example-sso --last-test")
        .run("rule lint example-sso")
        .run("rule edit example-sso 1 --value groups")
        .run("rule lint example-sso")
        .run("rule lint example-sso --json")
        .run(&format!("rule preview example-sso --rules {file}"))
        .run(&format!("rule set example-sso --rules {file}"))
        .with("rule set example-sso --rules -", "{}")
        .run("rule history example-sso")
        .run("rule restore example-sso 1")
        .run("rule restore example-sso 99")
        .run("rule history nowhere");
    insta::assert_snapshot!("rules", session.transcript());
}

#[test]
fn what_to_do_at_a_provider() {
    let place = furnished();
    assert!(place.run("template add Staff", "").status.success());
    let mut session = place.session();
    session
        .with(
            "provider add Keycloak --preset keycloak --client-id gatepost --secret-stdin \
             --issuer 'id.example.org/realms/staff/protocol/openid-connect/auth '",
            "a secret of many characters k3\n",
        )
        .run("provider instructions keycloak")
        .run("provider instructions keycloak --json")
        .run("provider add Entra --preset entra --client-id x --issuer https://login.microsoftonline.com/common/v2.0")
        .run("provider add Other --preset nonsense --client-id x --issuer https://a.example")
        .run("provider instructions nowhere");
    insta::assert_snapshot!("instructions", session.transcript());
}

#[test]
fn a_secret_made_here_is_printed_once() {
    let place = Place::new();
    let printed = |line: &str| {
        let output = place.run(line, "");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        text
    };
    let secret = |text: &str| {
        let after = text.split_once("client_secret: '").map(|(_, after)| after);
        after
            .and_then(|after| after.split_once('\''))
            .unwrap()
            .0
            .to_owned()
    };
    let issuer = "https://auth.example.org/application/o/mail/";
    let added = printed(&format!(
        "provider add authentik --preset authentik --issuer {issuer}"
    ));
    assert!(added.contains("slug: 'mail'"), "{added}");
    let first = secret(&added);
    assert_eq!(first.len(), 43);
    let later = printed("provider instructions authentik");
    assert_eq!(secret(&later), "THE-CLIENT-SECRET");
    let renewed = secret(&printed("provider instructions authentik --new-secret"));
    assert!(renewed.len() == 43 && renewed != first);
    assert!(!printed("provider show authentik --json").contains(&renewed));
}

#[test]
fn switching_to_a_provider_and_back() {
    let place = furnished();
    let mut session = place.session();
    session
        .run("provider add SSO --issuer https://127.0.0.1:1/ --client-id x --domain example.org --active yes --untested")
        .with("mailbox add bob@example.org --password-stdin", PASSWORD)
        .run("mailbox method bob@example.org provider sso --subject b0b --keep-password-until no")
        .run("mailbox method bob@example.org provider sso --keep-password-until 2099-12-31")
        .run("mailbox unlink bob@example.org sso")
        .run("mailbox method bob@example.org local");
    insta::assert_snapshot!("methods", session.transcript());
}

#[test]
fn devices() {
    let place = furnished();
    let mut session = place.session();
    session
        .run("mailbox add alice@example.org --protocols imap,smtp")
        .run("device add alice@example.org --name Phone --ends 2099-12-31")
        .run("device add alice@example.org --name Phone --protocols pop3")
        .run("device add alice@example.org --name Phone --ends yesterday")
        .run("device list alice@example.org")
        .run("device list alice@example.org --json")
        .run("device revoke alice@example.org 1")
        .run("device revoke alice@example.org 1")
        .run("device list alice@example.org")
        .run("device list nobody@example.org");
    insta::assert_snapshot!("devices", session.transcript());
}

#[test]
fn why() {
    let place = furnished();
    let mut session = place.session();
    session
        .run("why alice@nowhere.example")
        .run("why alice@example.org")
        .with("mailbox add alice@example.org --password-stdin", PASSWORD)
        .run("why alice@example.org")
        .run("mailbox disable alice@example.org --reason holidays")
        .run("why alice@example.org --json")
        .run("why 7K4Q-M2XD")
        .run("why somebody")
        .run("why 'some body!'")
        .run("attempt list --refused --code SSO-405")
        .run("attempt list --code SSO-999")
        .run("attempt show 7k4q-m2xd");
    insta::assert_snapshot!("why", session.transcript());
}

#[test]
fn imports() {
    let place = furnished();
    let file = place.join("people.csv");
    std::fs::write(
        &file,
        "address,name,quota,password\n\
         alice@example.org,Alice,2G,a long password\n\
         bob@example.org,Bob,99G,\n\
         carol@example.org,Carol,,short\n\
         dave@example.org,Dave,,\n",
    )
    .unwrap();
    let file = file.display();
    let mut session = place.session();
    session
        .run(&format!("import csv {file} --dry-run"))
        .run("mailbox list")
        .run(&format!("import csv {file}"))
        .run(&format!("import csv {file} --json"))
        .with("import csv -", "name\nAlice\n")
        .with("import csv -", "address\nnot an address\n")
        .run("import csv nowhere.csv")
        .run("mailbox list");
    insta::assert_snapshot!("imports", session.transcript());
}

#[test]
fn failed_lines_are_mended_and_imported_again() {
    let place = furnished();
    let (file, failed) = (place.join("people.csv"), place.join("failed.csv"));
    let people = "address,name,password\nalice@example.org,\"A, lice\",a long password\n\
                  \nbob@example.org,Bob,short\n";
    std::fs::write(&file, people).unwrap();
    let import = |file: &std::path::Path, failed: &std::path::Path| {
        let line = format!(
            "import csv {} --failed {}",
            file.display(),
            failed.display()
        );
        place.run(&line, "").status.code().unwrap()
    };
    assert_eq!(import(&file, &failed), 6);
    let text = std::fs::read_to_string(&failed).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("address,name,password,reason"));
    let bob = lines.next().unwrap();
    assert!(bob.starts_with("bob@example.org,Bob,short,"), "{bob}");
    assert!(bob.contains("password"), "{bob}");
    assert_eq!(lines.next(), None);
    let mode = std::fs::metadata(&failed).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What nobody has mended yet is not written over.
    assert_ne!(import(&file, &failed), 0);
    assert_eq!(std::fs::read_to_string(&failed).unwrap(), text);

    std::fs::write(&failed, text.replace("short", "long enough for everybody")).unwrap();
    let again = place.join("again.csv");
    assert_eq!(import(&failed, &again), 0);
    let left = std::fs::read_to_string(&again).unwrap();
    assert_eq!(left, "address,name,password,reason\n");
    let listed = place.run("mailbox list", "");
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("bob@example.org"), "{listed}");
}

#[test]
fn mistakes_on_the_command_line() {
    let place = Place::new();
    let mut session = place.session();
    session
        .run("mailbx list")
        .run("mailbox shw alice@example.org")
        .run("domain add example.org --max-mailbox 5")
        .run("mailbox add alice@example.org --provider sso --password-stdin")
        .run("domain list --config nowhere.toml");
    std::fs::write(
        place.config_file(),
        "public_ur = \"https://mail.example.org\"\n",
    )
    .unwrap();
    session.run("domain list");
    insta::assert_snapshot!("mistakes", session.transcript());
}

#[test]
fn a_store_without_its_key_says_what_is_lost() {
    let place = furnished();
    std::fs::remove_file(place.config().layout().master_key()).unwrap();
    let output = place.run("domain list", "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for lost in ["is missing", "secrets of providers", "every app password"] {
        assert!(said.contains(lost), "{said}");
    }
    assert!(!place.config().layout().master_key().exists());
}

#[test]
fn a_locked_data_directory_is_left_alone() {
    let place = furnished();
    let lock = gatepost::keeper::Lock::take(&place.config().layout().data_lock()).unwrap();
    let output = place.run("domain list", "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    let holder = format!("process {}", std::process::id());
    assert!(said.contains(&holder), "{said}");
    drop(lock);
    assert!(place.run("domain list", "").status.success());
}

#[test]
fn the_usual_configuration_is_named_when_it_is_missing() {
    let output = gatepost()
        .args(["domain", "list", "--config", "/nonexistent/gatepost.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--config FILE or GATEPOST_CONFIG"), "{said}");
}

#[test]
fn doctor_sees_what_is_wrong() {
    let place = furnished();
    let seen = |place: &Place| -> serde_json::Value {
        let output = place.run("doctor --json", "");
        let mut report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["exit"] = output.status.code().into();
        report
    };
    let state = |report: &serde_json::Value, group: &str, name: &str| {
        let checks = report["checks"].as_array().unwrap();
        let check = checks
            .iter()
            .find(|check| check["group"] == group && check["name"] == name);
        check.unwrap()["state"].as_str().unwrap().to_owned()
    };
    let well = seen(&place);
    assert_eq!(state(&well, "config", "file"), "ok");
    assert_eq!(state(&well, "store", "key"), "ok");
    assert_eq!(state(&well, "store", "database"), "ok");
    assert_eq!(state(&well, "server", "web worker"), "warn");

    let key = place.config().layout().master_key();
    std::fs::rename(&key, key.with_extension("away")).unwrap();
    let sick = seen(&place);
    assert_eq!(sick["exit"], 7);
    assert_eq!(state(&sick, "store", "key"), "failed");

    std::fs::write(place.config_file(), "public_url = 5").unwrap();
    let broken = seen(&place);
    assert_eq!(broken["exit"], 7);
    assert_eq!(state(&broken, "config", "file"), "failed");
}
