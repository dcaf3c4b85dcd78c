//! `gatepost rule`

mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use model::rule::{MAILCOW_CLAIM, Pattern, Test};
use serde_json::Value;

use super::failure::Usage;
use super::input;
use super::office::{Office, Verbs};
use crate::administration::Request;
use crate::administration::rules::{
    How, LintDocument, PreviewDocument, RuleFile, RuleRequest, RuleVerb, TrialDocument, TryOn,
};
use crate::exit;

/// Largest file of rules or claims, in bytes.
const MOST_FILE: u64 = 256 * 1024;

/// Rules of a provider: which claim gives which template.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost rule add example-sso --claim groups --value staff --template Staff --dry-run
  gatepost rule try example-sso --address alice@example.org")]
pub(super) enum Verb {
    /// Print the rules of a provider; the first that matches wins.
    List {
        #[command(flatten)]
        provider: Of,
    },
    /// Add a rule.
    #[command(mut_group("test", |test| test.required(true)))]
    Add {
        #[command(flatten)]
        provider: Of,
        /// The claim; names within claims are separated by dots, lists are gone through.
        #[arg(long, value_name = "PATH", default_value = MAILCOW_CLAIM)]
        claim: String,
        #[command(flatten)]
        test: TestOptions,
        /// The template people get.
        #[arg(long, value_name = "NAME")]
        template: String,
        /// The number the rule gets; the last by default.
        #[arg(long, value_name = "N")]
        number: Option<usize>,
        #[command(flatten)]
        change: Change,
    },
    /// Change what is named of a rule; the rest stays.
    #[command(before_long_help = "Examples:
  gatepost rule edit example-sso 2 --template Guests --dry-run
  gatepost rule edit example-sso 2 --claim groups --starts-with team-")]
    Edit {
        #[command(flatten)]
        provider: Of,
        /// The rule's number in the list.
        number: usize,
        /// The claim; names within claims are separated by dots, lists are gone through.
        #[arg(long, value_name = "PATH")]
        claim: Option<String>,
        #[command(flatten)]
        test: TestOptions,
        /// The template people get.
        #[arg(long, value_name = "NAME")]
        template: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Give a rule another number.
    #[command(before_long_help = "Examples:
  gatepost rule move example-sso 3 1 --dry-run
  gatepost rule move example-sso 3 1")]
    Move {
        #[command(flatten)]
        provider: Of,
        /// The rule's number in the list.
        number: usize,
        /// The number it gets.
        to: usize,
        #[command(flatten)]
        change: Change,
    },
    /// Remove a rule.
    Remove {
        #[command(flatten)]
        provider: Of,
        /// The rule's number in the list.
        number: usize,
        #[command(flatten)]
        change: Change,
    },
    /// Decide what people get whom no rule matches.
    #[command(before_long_help = "Examples:
  gatepost rule everyone-else example-sso --template Guests --dry-run
  gatepost rule everyone-else example-sso --refuse")]
    EveryoneElse {
        #[command(flatten)]
        provider: Of,
        #[command(flatten)]
        fate: Fate,
        #[command(flatten)]
        change: Change,
    },
    /// Put the rules of a file in place of all rules.
    #[command(before_long_help = "Examples:
  gatepost rule set example-sso --rules rules.json --dry-run
  gatepost rule list example-sso --json | gatepost rule set school-sso --rules -")]
    Set {
        #[command(flatten)]
        provider: Of,
        /// What `rule list --json` prints; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        rules: PathBuf,
        #[command(flatten)]
        change: Change,
    },
    /// Say what the rules do with one set of claims; nothing is stored. Exit code 7 if they refuse.
    #[command(before_long_help = "Examples:
  gatepost rule try example-sso --address alice@example.org
  gatepost rule try example-sso --claims claims.json")]
    Try {
        #[command(flatten)]
        provider: Of,
        #[command(flatten)]
        on: On,
        /// With the values of private claims too; that they were asked for is on record.
        #[arg(long)]
        open: bool,
    },
    /// Say what looks wrong with the rules. Exit code 7 if something does.
    #[command(before_long_help = "Examples:
  gatepost rule lint example-sso
  gatepost rule lint example-sso --json")]
    Lint {
        #[command(flatten)]
        provider: Of,
    },
    /// Say what the rules of a file would change for everybody. Exit code 7 if people would be
    /// refused.
    #[command(before_long_help = "Examples:
  gatepost rule preview example-sso --rules rules.json
  gatepost rule preview example-sso --rules - --json < rules.json")]
    Preview {
        #[command(flatten)]
        provider: Of,
        /// What `rule list --json` prints; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        rules: PathBuf,
    },
    /// Print the states in which the rules were saved, with what changed.
    #[command(before_long_help = "Examples:
  gatepost rule history example-sso
  gatepost rule history example-sso --json")]
    History {
        #[command(flatten)]
        provider: Of,
    },
    /// Put an earlier state in force again.
    #[command(before_long_help = "Examples:
  gatepost rule restore example-sso 4 --dry-run
  gatepost rule restore example-sso 4")]
    Restore {
        #[command(flatten)]
        provider: Of,
        /// Its number in the history.
        state: i64,
        #[command(flatten)]
        change: Change,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Of {
    /// The provider.
    #[arg(value_name = "SLUG")]
    provider: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Change {
    /// Change nothing; say what it would change for everybody.
    #[arg(long)]
    dry_run: bool,
    /// Also when people who get in now would be refused.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
#[group(id = "test", multiple = false)]
pub(super) struct TestOptions {
    /// The claim is this text, or a list that holds it; several times for one of several.
    #[arg(long, value_name = "TEXT")]
    value: Vec<String>,
    /// The claim is a list with exactly this element, or a text that holds it anywhere.
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// The claim, or a text in its list, starts so.
    #[arg(long, value_name = "TEXT")]
    starts_with: Option<String>,
    /// The claim, or a text in its list, is described by this regular expression as a whole.
    #[arg(long, value_name = "PATTERN")]
    matches: Option<String>,
    /// The claim is there and says something.
    #[arg(long)]
    present: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Fate {
    /// They are refused.
    #[arg(long)]
    refuse: bool,
    /// They get this template.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct On {
    /// The last sign-in of the person of this mailbox.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// The newest test sign-in of the last 30 minutes.
    #[arg(long)]
    last_test: bool,
    /// Claims as one JSON object; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
}

impl TestOptions {
    fn test(self) -> Option<Test> {
        let mut values = self.value;
        if let Some(start) = self.starts_with {
            return Some(Test::StartsWith(start));
        }
        if let Some(part) = self.contains {
            return Some(Test::Contains(part));
        }
        if let Some(pattern) = self.matches {
            return Some(Test::Matches(Pattern::new(pattern)));
        }
        match (self.present, values.len()) {
            (true, _) => Some(Test::Present),
            (false, 0) => None,
            (false, 1) => Some(Test::Is(values.remove(0))),
            (false, _) => Some(Test::OneOf(values)),
        }
    }
}

impl From<Change> for How {
    fn from(change: Change) -> Self {
        Self {
            dry_run: change.dry_run,
            yes: change.yes,
        }
    }
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let read_only = How::default();
    let (Of { provider }, verb, how) = match verb {
        Verb::List { provider } => (provider, RuleVerb::List, read_only),
        Verb::Add {
            provider,
            claim,
            test,
            template,
            number,
            change,
        } => {
            let verb = RuleVerb::Add {
                claim,
                test: test.test().unwrap_or(Test::Present),
                template,
                number,
            };
            (provider, verb, change.into())
        }
        Verb::Edit {
            provider,
            number,
            claim,
            test,
            template,
            change,
        } => {
            let verb = RuleVerb::Edit {
                number,
                claim,
                test: test.test(),
                template,
            };
            (provider, verb, change.into())
        }
        Verb::Move {
            provider,
            number,
            to,
            change,
        } => (provider, RuleVerb::Move { number, to }, change.into()),
        Verb::Remove {
            provider,
            number,
            change,
        } => (provider, RuleVerb::Remove(number), change.into()),
        Verb::EveryoneElse {
            provider,
            fate,
            change,
        } => {
            let verb = RuleVerb::EveryoneElse(fate.template);
            (provider, verb, change.into())
        }
        Verb::Set {
            provider,
            rules,
            change,
        } => (provider, RuleVerb::Set(file(&rules).await?), change.into()),
        Verb::Preview { provider, rules } => {
            let verb = RuleVerb::Preview(Some(file(&rules).await?));
            (provider, verb, read_only)
        }
        Verb::Try { provider, on, open } => {
            let on = match (on.address, on.claims) {
                (Some(address), _) => TryOn::Address(address),
                (None, Some(file)) => TryOn::Claims(input::text(&file, MOST_FILE).await?),
                // One of the three is given: clap sees to it.
                (None, None) => TryOn::LastTest,
            };
            (provider, RuleVerb::Try { on, open }, read_only)
        }
        Verb::Lint { provider } => (provider, RuleVerb::Lint, read_only),
        Verb::History { provider } => (provider, RuleVerb::History, read_only),
        Verb::Restore {
            provider,
            state,
            change,
        } => (provider, RuleVerb::Restore(state), change.into()),
    };
    let shape = Shape::of(&verb, how);
    let request = Request::Rule(RuleRequest {
        provider,
        verb,
        how,
    });
    let document = office.ask(request).await?;
    shape.show(office, document)
}

/// What kind of document the answer is.
enum Shape {
    Rules,
    Preview,
    Lint,
    Trial,
    History,
}

impl Shape {
    const fn of(verb: &RuleVerb, how: How) -> Self {
        match verb {
            RuleVerb::Lint => Self::Lint,
            RuleVerb::Try { .. } => Self::Trial,
            RuleVerb::History => Self::History,
            RuleVerb::Preview(_) => Self::Preview,
            _ if how.dry_run => Self::Preview,
            _ => Self::Rules,
        }
    }

    /// Prints the answer; exit code 7 if it tells of a problem.
    fn show(self, office: &Office, document: Value) -> anyhow::Result<ExitCode> {
        let bad = match self {
            Self::Rules | Self::History => false,
            Self::Preview => {
                let preview: PreviewDocument = serde_json::from_value(document.clone())?;
                preview.survey.refused > 0
            }
            Self::Lint => {
                let lint: LintDocument = serde_json::from_value(document.clone())?;
                !lint.findings.is_empty()
            }
            Self::Trial => {
                let trial: TrialDocument = serde_json::from_value(document.clone())?;
                trial.code.is_some()
            }
        };
        match self {
            Self::Rules => office.show(document, text::list)?,
            Self::Preview => office.show(document, text::preview)?,
            Self::Lint => office.show(document, text::lint)?,
            Self::Trial => office.show(document, text::trial)?,
            Self::History => office.show(document, text::history)?,
        };
        Ok(if bad {
            ExitCode::from(exit::PROBLEMS_FOUND)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// Reads rules from a file.
async fn file(path: &std::path::Path) -> anyhow::Result<RuleFile> {
    let text = input::text(path, MOST_FILE).await?;
    serde_json::from_str(&text)
        .map_err(|error| Usage(format!("{} holds no rules: {error}", path.display())).into())
}
