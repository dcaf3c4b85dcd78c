//! Which room may depend on which.
//!
//! The table below is the rule; ARCHITECTURE.md shows the same one to readers, and the check
//! refuses the two if they differ. Changing an arrow means changing both, and a page in
//! `docs/decisions/` that says why.

use crate::metadata::{self, Dependency, Kind, Package};
use crate::tree::Tree;
use crate::{Outcome, Problem};

/// What a room may use of the workspace.
enum May {
    Use(&'static [&'static str]),
    /// Every room: the binary that wires them, and what is never released.
    UseAll,
}

const ROOMS: [(&str, May); 13] = [
    ("model", May::Use(&[])),
    ("oidc", May::Use(&["model"])),
    ("store", May::Use(&["model"])),
    ("upstream", May::Use(&["model", "oidc"])),
    ("app", May::Use(&["model", "oidc", "store", "upstream"])),
    ("web", May::Use(&["app", "model", "oidc"])),
    ("mailauth", May::Use(&["app", "model"])),
    ("engines", May::Use(&["model"])),
    ("gatepost", May::UseAll),
    ("lab", May::Use(&["model"])),
    ("testkit", May::UseAll),
    ("benches", May::UseAll),
    ("checks", May::Use(&[])),
];

/// Rooms that any other may use in its tests.
const FOR_TESTS: [&str; 2] = ["testkit", "lab"];

/// Rooms that no release build contains.
const UNRELEASED: [&str; 3] = ["testkit", "benches", "checks"];

/// Crates from outside that belong to one kind of room: SQL stays in the store, HTTP out in
/// upstream, the web server at the web edge. The provider in `lab` is a server too.
const ONLY_IN: [(&str, &[&str]); 3] = [
    ("rusqlite", &["store"]),
    ("reqwest", &["upstream"]),
    ("axum", &["web", "lab"]),
];

/// The model decides; it neither waits nor reads.
const NOT_IN_MODEL: [&str; 4] = ["tokio", "hyper", "rustix", "tracing"];

pub(crate) fn run(tree: &Tree) -> Outcome {
    let packages = metadata::workspace(&tree.root)?;
    let mut problems: Vec<Problem> = packages.iter().flat_map(package).collect();
    let page = tree.text("ARCHITECTURE.md")?.unwrap_or_default();
    problems.extend(documented(&page));
    Ok(problems)
}

fn package(package: &Package) -> Vec<Problem> {
    let place = format!("crate {}", package.name);
    let Some((_, may)) = ROOMS.iter().find(|(room, _)| *room == package.name) else {
        return vec![Problem {
            place,
            what: "is not in the table of rooms".to_owned(),
            fix: "say what it may use in tools/checks/src/arrows.rs and ARCHITECTURE.md, and why \
                  it is a room of its own in docs/decisions/"
                .to_owned(),
        }];
    };
    package
        .dependencies
        .iter()
        .filter_map(|dependency| fault(&package.name, may, dependency))
        .map(|(what, fix)| Problem {
            place: place.clone(),
            what,
            fix,
        })
        .collect()
}

/// What is wrong with one dependency, and the way out.
fn fault(room: &str, may: &May, dependency: &Dependency) -> Option<(String, String)> {
    let name = dependency.name.as_str();
    if dependency.local {
        // A test may build what stands below its room, since it runs against the real thing.
        if dependency.kind == Kind::Dev && (FOR_TESTS.contains(&name) || stands_below(room, name)) {
            return None;
        }
        if UNRELEASED.contains(&name) && !UNRELEASED.contains(&room) {
            return Some((
                format!("depends on {name}, which no release build may contain"),
                "make it a dev-dependency".to_owned(),
            ));
        }
        return match may {
            May::UseAll => None,
            May::Use(allowed) if allowed.contains(&name) => None,
            May::Use(allowed) => Some((
                format!("depends on {name}; it may use {}", listed(allowed)),
                "move the code to the room that may use it, or hand it in as plain data".to_owned(),
            )),
        };
    }
    if dependency.kind == Kind::Dev || UNRELEASED.contains(&room) {
        return None;
    }
    if room == "model" && NOT_IN_MODEL.contains(&name) {
        return Some((
            format!("depends on {name}; model does no I/O"),
            "pass what it needs as facts, and let app gather them".to_owned(),
        ));
    }
    let (_, rooms) = ONLY_IN.iter().find(|(outside, _)| *outside == name)?;
    (!rooms.contains(&room)).then(|| {
        (
            format!("depends on {name}, which belongs to {}", listed(rooms)),
            format!("call what {} offers", listed(rooms)),
        )
    })
}

