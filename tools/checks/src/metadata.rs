//! What `cargo metadata` says about the workspace.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A package, of this workspace or a dependency.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Path of the manifest, absolute.
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
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
    read(root, &["--no-deps"])
}

/// Every package that a build for this machine takes in, tests included.
pub(crate) fn everything(root: &Path) -> Result<Vec<Package>, String> {
    let platform = host()?;
    read(root, &["--locked", "--filter-platform", &platform])
}

fn read(root: &Path, arguments: &[&str]) -> Result<Vec<Package>, String> {
    let mut command = Command::new(cargo());
    command
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .current_dir(root);
    let output = command
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo metadata: {}", why.trim()));
    }
    let document: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(array(&document["packages"]).map(package).collect())
}

fn package(value: &Value) -> Package {
    Package {
        name: text(&value["name"]),
        version: text(&value["version"]),
        license: value["license"].as_str().map(str::to_owned),
        manifest: text(&value["manifest_path"]),
        dependencies: array(&value["dependencies"]).map(dependency).collect(),
    }
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

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The target triple of this machine, as `rustc -vV` names it.
fn host() -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}
