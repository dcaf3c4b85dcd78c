//! Where a redirect that an app sent differs from the one it was meant to be.

use super::redirect::MAX_REDIRECT;
use model::foreign::is_plain;

/// How many pairs of characters are compared before the whole middle counts as different. Wrong
/// redirects come from anybody, and showing them must stay cheap.
const MAX_CELLS: usize = 250_000;

/// A run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffPart {
    /// In both.
    Kept(String),
    /// In the registered redirect only.
    Missing(String),
    /// In what was received only.
    Added(String),
}

/// How `received` differs from that of `registered` which is nearest to it; `None` without any.
///
/// Kept and missing runs together are the registered one. Characters of `received` that cannot be
/// seen are shown as U+FFFD, and what is longer than any redirect is cut.
#[must_use]
pub fn difference(received: &str, registered: &[impl AsRef<str>]) -> Option<Vec<DiffPart>> {
    let received: Vec<char> = received.chars().take(MAX_REDIRECT).map(seen).collect();
    let candidates = registered
        .iter()
        .map(|text| text.as_ref().chars().collect::<Vec<_>>());
    let cells = MAX_CELLS / registered.len().max(1);
    let nearest = candidates.min_by_key(|text| changes(text, &received, cells))?;
    Some(runs(&nearest, &received))
}

/// How many characters would have to be added or taken away; of texts over `cells`, at most how many.
fn changes(registered: &[char], received: &[char], cells: usize) -> usize {
    let (a, b) = middles(registered, received);
    let kept = Common::of(a, b, cells).map_or(0, |common| usize::from(common.at(0, 0)));
    a.len() + b.len() - 2 * kept
}

fn seen(c: char) -> char {
    if is_plain(c.encode_utf8(&mut [0; 4])) {
        c
    } else {
        char::REPLACEMENT_CHARACTER
    }
}

/// How many characters both begin with, and how many of the rest both end with.
fn shared(a: &[char], b: &[char]) -> (usize, usize) {
    let same = |(x, y): &(&char, &char)| x == y;
    let head = a.iter().zip(b).take_while(same).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev());
    (head, tail.take_while(same).count())
}

/// Both without what they begin and end with alike.
fn middles<'t>(a: &'t [char], b: &'t [char]) -> (&'t [char], &'t [char]) {
    let (head, tail) = shared(a, b);
    (&a[head..a.len() - tail], &b[head..b.len() - tail])
}

fn runs(registered: &[char], received: &[char]) -> Vec<DiffPart> {
    let (head, tail) = shared(registered, received);
    let (a, b) = middles(registered, received);
    let mut parts = Parts::default();
    parts.kept(&registered[..head]);
    between(a, b, &mut parts);
    parts.kept(&registered[registered.len() - tail..]);
    parts.0
}

/// Lengths of the longest common subsequences of all pairs of ends of two texts.
struct Common {
    width: usize,
    lengths: Vec<u16>,
}

impl Common {
    /// `None` if that would take more than `cells`.
    fn of(a: &[char], b: &[char], cells: usize) -> Option<Self> {
        if a.len().saturating_mul(b.len()) > cells {
            return None;
        }
        let width = b.len() + 1;
        let mut common = Self {
            width,
            lengths: vec![0; (a.len() + 1) * width],
        };
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                common.lengths[i * width + j] = if a[i] == b[j] {
                    common.at(i + 1, j + 1) + 1
                } else {
                    common.at(i + 1, j).max(common.at(i, j + 1))
                };
            }
        }
        Some(common)
    }

    /// That of `a[i..]` and `b[j..]`.
    fn at(&self, i: usize, j: usize) -> u16 {
        self.lengths[i * self.width + j]
    }
}

