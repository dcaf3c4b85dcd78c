//! One figure against its acceptance line, and the table of all of them.

use std::fmt::Write as _;

use serde::Serialize;

use crate::measure::rounds::median;

/// The middle round, the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    low: f64,
    high: f64,
}

impl Figure {
    /// `None` without rounds.
    pub(crate) fn of(rounds: &[f64]) -> Option<Self> {
        Some(Self {
            median: median(rounds)?,
            low: rounds.iter().copied().fold(f64::INFINITY, f64::min),
            high: rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// Round by round, `these` divided by `those`.
    pub(crate) fn ratio(these: &[f64], those: &[f64]) -> Option<Self> {
        let ratios: Vec<f64> = these.iter().zip(those).map(|(a, b)| a / b).collect();
        Self::of(&ratios)
    }

    fn text(self, unit: &str) -> String {
        let digits = match self.median {
            large if large >= 1_000.0 => 0,
            medium if medium >= 10.0 => 1,
            small if small >= 0.1 => 2,
            _ => 3,
        };
        let Self { median, low, high } = self;
        format!("{median:.digits$} [{low:.digits$}–{high:.digits$}] {unit}")
            .trim_end()
            .to_owned()
    }
}

/// What the issue asks of a figure; the median decides.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) enum Line {
    AtMost(f64),
    AtLeast(f64),
}

impl Line {
    fn met_by(self, figure: Figure) -> bool {
        match self {
            Self::AtMost(limit) => figure.median <= limit,
            Self::AtLeast(limit) => figure.median >= limit,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {limit} {unit}"),
            Self::AtLeast(limit) => format!("≥ {limit} {unit}"),
        }
        .trim_end()
        .to_owned()
    }
}

/// A figure of Gatepost's.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    metric: String,
    unit: &'static str,
    measured: Option<Figure>,
    anchor: Option<Anchor>,
    line: Option<Line>,
}

/// What it was measured beside.
#[derive(Debug, Clone, Serialize)]
struct Anchor {
    name: String,
    measured: Option<Figure>,
    ratio: Option<Figure>,
    line: Option<Line>,
}

impl Finding {
    pub(crate) fn new(metric: impl Into<String>, rounds: &[f64], unit: &'static str) -> Self {
        Self {
            metric: metric.into(),
            unit,
            measured: Figure::of(rounds),
            anchor: None,
            line: None,
        }
    }

    /// Accepted by what was measured itself.
    pub(crate) fn wanted(mut self, line: Line) -> Self {
        self.line = Some(line);
        self
    }

    /// Measured beside something else; `ratio` says how many times, and is what `line` is about.
    pub(crate) fn beside(
        mut self,
        name: impl Into<String>,
        rounds: &[f64],
        ratio: Option<Figure>,
        line: Option<Line>,
    ) -> Self {
        self.anchor = Some(Anchor {
            name: name.into(),
            measured: Figure::of(rounds),
            ratio,
            line,
        });
        self
    }

    /// `None` when nothing is asked. A figure that is missing meets nothing.
    fn met(&self) -> Option<bool> {
        let own = self.line.map(|line| (line, self.measured));
        let anchor = self.anchor.as_ref();
        let ratio = anchor.and_then(|anchor| anchor.line.map(|line| (line, anchor.ratio)));
        let all: Vec<bool> = own
            .into_iter()
            .chain(ratio)
            .map(|(line, figure)| figure.is_some_and(|figure| line.met_by(figure)))
            .collect();
        (!all.is_empty()).then(|| all.iter().all(|met| *met))
    }

    fn row(&self) -> String {
        let figure = |figure: Option<Figure>, unit| {
            figure.map_or_else(|| "–".to_owned(), |figure| figure.text(unit))
        };
        let anchor = self.anchor.as_ref();
        let lines = [
            self.line.map(|line| line.text(self.unit)),
            anchor
                .and_then(|anchor| anchor.line)
                .map(|line| line.text("×")),
        ];
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        format!(
            "| {} | {} | {} | {} | {} | {} |",
            self.metric,
            figure(self.measured, self.unit),
            anchor.map_or_else(
                || "–".to_owned(),
                |anchor| format!("{}: {}", anchor.name, figure(anchor.measured, self.unit))
            ),
            anchor.map_or_else(|| "–".to_owned(), |anchor| figure(anchor.ratio, "×")),
            lines.join(", "),
            match self.met() {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "–",
            },
        )
    }
}

/// The table that ends a run.
pub(crate) fn markdown(findings: &[Finding]) -> String {
    let mut text = "| metric | median [range] | anchor | ratio [range] | wanted | |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    for finding in findings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", finding.row());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides() {
        let cpu =
            |limit| Finding::new("CPU", &[40.0, 70.0, 45.0], "µs").wanted(Line::AtMost(limit));
        assert_eq!(cpu(45.0).met(), Some(true));
        assert_eq!(cpu(44.0).met(), Some(false));
        assert_eq!(Finding::new("CPU", &[1.0], "µs").met(), None);
        let nothing = Finding::new("CPU", &[], "µs").wanted(Line::AtMost(1.0));
        assert_eq!(nothing.met(), Some(false));
    }

    #[test]
    fn a_row_shows_both_sides() {
        let (own, other) = ([10.0, 20.0], [60.0, 60.0]);
        let ratio = Figure::ratio(&other, &own);
        let finding = Finding::new("CPU", &own, "µs").beside(
            "Dovecot",
            &other,
            ratio,
            Some(Line::AtLeast(3.0)),
        );
        assert_eq!(
            finding.row(),
            "| CPU | 10.0 [10.0–20.0] µs | Dovecot: 60.0 [60.0–60.0] µs | 3.00 [3.00–6.00] × | ≥ 3 × | met |"
        );
    }
}
