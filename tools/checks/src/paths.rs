//! No file names a directory of somebody's machine, or the host of a package registry.

use crate::tree::Tree;
use crate::{Outcome, Problem};

/// First parts of absolute paths that exist on a developer's machine and nowhere else.
const MACHINE_ROOTS: [&str; 5] = ["work", "farm", "root", "home", "Users"];

/// Hosts in two pieces, so that this file does not hold what it looks for.
const REGISTRY_HOSTS: [[&str; 2]; 8] = [
    ["registry.npmjs", ".org"],
    ["registry.yarnpkg", ".com"],
    ["index.crates", ".io"],
    ["static.crates", ".io"],
    ["deb.debian", ".org"],
    ["security.debian", ".org"],
    ["pypi", ".org"],
    ["files.pythonhosted", ".org"],
];

pub(crate) fn run(tree: &Tree) -> Outcome {
    let roots: Vec<String> = MACHINE_ROOTS
        .iter()
        .map(|name| format!("/{name}/"))
        .collect();
    let hosts: Vec<String> = REGISTRY_HOSTS.iter().map(|parts| parts.concat()).collect();
    let mut problems = Vec::new();
    for path in &tree.files {
        let Some(text) = tree.text(path)? else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let place = || format!("{path}:{}", number + 1);
            if let Some(root) = roots.iter().find(|root| names_absolute(line, root)) {
                problems.push(Problem {
                    place: place(),
                    what: format!("an absolute path under {root}"),
                    fix: "write it relative to the checkout, or take it from the environment"
                        .to_owned(),
                });
            }
            if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
                problems.push(Problem {
                    place: place(),
                    what: format!("names the registry host {host}"),
                    fix: "name the package only; for npm lock files set \
                          omit-lockfile-registry-resolved=true and write the lock again"
                        .to_owned(),
                });
            }
        }
    }
    Ok(problems)
}

/// Whether `line` holds `root` at the start of a path, not in the middle of a longer one.
fn names_absolute(line: &str, root: &str) -> bool {
    line.match_indices(root).any(|(at, _)| {
        !line[..at]
            .ends_with(|before: char| before.is_alphanumeric() || "/._-~*})>]".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> usize {
        let (_directory, tree) = Tree::sample(&[("a.txt", text)]);
        run(&tree).unwrap().len()
    }

    #[test]
    fn refuses_paths_of_a_machine() {
        for root in MACHINE_ROOTS {
            assert_eq!(places(&format!("see /{root}/main/x")), 1, "{root}");
            assert_eq!(places(&format!("\"/{root}/main\"")), 1, "{root}");
        }
    }

    #[test]
    fn allows_the_same_names_inside_other_paths() {
        for root in MACHINE_ROOTS {
            assert_eq!(
                places(&format!("/srv/{root}/x or $DIR/{root}/x")),
                0,
                "{root}"
            );
            assert_eq!(
                places(&format!("https://example.org/{root}/x")),
                0,
                "{root}"
            );
        }
    }

    #[test]
    fn refuses_registry_hosts_in_any_file() {
        for host in REGISTRY_HOSTS {
            assert_eq!(
                places(&format!("\"resolved\": \"https://{}/x\"", host.concat())),
                1
            );
        }
    }

    #[test]
    fn skips_files_that_are_not_text() {
        let (directory, _) = Tree::sample(&[]);
        std::fs::write(directory.path().join("x.png"), b"\xff\xfe/").unwrap();
        assert!(
            run(&Tree::at(directory.path()).unwrap())
                .unwrap()
                .is_empty()
        );
    }
}
