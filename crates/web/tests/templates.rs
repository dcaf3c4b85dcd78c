//! What templates and the style sheet promise, read from their sources.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn files(below: &str, ext: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(below)];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == ext) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.display().to_string(), text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn style_sheet() -> String {
    std::fs::read_to_string(root().join("assets/gatepost.css")).unwrap()
}

/// The texts between each `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: char) -> Vec<&'a str> {
    let pieces = text.split(start).skip(1);
    pieces
        .map(|piece| piece.split(end).next().unwrap())
        .collect()
}

#[test]
fn no_template_has_inline_script_or_style() {
    for (path, text) in files("templates", "html") {
        let lower = text.to_lowercase();
        assert!(!lower.contains("style="), "{path}: style attribute");
        assert!(!lower.contains("<style"), "{path}: style element");
        assert!(!lower.contains("javascript:"), "{path}: script URL");
        for tag in between(&lower, "<script", '>') {
            assert!(tag.contains("src="), "{path}: inline script");
        }
        for tag in between(&lower, "<", '>') {
            let handler = tag
                .split_whitespace()
                .skip(1)
                .any(|word| word.starts_with("on") && word.contains('='));
            assert!(!handler, "{path}: event handler in <{tag}>");
        }
        assert!(!text.contains("|safe"), "{path}: unescaped value");
    }
}

#[test]
fn every_icon_named_is_in_the_sprite() {
    let sprite = std::fs::read_to_string(root().join("assets/icons.svg")).unwrap();
    let drawn: BTreeSet<&str> = between(&sprite, "<symbol id=\"", '"').into_iter().collect();
    let mut named = BTreeMap::new();
    let sources = [
        files("templates", "html"),
        files("src", "rs"),
        files("examples", "rs"),
    ];
    for (path, text) in sources.iter().flatten() {
        let starts = ["Icon::of(\"", ".icon(\"", "Icon::spinning(\""];
        for name in starts.iter().flat_map(|start| between(text, start, '"')) {
            named.insert(name.to_owned(), path.clone());
        }
    }
    for entry in web::shell::AdminEntry::GROUPS
        .iter()
        .flat_map(|(_, all)| all.iter())
    {
        named.insert(entry.icon().to_owned(), "shell.rs".to_owned());
    }
    for (name, path) in named {
        assert!(drawn.contains(name.as_str()), "{path}: no icon `{name}`");
    }
}

#[test]
fn every_class_in_a_template_is_in_the_style_sheet() {
    let css = style_sheet();
    // Names that only mark something for a test or the browser module.
    let known: BTreeSet<&str> = css
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
        .flat_map(|word| word.split('.').skip(1))
        .collect();
    for (path, text) in files("templates", "html") {
        for classes in between(&text, "class=\"", '"') {
            let mut plain = String::new();
            let mut depth = 0;
            for piece in classes.split_inclusive(['{', '}']) {
                if depth == 0 {
                    plain.push_str(piece.trim_end_matches(['{', '}']));
                    plain.push(' ');
                }
                depth += i32::from(piece.ends_with('{')) - i32::from(piece.ends_with('}'));
            }
            for class in plain.split_whitespace() {
                assert!(known.contains(class), "{path}: no class `{class}`");
            }
        }
    }
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |hex: &str| {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_are_told_apart_in_light_and_dark() {
    let css = style_sheet();
    let token = |name: &str| -> [String; 2] {
        let start = format!("--{name}: light-dark(");
        let pair = between(&css, &start, ')')
            .first()
            .copied()
            .unwrap_or_else(|| {
                panic!("no token {name}");
            });
        let mut pair = pair.split(", ").map(str::to_owned);
        [pair.next().unwrap(), pair.next().unwrap()]
    };
    let check = |front: &str, back: &str, least: f64| {
        let (front_pair, back_pair) = (token(front), token(back));
        for (f, b) in front_pair.iter().zip(&back_pair) {
            let found = contrast(f, b);
            assert!(found >= least, "{front} {f} on {back} {b}: {found:.2}");
        }
    };
    for back in ["bg", "surface", "sunken"] {
        for front in [
            "text",
            "muted",
            "accent",
            "accent-strong",
            "ok",
            "warn",
            "error",
        ] {
            check(front, back, 5.5);
        }
        check("control", back, 3.0);
        check("focus", back, 3.0);
    }
    for (front, back) in [
        ("text", "accent-tint"),
        ("accent", "accent-tint"),
        ("ok", "ok-tint"),
        ("warn", "warn-tint"),
        ("error", "error-tint"),
        ("text", "ok-tint"),
        ("text", "warn-tint"),
        ("text", "error-tint"),
        ("muted", "accent-tint"),
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
    ] {
        check(front, back, 5.5);
    }
}

#[test]
fn the_files_of_a_page_stay_small() {
    // Uncompressed; the bars for compressed sizes (12 and 6 KiB) are a quarter to a third of these.
    for (file, most) in [
        ("gatepost.css", 36 * 1024),
        ("gatepost.js", 14 * 1024),
        ("icons.svg", 8 * 1024),
        ("favicon.svg", 1024),
    ] {
        let size = std::fs::metadata(root().join("assets").join(file))
            .unwrap()
            .len();
        assert!(size <= most, "{file} has {size} bytes");
    }
}
