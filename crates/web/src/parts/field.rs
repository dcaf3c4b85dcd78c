use super::Icon;
use askama::Template;
use std::borrow::Cow;
use std::fmt::Write as _;

type Text = Cow<'static, str>;

/// One labelled control of a form: label above, what is wrong with it, the control, help below.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/field.html")]
pub struct Field {
    name: &'static str,
    label: Text,
    help: Option<Text>,
    problem: Option<String>,
    suggested: Option<String>,
    control: Control,
    required: bool,
    optional_shown: bool,
    short: bool,
    unit: Option<&'static str>,
    extra: Vec<(&'static str, Text)>,
}

#[derive(Debug, Clone)]
enum Control {
    Input { kind: &'static str, value: String },
    Secret,
    Area { rows: u8, value: String },
    Select(Vec<Opt>),
    Radios(Vec<Opt>),
    Checks(Vec<Opt>),
    Switch(bool),
}

/// One thing to choose.
#[derive(Debug, Clone)]
pub struct Opt {
    value: String,
    name: String,
    help: Option<Text>,
    chosen: bool,
    disabled: bool,
}

impl Opt {
    /// A value with the words for it.
    pub fn new(value: impl std::fmt::Display, name: impl Into<String>, chosen: bool) -> Self {
        Self {
            value: value.to_string(),
            name: name.into(),
            help: None,
            chosen,
            disabled: false,
        }
    }

    /// With a line that explains it (not in a select box, which has no room for one).
    #[must_use]
    pub fn help(mut self, help: impl Into<Text>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is sent when it is chosen.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The words for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is chosen.
    #[must_use]
    pub const fn is_chosen(&self) -> bool {
        self.chosen
    }

    /// Shown, but not to be chosen.
    #[must_use]
    pub const fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }
}

impl Field {
    fn new(name: &'static str, label: impl Into<Text>, control: Control) -> Self {
        Self {
            name,
            label: label.into(),
            help: None,
            problem: None,
            suggested: None,
            control,
            required: false,
            optional_shown: false,
            short: false,
            unit: None,
            extra: Vec::new(),
        }
    }

    fn input(
        name: &'static str,
        label: impl Into<Text>,
        kind: &'static str,
        value: String,
    ) -> Self {
        Self::new(name, label, Control::Input { kind, value })
    }

    /// A line of text.
    pub fn text(name: &'static str, label: impl Into<Text>, value: impl Into<String>) -> Self {
        Self::input(name, label, "text", value.into())
    }

    /// A name that computers read (address, host, claim): no capital letter, no corrections.
    pub fn code(name: &'static str, label: impl Into<Text>, value: impl Into<String>) -> Self {
        Self::text(name, label, value)
            .attribute("autocapitalize", "none")
            .attribute("autocorrect", "off")
            .attribute("spellcheck", "false")
    }

    /// A URL. Browsers' own check is off: what is nearly right is repaired by the server.
    pub fn url(name: &'static str, label: impl Into<Text>, value: impl Into<String>) -> Self {
        Self::code(name, label, value).attribute("inputmode", "url")
    }

    /// A whole number.
    pub fn number(
        name: &'static str,
        label: impl Into<Text>,
        value: impl std::fmt::Display,
    ) -> Self {
        Self::input(name, label, "text", value.to_string())
            .attribute("inputmode", "numeric")
            .short()
    }

    /// A date, sent as `YYYY-MM-DD`.
    pub fn date(name: &'static str, label: impl Into<Text>, value: impl Into<String>) -> Self {
        Self::input(name, label, "date", value.into()).short()
    }

    /// A search word.
    pub fn search(name: &'static str, label: impl Into<Text>, value: impl Into<String>) -> Self {
        Self::input(name, label, "search", value.into()).attribute("spellcheck", "false")
    }

    /// A password or other secret: never filled by the server. `autocomplete` is
    /// `current-password`, `new-password` or `off`.
    pub fn secret(name: &'static str, label: impl Into<Text>, autocomplete: &'static str) -> Self {
        Self::new(name, label, Control::Secret).attribute("autocomplete", autocomplete)
    }

