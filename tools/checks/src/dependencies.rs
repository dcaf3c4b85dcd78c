//! Licences and banned crates, by the lists in `deny.toml`, without a network.
//!
//! `cargo deny` reads the same file and also knows the advisories; this part runs where it is not
//! installed and no registry can be reached.

use toml::{Table, Value};

use crate::metadata::{self, Outside};
use crate::tree::Tree;
use crate::{Outcome, Problem};

pub(crate) fn run(tree: &Tree) -> Outcome {
    let policy: Table = tree
        .text("deny.toml")?
        .unwrap_or_default()
        .parse()
        .map_err(|error| format!("deny.toml: {error}"))?;
    let policy = Policy::read(&policy)?;
    let outside = metadata::outside(&tree.root)?;
    Ok(outside
        .iter()
        .flat_map(|package| policy.faults(package))
        .collect())
}

struct Policy {
    licences: Vec<String>,
    banned: Vec<String>,
}

impl Policy {
    fn read(file: &Table) -> Result<Self, String> {
        let licences = strings(file, "licenses", "allow")?;
        let banned = file
            .get("bans")
            .and_then(|bans| bans.get("deny"))
            .and_then(Value::as_array)
            .ok_or("deny.toml: no bans.deny")?
            .iter()
            .filter_map(|entry| {
                entry
                    .get("crate")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            })
            .collect();
        Ok(Self { licences, banned })
    }

    fn faults(&self, package: &Outside) -> Vec<Problem> {
        let place = format!("{} {}", package.name, package.version);
        let mut problems = Vec::new();
        if self.banned.contains(&package.name) {
            problems.push(Problem {
                place: place.clone(),
                what: "is banned by deny.toml".to_owned(),
                fix: "cargo tree -i names who brings it; choose another feature or crate"
                    .to_owned(),
            });
        }
        if !self.fits(&package.license) {
            problems.push(Problem {
                place,
                what: format!(
                    "licence {:?} is not among those of deny.toml",
                    package.license
                ),
                fix: "read it; then allow it in deny.toml with the reason, or take another crate"
                    .to_owned(),
            });
        }
        problems
    }

    /// Whether an SPDX expression can be met: `OR` by any side, `AND` by every side. Older
    /// manifests write `/` for `OR`.
    fn fits(&self, expression: &str) -> bool {
        let spaced = expression
            .replace('/', " OR ")
            .replace('(', " ( ")
            .replace(')', " ) ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut rest = words.as_slice();
        self.any(&mut rest) && rest.is_empty()
    }

    fn any(&self, words: &mut &[&str]) -> bool {
        let mut met = self.all(words);
        while let ["OR", rest @ ..] = *words {
            *words = rest;
            met |= self.all(words);
        }
        met
    }

    fn all(&self, words: &mut &[&str]) -> bool {
        let mut met = self.one(words);
        while let ["AND", rest @ ..] = *words {
            *words = rest;
            met &= self.one(words);
        }
        met
    }

    fn one(&self, words: &mut &[&str]) -> bool {
        match *words {
            ["(", rest @ ..] => {
                *words = rest;
                let met = self.any(words);
                let [")", rest @ ..] = *words else {
                    return false;
                };
                *words = rest;
                met
            }
            // An exception only adds permissions to the licence before it.
            [licence, "WITH", _, rest @ ..] | [licence, rest @ ..] => {
                *words = rest;
                self.licences.iter().any(|allowed| allowed == licence)
            }
            [] => false,
        }
    }
}

fn strings(file: &Table, section: &str, key: &str) -> Result<Vec<String>, String> {
    Ok(file
        .get(section)
        .and_then(|section| section.get(key))
        .and_then(Value::as_array)
        .ok_or_else(|| format!("deny.toml: no {section}.{key}"))?
        .iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let text = "[licenses]\nallow = [\"MIT\", \"ISC\", \"Apache-2.0\"]\n\
                    [bans]\ndeny = [{ crate = \"openssl\" }]\n";
        Policy::read(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn reads_licence_expressions() {
        let policy = policy();
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "MIT AND ISC",
            "(MIT OR Zlib) AND ISC",
            "Apache-2.0 WITH LLVM-exception OR Zlib",
        ] {
            assert!(policy.fits(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "MIT ISC",
            "Zlib OR (MIT AND GPL-3.0)",
        ] {
            assert!(!policy.fits(bad), "{bad}");
        }
    }

    #[test]
    fn refuses_banned_and_unlicensed_crates() {
        let package = |name: &str, license: &str| Outside {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.to_owned(),
        };
        assert_eq!(policy().faults(&package("serde", "MIT")), []);
        assert_eq!(policy().faults(&package("openssl", "MIT")).len(), 1);
        assert_eq!(policy().faults(&package("odd", "")).len(), 1);
    }
}
