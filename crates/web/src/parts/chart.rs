use super::When;
use askama::Template;
use model::time::Timestamp;

/// Width of the drawing in its own units.
const WIDTH: i64 = 720;
/// Its height.
const HEIGHT: i64 = 160;

/// Sign-ins over time: one bar for each span, those that were refused stacked on those that
/// succeeded, and the same numbers in a table.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/chart.html")]
pub struct Chart {
    title: String,
    bars: Vec<ChartBar>,
    most: i64,
    words: String,
}

/// One bar of a [`Chart`].
#[derive(Debug, Clone, Copy)]
pub struct ChartBar {
    /// When it begins.
    pub from: Timestamp,
    /// The lower part: succeeded.
    pub ok: i64,
    /// The upper part: refused.
    pub refused: i64,
}

/// A rectangle in the drawing's units.
struct Rect {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
}

impl Chart {
    /// The chart; `title` says what it counts.
    pub fn new(title: impl Into<String>, bars: Vec<ChartBar>) -> Self {
        let most = bars.iter().map(|bar| bar.ok + bar.refused).max();
        let (ok, refused) = bars
            .iter()
            .fold((0, 0), |(ok, no), bar| (ok + bar.ok, no + bar.refused));
        Self {
            title: title.into(),
            most: most.unwrap_or(0),
            words: format!("{ok} signed in, {refused} refused"),
            bars,
        }
    }

    #[expect(clippy::unused_self, reason = "called by the template")]
    const fn view(&self) -> (i64, i64) {
        (WIDTH, HEIGHT)
    }

    /// A bar's two parts: succeeded at the bottom, refused on top of it.
    fn parts(&self, n: &usize) -> Option<(Rect, Rect)> {
        let bar = self.bars.get(*n)?;
        let count = i64::try_from(self.bars.len()).ok()?.max(1);
        let at = i64::try_from(*n).ok()?;
        let (left, right) = (at * WIDTH / count, (at + 1) * WIDTH / count);
        let ok = self.height(bar.ok);
        let refused = self.height(bar.refused).min(HEIGHT - ok);
        let part = |height, base: i64| Rect {
            x: left + 1,
            y: base - height,
            width: (right - left - 2).max(1),
            height,
        };
        Some((part(ok, HEIGHT), part(refused, HEIGHT - ok)))
    }

    /// What is there at all is at least visible.
    fn height(&self, count: i64) -> i64 {
        if count <= 0 {
            return 0;
        }
        (count.saturating_mul(HEIGHT - 4) / self.most.max(1)).max(2)
    }

    fn ends(&self) -> Option<(When, When)> {
        let (first, last) = (self.bars.first()?, self.bars.last()?);
        Some((When::exactly(first.from), When::exactly(last.from)))
    }
}

/// A share of the largest, as a bar beside its number.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "parts/share.html")]
pub struct Share {
    percent: i64,
}

impl Share {
    /// `part` of `whole`, at least visible when it is there at all.
    #[must_use]
    pub fn of(part: i64, whole: i64) -> Self {
        let percent = part.saturating_mul(100) / whole.max(1);
        Self {
            percent: percent.clamp(i64::from(part > 0), 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(ok: i64, refused: i64) -> ChartBar {
        ChartBar {
            from: Timestamp::from_secs(0),
            ok,
            refused,
        }
    }

    #[test]
    fn no_bar_leaves_the_drawing() {
        for bars in [
            vec![],
            vec![bar(0, 0)],
            vec![bar(1, 0), bar(0, 1), bar(i64::MAX / 4, i64::MAX / 4)],
            (0..30).map(|n| bar(n, 30 - n)).collect(),
        ] {
            let chart = Chart::new("Sign-ins", bars.clone());
            for (n, bar) in bars.iter().enumerate() {
                let (ok, refused) = chart.parts(&n).unwrap();
                for part in [&ok, &refused] {
                    assert!(part.x >= 0 && part.x + part.width <= WIDTH);
                    assert!(part.y >= 0 && part.height >= 0 && part.y + part.height <= HEIGHT);
                }
                assert_eq!(refused.y + refused.height, ok.y, "stacked");
                assert_eq!(ok.height > 0, bar.ok > 0);
            }
        }
    }

    #[test]
    fn a_chart_says_in_words_what_it_shows_and_needs_no_styles() {
        let html = Chart::new("Sign-ins <b>", vec![bar(2, 1), bar(0, 4)])
            .render()
            .unwrap();
        assert!(html.contains("2 signed in, 5 refused"), "{html}");
        assert!(html.contains("Sign-ins &#60;b&#62;"), "{html}");
        assert!(!html.contains("style="), "{html}");
        assert_eq!(html.matches("<tr>").count(), 3);
        for (part, whole, percent) in [(0, 0, 0), (1, 1000, 1), (5, 10, 50), (9, 3, 100)] {
            assert_eq!(Share::of(part, whole).percent, percent);
        }
    }
}
