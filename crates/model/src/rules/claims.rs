//! Claims, and finding a value in them by its path.

use crate::foreign::printable;
use serde::Serialize;
use serde_json::{Map, Value};

/// Claims by name, as the provider sent them.
pub type Claims = Map<String, Value>;

/// The one value at a path, through objects only: first a claim of exactly that name.
#[must_use]
pub fn claim_at<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    let mut found = Vec::new();
    walk(claims, path, false, &mut found);
    found.pop()
}

/// All values at a path, through objects and lists: `roles.name` finds the `name` of every object
/// in the list `roles`. A list at the end of the path is one value.
///
/// Where names with dots leave several ways, the longest name that holds something is followed, and
/// only it: the work is in proportion to the claims.
#[must_use]
pub fn values_at<'a>(claims: &'a Claims, path: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    walk(claims, path, true, &mut found);
    found
}

fn walk<'a>(object: &'a Claims, path: &str, lists: bool, found: &mut Vec<&'a Value>) {
    if let Some(value) = object.get(path) {
        found.push(value);
        return;
    }
    for (dot, _) in path.rmatch_indices('.') {
        let holds = object.get(&path[..dot]);
        if let Some(within) = holds.filter(|value| value.is_object() || value.is_array()) {
            walk_into(within, &path[dot + 1..], lists, found);
            return;
        }
    }
}

fn walk_into<'a>(value: &'a Value, path: &str, lists: bool, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => walk(object, path, lists, found),
        Value::Array(list) if lists => {
            for value in list {
                walk_into(value, path, lists, found);
            }
        }
        _ => {}
    }
}

/// What a provider sent in place of a claim that a path reads, when that claim itself was not sent:
/// the pointer of an aggregated or distributed claim (OpenID Connect Core 5.6.2), `_claim_names`, or
/// Entra's `hasgroups`. Pointers are not followed: they lead to where only the provider knows us.
#[must_use]
pub fn pointer_for(claims: &Claims, path: &str) -> Option<&'static str> {
    let within = |name: &str| {
        let rest = path.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            && !claims.contains_key(name)
    };
    let named = |pointed: &Value| {
        pointed
            .as_object()
            .is_some_and(|to| to.keys().any(|n| within(n)))
    };
    if claims.get("_claim_names").is_some_and(named) {
        return Some("_claim_names");
    }
    let more = claims.get("hasgroups") == Some(&Value::Bool(true));
    (more && within("groups")).then_some("hasgroups")
}

/// Whether `fits` says yes to the text, or to a text in the list.
pub(super) fn any_text(value: &Value, mut fits: impl FnMut(&str) -> bool) -> bool {
    match value {
        Value::String(text) => fits(text),
        Value::Array(list) => list.iter().filter_map(Value::as_str).any(fits),
        _ => false,
    }
}

/// Longest value shown in one line, in characters.
const MOST_SHOWN: usize = 120;

/// A value as an administrator may read it in one line: 120 characters at most, none of them
/// harmful.
#[must_use]
pub fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text, MOST_SHOWN),
        other => brief_json(other),
    }
}

/// Several values as [`brief`] shows one.
pub(super) fn brief_all(values: &[&Value]) -> String {
    match values {
        [one] => brief(one),
        several => brief_json(several),
    }
}

/// Writes no more of a value than is shown: a list may have ten thousand entries.
fn brief_json(value: &(impl Serialize + ?Sized)) -> String {
    let mut start = Start(Vec::new());
    let cut = serde_json::to_writer(&mut start, value).is_err();
    let mut text = printable(&String::from_utf8_lossy(&start.0), MOST_SHOWN);
    if cut && !text.ends_with('…') {
        text.push('…');
    }
    text
}

/// Takes the start of what is written and then refuses more.
struct Start(Vec<u8>);

impl std::io::Write for Start {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Characters have up to four bytes.
        let room = (MOST_SHOWN * 4).saturating_sub(self.0.len());
        let taken = bytes.len().min(room);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(claims: &Value, path: &str) -> Vec<Value> {
        values_at(claims.as_object().unwrap(), path)
            .into_iter()
            .cloned()
            .collect()
    }

    #[test]
    fn values_are_found_through_objects_lists_and_names_with_dots() {
        let claims = json!({
            "custom": {"mail": {"type": "x"}},
            "urn:a.b": "dotted",
            "urn:a": {"b": "nested", "c": "other"},
            "https://example.org/claims": {"roles": ["staff"]},
            "resource_access": {"my.client": {"roles": ["a", "b"]}},
            "roles": [{"name": "one"}, {"name": ["two"]}, "three", [{"name": "four"}]],
            "text": "x",
        });
        for (path, found) in [
            ("custom.mail.type", json!(["x"])),
            ("custom.mail", json!([{"type": "x"}])),
            ("urn:a.b", json!(["dotted"])),
            ("urn:a.c", json!(["other"])),
            ("https://example.org/claims.roles", json!([["staff"]])),
            ("resource_access.my.client.roles", json!([["a", "b"]])),
            ("roles.name", json!(["one", ["two"], "four"])),
            ("roles.0.name", json!([])),
            ("text.more", json!([])),
            ("nothing", json!([])),
            ("", json!([])),
            (".", json!([])),
        ] {
            assert_eq!(Value::from(at(&claims, path)), found, "{path}");
        }
        let claims = claims.as_object().unwrap();
        assert_eq!(claim_at(claims, "custom.mail.type"), Some(&json!("x")));
        assert_eq!(claim_at(claims, "roles.name"), None, "not through lists");
    }

    #[test]
    fn a_pointer_stands_for_a_claim_that_was_not_sent() {
        let names = json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}});
        let sent = json!({"_claim_names": {"groups": "src1"}, "groups": []});
        for (claims, path, want) in [
            (&names, "groups", Some("_claim_names")),
            (&names, "groups.name", Some("_claim_names")),
            (&names, "groups2", None),
            (&names, "roles", None),
            (&sent, "groups", None),
            (&json!({"hasgroups": true}), "groups", Some("hasgroups")),
            (&json!({"hasgroups": true}), "roles", None),
            (&json!({"hasgroups": false}), "groups", None),
            (&json!({"hasgroups": "true"}), "groups", None),
            (&json!({"_claim_names": ["groups"]}), "groups", None),
            (&json!({"_claim_names": "groups"}), "groups", None),
        ] {
            let claims_of = claims.as_object().unwrap();
            assert_eq!(pointer_for(claims_of, path), want, "{path} in {claims}");
        }
    }

    #[test]
    fn a_value_is_shown_in_one_short_line() {
        assert_eq!(brief(&json!("a\nb")), "ab");
        assert_eq!(brief(&json!(["a", 1, null])), r#"["a",1,null]"#);
        let groups: Vec<_> = (0..10_000).map(|n| format!("group-{n}")).collect();
        let shown = brief(&json!(groups));
        assert_eq!(shown.chars().count(), 121);
        assert!(shown.starts_with(r#"["group-0","group-1""#) && shown.ends_with('…'));
        let wide = brief(&json!(["ä".repeat(500)]));
        assert_eq!(wide.chars().count(), 121);
        assert_eq!(brief_all(&[&json!("a"), &json!(["b"])]), r#"["a",["b"]]"#);
    }
}