/// Whether `other` can be reached from `room` along arrows.
fn stands_below(room: &str, other: &str) -> bool {
    let Some((_, May::Use(allowed))) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return false;
    };
    allowed
        .iter()
        .any(|next| *next == other || stands_below(next, other))
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "no other room".to_owned()
    } else {
        names.join(", ")
    }
}

/// The rows of ARCHITECTURE.md that should hold the table: `| `room` | … | may use |`.
fn documented(page: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (room, may) in &ROOMS {
        let wanted = match may {
            May::Use([]) => "–".to_owned(),
            May::Use(allowed) => allowed
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", "),
            May::UseAll => "every room".to_owned(),
        };
        let start = format!("| `{room}` |");
        let end = format!("| {wanted} |");
        let row = page.lines().find(|line| line.starts_with(&start));
        if !row.is_some_and(|row| row.trim_end().ends_with(&end)) {
            problems.push(Problem {
                place: "ARCHITECTURE.md".to_owned(),
                what: format!("the table of rooms does not say what {room} may use"),
                fix: format!("a row that starts with {start} and ends with {end}"),
            });
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(room: &str, name: &str, kind: Kind, local: bool) -> usize {
        let dependency = Dependency {
            name: name.to_owned(),
            kind,
            local,
        };
        package(&Package {
            name: room.to_owned(),
            dependencies: vec![dependency],
        })
        .len()
    }

    #[test]
    fn arrows_point_one_way() {
        assert_eq!(uses("app", "store", Kind::Normal, true), 0);
        assert_eq!(uses("store", "app", Kind::Normal, true), 1);
        assert_eq!(uses("web", "store", Kind::Normal, true), 1);
        assert_eq!(uses("engines", "app", Kind::Dev, true), 1);
        assert_eq!(uses("gatepost", "web", Kind::Normal, true), 0);
        assert_eq!(uses("model", "oidc", Kind::Build, true), 1);
    }

    #[test]
    fn testkit_and_lab_are_for_everybodys_tests_only() {
        assert_eq!(uses("store", "testkit", Kind::Dev, true), 0);
        assert_eq!(uses("upstream", "lab", Kind::Dev, true), 0);
        assert_eq!(uses("upstream", "lab", Kind::Normal, true), 1);
        assert_eq!(uses("gatepost", "testkit", Kind::Normal, true), 1);
        assert_eq!(uses("gatepost", "lab", Kind::Normal, true), 0);
        assert_eq!(uses("benches", "testkit", Kind::Normal, true), 0);
    }

    #[test]
    fn tests_may_build_what_stands_below_their_room() {
        assert_eq!(uses("web", "store", Kind::Dev, true), 0);
        assert_eq!(uses("mailauth", "oidc", Kind::Dev, true), 0);
        assert_eq!(uses("store", "app", Kind::Dev, true), 1);
        assert_eq!(uses("web", "mailauth", Kind::Dev, true), 1);
    }

    #[test]
    fn outside_crates_stay_where_they_belong() {
        assert_eq!(uses("store", "rusqlite", Kind::Normal, false), 0);
        assert_eq!(uses("app", "rusqlite", Kind::Normal, false), 1);
        assert_eq!(uses("app", "rusqlite", Kind::Dev, false), 0);
        assert_eq!(uses("web", "reqwest", Kind::Normal, false), 1);
        assert_eq!(uses("gatepost", "axum", Kind::Normal, false), 1);
        assert_eq!(uses("model", "tokio", Kind::Normal, false), 1);
        assert_eq!(uses("model", "serde", Kind::Normal, false), 0);
    }

    #[test]
    fn a_new_room_must_be_named() {
        assert_eq!(uses("common", "model", Kind::Normal, true), 1);
    }

    #[test]
    fn the_page_must_show_the_same_table() {
        assert_eq!(documented("").len(), ROOMS.len());
        let row = "| `web` | the HTTP edge | `app`, `model`, `oidc` |\n";
        assert_eq!(documented(row).len(), ROOMS.len() - 1);
        let wrong = "| `web` | the HTTP edge | `app`, `store` |\n";
        assert_eq!(documented(wrong).len(), ROOMS.len());
    }
}
