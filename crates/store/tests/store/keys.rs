//! The master key: made with its store, checked against it, refused with what is lost.

use crate::support::TempStore;
use std::os::unix::fs::PermissionsExt as _;
use store::{AuthKeys, KeyError, MasterKey, OsRandom, PurposeKeys, Store, keys, migrate};

fn set_mode(path: &std::path::Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_new_store_comes_with_its_key_and_only_once() {
    let temp = TempStore::new();
    let key = temp.dir.path().join("master.key");
    let mode = std::fs::metadata(&key).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let again = MasterKey::create_with_new_store(&key, &temp.file(), &OsRandom);
    assert!(matches!(again.unwrap_err(), KeyError::StoreExists(_)));
    let loaded = MasterKey::load(&key, &temp.file()).unwrap();
    assert_eq!(loaded.id(), temp.keys.seal.id());
    let report = migrate(&temp.file()).unwrap();
    assert!(report.applied.is_empty());
}

#[test]
fn an_interrupted_creation_is_finished_with_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let (key, file) = (dir.path().join("master.key"), dir.path().join("store.db"));
    let first = MasterKey::create_with_new_store(&key, &file, &OsRandom).unwrap();
    // As a kill between the key file and the first migration leaves it.
    std::fs::remove_file(dir.path().join("master.key.in-use")).unwrap();
    for name in ["store.db-wal", "store.db-shm"] {
        std::fs::remove_file(dir.path().join(name)).unwrap();
    }
    std::fs::write(&file, b"").unwrap();
    std::fs::write(dir.path().join("master.key.new"), b"left over").unwrap();
    let second = MasterKey::create_with_new_store(&key, &file, &OsRandom).unwrap();
    assert_eq!(first.id(), second.id());
    Store::open(&file).unwrap();
}

/// A lost disk or a mistaken path must not become an empty installation that looks like new.
#[test]
fn a_key_that_has_had_a_store_never_gets_a_new_one() {
    let temp = TempStore::new();
    let (key, file) = (temp.dir.path().join("master.key"), temp.file());
    MasterKey::load(&key, &file).unwrap();
    for wal in ["-wal", "-shm"] {
        let mut name = file.clone().into_os_string();
        name.push(wal);
        let _ = std::fs::remove_file(name);
    }
    let refused = || {
        let error = MasterKey::create_with_new_store(&key, &file, &OsRandom).unwrap_err();
        assert!(matches!(error, KeyError::StoreLost { .. }), "{error}");
        error.to_string()
    };
    std::fs::write(&file, b"").unwrap();
    refused();
    std::fs::remove_file(&file).unwrap();
    let text = refused();
    for words in ["missing or empty", "backup", "all mailboxes", "in-use"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!file.exists(), "nothing was made");
}

#[test]
fn a_key_behind_a_shut_directory_is_not_told_to_be_missing() {
    let temp = TempStore::new();
    // A file in place of a directory: nobody may look behind it, not even root.
    let wall = temp.dir.path().join("wall");
    std::fs::write(&wall, b"").unwrap();
    let error = MasterKey::load(&wall.join("master.key"), &temp.file()).unwrap_err();
    assert!(matches!(error, KeyError::Io { .. }), "{error}");
}

#[test]
fn a_store_without_its_key_says_what_is_lost() {
    let temp = TempStore::new();
    let key = temp.dir.path().join("master.key");
    std::fs::remove_file(&key).unwrap();
    let error = MasterKey::load(&key, &temp.file()).unwrap_err();
    assert!(matches!(error, KeyError::Lost { .. }));
    let text = error.to_string();
    for words in [
        "master.key is missing",
        "backup",
        "secrets of providers",
        "every app password",
        "Mail and local passwords stay",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_store_beside_another_key_says_so() {
    let (temp, other) = (TempStore::new(), TempStore::new());
    let error = MasterKey::load(&other.dir.path().join("master.key"), &temp.file()).unwrap_err();
    assert!(matches!(error, KeyError::Other { .. }));
    let text = error.to_string();
    assert!(text.contains(&temp.keys.seal.id().to_string()), "{text}");
    assert!(text.contains(&other.keys.seal.id().to_string()), "{text}");
    assert!(text.contains("every app password"), "{text}");
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let temp = TempStore::new();
    let key = temp.dir.path().join("master.key");
    for mode in [0o644, 0o640, 0o660, 0o604, 0o666] {
        set_mode(&key, mode);
        let error = MasterKey::load(&key, &temp.file()).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{mode:o}: {error}");
    }
    for mode in [0o600, 0o400, 0o440] {
        set_mode(&key, mode);
        MasterKey::load(&key, &temp.file()).unwrap();
    }
}

#[test]
fn a_damaged_key_file_is_told_apart() {
    let temp = TempStore::new();
    let key = temp.dir.path().join("master.key");
    let text = std::fs::read_to_string(&key).unwrap();
    let last = text.trim_end().len() - 1;
    let other = if text.as_bytes()[last] == b'0' {
        "1"
    } else {
        "0"
    };
    for damaged in [
        format!("{}{other}\n", &text[..last]),
        text[..last].to_owned(),
        String::new(),
        text.replace("gatepost-key-1", "gatepost-key-9"),
    ] {
        std::fs::write(&key, &damaged).unwrap();
        let error = MasterKey::load(&key, &temp.file()).unwrap_err();
        assert!(matches!(error, KeyError::Form(_)), "{error}");
    }
}

#[test]
fn a_process_is_handed_only_its_purposes() {
    let temp = TempStore::new();
    let key = temp.dir.path().join("master.key");
    let master = MasterKey::load(&key, &temp.file()).unwrap();
    let path = temp.dir.path().join("auth.key");
    for _ in 0..2 {
        master.write_auth_keys(&path).unwrap();
    }
    let auth = AuthKeys::load(&path).unwrap();
    let tag = auth.app_password.tag(&[b"gpabc"]);
    assert_eq!(tag, temp.keys.app_password.tag(&[b"gpabc"]));
    assert_ne!(tag, temp.keys.tag.tag(&[b"gpabc"]));
    let error = PurposeKeys::load(&path).unwrap_err().to_string();
    assert!(error.contains("no key for the purpose seal"), "{error}");

    let path = temp.dir.path().join("web.key");
    master.write_purpose_keys(&path).unwrap();
    let web = PurposeKeys::load(&path).unwrap();
    let sealed = temp.keys.seal.seal(b"row", b"secret", &OsRandom).unwrap();
    assert_eq!(
        web.seal.open(b"row", &sealed).unwrap().as_slice(),
        b"secret"
    );
}

#[tokio::test]
async fn the_store_knows_its_key() {
    let (temp, other) = (TempStore::new(), TempStore::new());
    let mut sql = temp.store.read().unwrap();
    let id = keys::id_of_store(&mut sql).await.unwrap();
    assert_eq!(id, Some(temp.keys.tag.id()));
    assert_ne!(id, Some(other.keys.tag.id()));
}