    /// Several lines.
    pub fn area(
        name: &'static str,
        label: impl Into<Text>,
        value: impl Into<String>,
        rows: u8,
    ) -> Self {
        let value = value.into();
        Self::new(name, label, Control::Area { rows, value })
    }

    /// One of many.
    pub fn select(name: &'static str, label: impl Into<Text>, options: Vec<Opt>) -> Self {
        Self::new(name, label, Control::Select(options))
    }

    /// One of a few, all in sight.
    pub fn radios(name: &'static str, label: impl Into<Text>, options: Vec<Opt>) -> Self {
        Self::new(name, label, Control::Radios(options))
    }

    /// Any of a few; sent once for each that is ticked.
    pub fn checks(name: &'static str, label: impl Into<Text>, options: Vec<Opt>) -> Self {
        Self::new(name, label, Control::Checks(options))
    }

    /// On or off; sent as `on`, or not at all.
    pub fn switch(name: &'static str, label: impl Into<Text>, on: bool) -> Self {
        Self::new(name, label, Control::Switch(on))
    }

    /// With a line below that says what to enter.
    #[must_use]
    pub fn help(mut self, help: impl Into<Text>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With what is wrong, if something is: `.problem(problems.of("name"))`.
    #[must_use]
    pub fn problem(mut self, problem: Option<&str>) -> Self {
        self.problem = problem.map(ToOwned::to_owned);
        self
    }

    /// Whether this is the field of a name.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name
    }

    /// Says that its value is a suggestion, and what is saved until the form is.
    pub fn suggest(&mut self, saved: String) {
        self.suggested = Some(saved);
    }

    /// Must be filled in.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Says that it may stay empty.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional_shown = true;
        self
    }

    /// For short values.
    #[must_use]
    pub const fn short(mut self) -> Self {
        self.short = true;
        self
    }

    /// With the unit of the number behind it.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// With the name by which browsers and password managers know the value.
    #[must_use]
    pub fn autocomplete(self, value: &'static str) -> Self {
        self.attribute("autocomplete", value)
    }

    /// At most so many characters.
    #[must_use]
    pub fn at_most(self, chars: usize) -> Self {
        self.attribute("maxlength", chars.to_string())
    }

    /// With a further attribute of the control.
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: impl Into<Text>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    fn id(&self) -> String {
        format!("f-{}", self.name)
    }

    const fn is_radio(&self) -> bool {
        matches!(self.control, Control::Radios(_))
    }

    fn described_by(&self) -> Attributes {
        let id = self.id();
        let problem = self.problem.as_ref().map(|_| format!("{id}-problem"));
        let suggested = self.suggested.as_ref().map(|_| format!("{id}-suggested"));
        let help = self.help.as_ref().map(|_| format!("{id}-help"));
        let ids: Vec<String> = problem.into_iter().chain(suggested).chain(help).collect();
        if ids.is_empty() {
            return Attributes(Vec::new());
        }
        Attributes(vec![("aria-describedby", Cow::Owned(ids.join(" ")))])
    }

    fn attributes(&self) -> Attributes {
        let Attributes(mut all) = self.described_by();
        if self.problem.is_some() {
            all.push(("aria-invalid", Cow::Borrowed("true")));
        }
        if self.required {
            all.push(("required", Cow::Borrowed("")));
        }
        all.extend(self.extra.iter().cloned());
        Attributes(all)
    }
}

/// Attributes of an element, values escaped.
struct Attributes(Vec<(&'static str, Text)>);

impl std::fmt::Display for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value) in &self.0 {
            write!(f, " {name}")?;
            if value.is_empty() {
                continue;
            }
            f.write_str("=\"")?;
            for c in value.chars() {
                match c {
                    '"' => f.write_str("&#34;")?,
                    '&' => f.write_str("&#38;")?,
                    '<' => f.write_str("&#60;")?,
                    '>' => f.write_str("&#62;")?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char('"')?;
        }
        Ok(())
    }
}

impl askama::filters::HtmlSafe for Attributes {}
impl askama::FastWritable for Attributes {
    fn write_into(
        &self,
        dest: &mut dyn std::fmt::Write,
        _: &dyn askama::Values,
    ) -> askama::Result<()> {
        write!(dest, "{self}")?;
        Ok(())
    }
}