/// The differing middle.
fn between(a: &[char], b: &[char], parts: &mut Parts) {
    let Some(common) = Common::of(a, b, MAX_CELLS) else {
        parts.missing(a);
        parts.added(b);
        return;
    };
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            parts.kept(&a[i..=i]);
            (i, j) = (i + 1, j + 1);
        } else if common.at(i + 1, j) >= common.at(i, j + 1) {
            parts.missing(&a[i..=i]);
            i += 1;
        } else {
            parts.added(&b[j..=j]);
            j += 1;
        }
    }
    parts.missing(&a[i..]);
    parts.added(&b[j..]);
}

/// Runs, joined where two of a kind meet.
#[derive(Default)]
struct Parts(Vec<DiffPart>);

impl Parts {
    fn kept(&mut self, run: &[char]) {
        match self.0.last_mut() {
            Some(DiffPart::Kept(text)) => text.extend(run),
            _ => self.begin(run, DiffPart::Kept),
        }
    }

    fn missing(&mut self, run: &[char]) {
        match self.0.last_mut() {
            Some(DiffPart::Missing(text)) => text.extend(run),
            _ => self.begin(run, DiffPart::Missing),
        }
    }

    fn added(&mut self, run: &[char]) {
        match self.0.last_mut() {
            Some(DiffPart::Added(text)) => text.extend(run),
            _ => self.begin(run, DiffPart::Added),
        }
    }

    fn begin(&mut self, run: &[char], kind: fn(String) -> DiffPart) {
        if !run.is_empty() {
            self.0.push(kind(run.iter().collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DiffPart::{Added, Kept, Missing};
    use proptest::prelude::*;

    fn parts(received: &str, registered: &[&str]) -> Vec<DiffPart> {
        difference(received, registered).unwrap()
    }

    /// The text of one side.
    fn side(parts: &[DiffPart], other: fn(&DiffPart) -> bool) -> String {
        let texts = parts.iter().filter(|part| !other(part));
        let text = texts.map(|(Kept(text) | Missing(text) | Added(text))| text.as_str());
        text.collect()
    }

    #[test]
    fn a_trailing_slash_is_seen() {
        let one = ["https://a.example/cb/"];
        assert_eq!(
            parts("https://a.example/cb", &one),
            [Kept("https://a.example/cb".into()), Missing("/".into())]
        );
        assert_eq!(
            parts("https://a.example/cb", &["https://a.example/c"]),
            [Kept("https://a.example/c".into()), Added("b".into())]
        );
        assert_eq!(parts("x", &["x"]), [Kept("x".into())]);
        assert_eq!(difference("x", &[""; 0]), None);
    }

    #[test]
    fn the_nearest_is_compared() {
        let registered = ["https://b.example/other", "https://a.example/cb"];
        assert_eq!(
            parts("http://a.example/callback", &registered),
            [
                Kept("http".into()),
                Missing("s".into()),
                Kept("://a.example/c".into()),
                Added("all".into()),
                Kept("b".into()),
                Added("ack".into()),
            ]
        );
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(
            parts("https://a.example/\u{200b}cb\n", &["https://a.example/cb"]),
            [
                Kept("https://a.example/".into()),
                Added("\u{fffd}".into()),
                Kept("cb".into()),
                Added("\u{fffd}".into()),
            ]
        );
    }

    #[test]
    fn long_texts_stay_cheap() {
        let received = "ab".repeat(100_000);
        let registered = vec!["ba".repeat(MAX_REDIRECT / 2); 50];
        let parts = difference(&received, &registered).unwrap();
        assert_eq!(parts.len(), 2, "the middle is not looked into");
        assert_eq!(
            side(&parts, |p| matches!(p, Missing(_))).len(),
            MAX_REDIRECT
        );
    }

    proptest! {
        #[test]
        fn both_sides_can_be_read_back(a in "[ab/:.]{0,30}", b in "[ab/:.]{0,30}") {
            let parts = parts(&b, &[&a]);
            prop_assert_eq!(side(&parts, |part| matches!(part, Added(_))), a);
            prop_assert_eq!(side(&parts, |part| matches!(part, Missing(_))), b);
        }
    }
}
