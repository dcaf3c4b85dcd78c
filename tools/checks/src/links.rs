//! Relative links in Markdown lead to a file that exists, and to a heading in it.

use std::path::{Component, Path, PathBuf};

use crate::tree::Tree;
use crate::{Outcome, Problem};

pub(crate) fn run(tree: &Tree) -> Outcome {
    let mut problems = Vec::new();
    for path in tree.with_extension(&["md"]) {
        let text = tree.text(path)?.unwrap_or_default();
        for (line, target) in targets(&text) {
            if let Some(what) = fault(tree, path, &text, &target)? {
                problems.push(Problem {
                    place: format!("{path}:{line}"),
                    what,
                    fix: "correct the link, or the name it points at".to_owned(),
                });
            }
        }
    }
    Ok(problems)
}

/// What is wrong with `target`, found in the page `from`.
fn fault(tree: &Tree, from: &str, text: &str, target: &str) -> Result<Option<String>, String> {
    if target.is_empty() || target.starts_with('<') || has_scheme(target) {
        return Ok(None);
    }
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (target, None),
    };
    if file.starts_with('/') {
        return Ok(Some(format!("{target}: an absolute path")));
    }
    let inside = |text: &str, heading: &str| {
        let found = headings(text).iter().any(|known| known == heading);
        (!found).then(|| format!("{target}: no heading has the anchor #{heading}"))
    };
    if file.is_empty() {
        return Ok(heading.and_then(|heading| inside(text, heading)));
    }
    let Some(resolved) = resolve(from, file) else {
        return Ok(Some(format!("{target}: leads out of the checkout")));
    };
    if !tree.root.join(&resolved).exists() {
        return Ok(Some(format!(
            "{target}: there is no {}",
            resolved.display()
        )));
    }
    match (heading, resolved.to_str()) {
        (Some(heading), Some(page)) if page.ends_with(".md") => {
            Ok(inside(&tree.text(page)?.unwrap_or_default(), heading))
        }
        _ => Ok(None),
    }
}

fn has_scheme(target: &str) -> bool {
    target.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// `file` as seen from the page `from`, relative to the root; `None` above the root.
fn resolve(from: &str, file: &str) -> Option<PathBuf> {
    let mut resolved = PathBuf::from(from);
    resolved.pop();
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir => resolved.pop().then_some(())?,
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    Some(resolved)
}

/// The lines that are prose: outside fenced code, with inline code blanked out.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then(|| (number + 1, without_code(line)))
    })
}

fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    let mut kept = String::new();
    for (index, part) in parts.iter().enumerate() {
        // Odd parts stand between two backticks; a last odd part has no closing one.
        if index % 2 == 0 || index + 1 == parts.len() {
            kept.push_str(part);
        }
    }
    kept
}

/// Link targets with their line: `[text](target "title")` and `[name]: target`.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            if let Some(end) = rest.find(')') {
                found.push((number, first_word(&rest[..end])));
            }
        }
        if line.starts_with('[')
            && let Some((_, target)) = line.split_once("]: ")
        {
            found.push((number, first_word(target)));
        }
    }
    found
}

fn first_word(text: &str) -> String {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The anchors that GitHub and mdBook give to a page's headings.
fn headings(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if fenced || level == 0 || level > 6 || !line[level..].starts_with(' ') {
            continue;
        }
        let slug: String = line[level..]
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let repeats = anchors
            .iter()
            .filter(|anchor| is_repeat(anchor, &slug))
            .count();
        anchors.push(if repeats == 0 {
            slug
        } else {
            format!("{slug}-{repeats}")
        });
    }
    anchors
}

fn is_repeat(anchor: &str, slug: &str) -> bool {
    anchor.strip_prefix(slug).is_some_and(|rest| {
        rest.is_empty()
            || rest.strip_prefix('-').is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(page: &str) -> Vec<String> {
        let (_directory, tree) = Tree::sample(&[
            ("docs/page.md", page),
            (
                "docs/other.md",
                "# Other page\n## One & two\n## Twice\n## Twice\n",
            ),
            ("README.md", "# Top\n"),
        ]);
        run(&tree)
            .unwrap()
            .into_iter()
            .map(|problem| problem.what)
            .collect()
    }

    #[test]
    fn follows_files_directories_and_headings() {
        let page = "# Here\n[a](other.md) [b](../README.md#top) [c](other.md#one--two) \
                    [d](#here) [e](.) [f](other.md#twice-1) [g](other.md \"title\")\n\n\
                    [h]: other.md#other-page\n";
        assert_eq!(faults(page), Vec::<String>::new());
    }

    #[test]
    fn leaves_other_sites_and_code_alone() {
        let page = "[a](https://example.org/x) [m](mailto:a@b.test) `[x](no.md)`\n\
                    ```\n[y](no.md)\n```\n";
        assert_eq!(faults(page), Vec::<String>::new());
    }

    #[test]
    fn refuses_what_leads_nowhere() {
        assert_eq!(
            faults("[a](gone.md)"),
            ["gone.md: there is no docs/gone.md"]
        );
        assert_eq!(
            faults("[a](../../x.md)"),
            ["../../x.md: leads out of the checkout"]
        );
        assert_eq!(
            faults("[a](/docs/other.md)"),
            ["/docs/other.md: an absolute path"]
        );
        assert_eq!(
            faults("[a](#none)"),
            ["#none: no heading has the anchor #none"]
        );
        assert_eq!(
            faults("[a](other.md#three)"),
            ["other.md#three: no heading has the anchor #three"]
        );
        assert_eq!(
            faults("[a]: gone.md"),
            ["gone.md: there is no docs/gone.md"]
        );
    }
}
