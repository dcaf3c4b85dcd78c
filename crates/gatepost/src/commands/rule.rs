//! `gatepost rule`

use std::process::ExitCode;

use model::rule::{MAILCOW_CLAIM, Test};

use super::office::{self, Common, Office};
use super::output::table;
use crate::administration::Request;
use crate::administration::rules::{RuleDocument, RuleList, RuleRequest, RuleVerb};

/// Rules of a provider: which claim gives which template.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost rule add example-sso --value staff --template Staff
  gatepost rule everyone-else example-sso --refuse")]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print the rules of a provider; the first that matches wins.
    List {
        /// The provider.
        #[arg(value_name = "SLUG")]
        provider: String,
    },
    /// Add a rule.
    Add {
        /// The provider.
        #[arg(value_name = "SLUG")]
        provider: String,
        /// The claim; names within claims are separated by dots.
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
    },
    /// Remove a rule.
    Remove {
        /// The provider.
        #[arg(value_name = "SLUG")]
        provider: String,
        /// The rule's number in the list.
        number: usize,
    },
    /// Decide what people get whom no rule matches.
    EveryoneElse {
        /// The provider.
        #[arg(value_name = "SLUG")]
        provider: String,
        #[command(flatten)]
        fate: Fate,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct TestOptions {
    /// The claim is this text, or a list that holds it; several times for one of several.
    #[arg(long, value_name = "TEXT")]
    value: Vec<String>,
    /// The claim, or a text in its list, starts so.
    #[arg(long, value_name = "TEXT")]
    starts_with: Option<String>,
    /// The claim is there and says something.
    #[arg(long)]
    present: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Fate {
    /// They are refused.
    #[arg(long)]
    refuse: bool,
    /// They get this template.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
}

impl From<TestOptions> for Test {
    fn from(options: TestOptions) -> Self {
        let mut values = options.value;
        match (options.starts_with, values.len()) {
            (Some(start), _) => Self::StartsWith(start),
            (None, 0) => Self::Present,
            (None, 1) => Self::Is(values.remove(0)),
            (None, _) => Self::OneOf(values),
        }
    }
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { common, verb } = arguments;
    office::run(&common, async |office| act(office, verb).await)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let (provider, verb) = match verb {
        Verb::List { provider } => (provider, RuleVerb::List),
        Verb::Add {
            provider,
            claim,
            test,
            template,
            number,
        } => {
            let test = test.into();
            let verb = RuleVerb::Add {
                claim,
                test,
                template,
                number,
            };
            (provider, verb)
        }
        Verb::Remove { provider, number } => (provider, RuleVerb::Remove(number)),
        Verb::EveryoneElse { provider, fate } => (provider, RuleVerb::EveryoneElse(fate.template)),
    };
    let request = Request::Rule(RuleRequest { provider, verb });
    let document = office.ask(request).await?;
    office.show(document, list)
}

fn list(list: RuleList) -> String {
    let else_row = [
        "else".to_owned(),
        String::new(),
        "everyone".to_owned(),
        list.everyone_else.unwrap_or_else(|| "refused".to_owned()),
    ];
    let rows: Vec<_> = list.rules.into_iter().map(row).chain([else_row]).collect();
    table(["RULE", "CLAIM", "VALUE", "TEMPLATE"], &rows)
}

fn row(rule: RuleDocument) -> [String; 4] {
    [
        rule.number.to_string(),
        rule.claim,
        rule.test.words(),
        rule.template.unwrap_or_else(|| "deleted".to_owned()),
    ]
}
