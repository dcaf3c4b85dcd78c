//! What cargo says about the workspace and about what it is built from.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A package of this workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A package from outside that a build or a test takes in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SPDX expression; empty when the manifest names none.
    pub(crate) license: String,
}

/// One line of a manifest's dependency tables.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether it points at a directory and not at a registry.
    pub(crate) local: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// The packages of this workspace.
pub(crate) fn workspace(root: &Path) -> Result<Vec<Package>, String> {
    let document = cargo(root, &["metadata", "--format-version", "1", "--no-deps"])?;
    let document: Value =
        serde_json::from_str(&document).map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(array(&document["packages"])
        .map(|package| Package {
            name: text(&package["name"]),
            dependencies: array(&package["dependencies"]).map(dependency).collect(),
        })
        .collect())
}

/// Everything from outside that goes into this machine's builds and tests. `cargo metadata` would
/// also list packages that only a feature nobody chose could bring in.
pub(crate) fn outside(root: &Path) -> Result<Vec<Outside>, String> {
    let tree = cargo(
        root,
        &[
            "tree",
            "--locked",
            "--workspace",
            "--all-features",
            "--edges=normal,build,dev",
            "--prefix=none",
            "--no-dedupe",
            "--format={p}\t{l}",
        ],
    )?;
    let mut packages: Vec<Outside> = Vec::new();
    for line in tree.lines() {
        if let Some(package) = tree_line(line)
            && !packages.contains(&package)
        {
            packages.push(package);
        }
    }
    Ok(packages)
}

/// `name v1.2.3 (proc-macro)`, a tab, the licence; a directory in brackets is a package of ours.
fn tree_line(line: &str) -> Option<Outside> {
    let (package, license) = line.split_once('\t')?;
    if package.contains(" (/") {
        return None;
    }
    let (name, rest) = package.split_once(" v")?;
    let version = rest.split_whitespace().next()?;
    Some(Outside {
        name: name.to_owned(),
        version: version.to_owned(),
        license: license.trim_end_matches(" (*)").to_owned(),
    })
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        let what = arguments.first().copied().unwrap_or_default();
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo {what}: {}", why.trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cargo: {error}"))
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text(&value["name"]),
        kind: match value["kind"].as_str() {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
        local: value["path"].is_string(),
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lines_of_cargo_tree() {
        let package = |name: &str, license: &str| {
            Some(Outside {
                name: name.to_owned(),
                version: "1.2.3".to_owned(),
                license: license.to_owned(),
            })
        };
        assert_eq!(
            tree_line("serde v1.2.3\tMIT OR Apache-2.0"),
            package("serde", "MIT OR Apache-2.0")
        );
        assert_eq!(
            tree_line("derive v1.2.3 (proc-macro)\tMIT (*)"),
            package("derive", "MIT")
        );
        assert_eq!(tree_line("odd v1.2.3\t"), package("odd", ""));
        assert_eq!(tree_line("model v0.1.0 (/src/model)\tMIT"), None);
        assert_eq!(tree_line(""), None);
    }
}
