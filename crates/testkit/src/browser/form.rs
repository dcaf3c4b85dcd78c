//! Forms, read and sent as a browser does (HTML, form submission algorithm).

use super::initiator::Initiator;
use super::multipart::{self, File};
use super::page::{selector, visible};
use super::{BrowserError, Page};
use reqwest::{Method, StatusCode};
use scraper::{ElementRef, Html};
use url::Url;

/// A form with its fields as the page shows them. Fill it, then submit it in a tab.
#[derive(Clone)]
pub struct Form {
    page: Page,
    action: Url,
    method: Method,
    multipart: bool,
    controls: Vec<Control>,
    buttons: Vec<Button>,
    pressed: Option<usize>,
    files: Vec<(String, File)>,
}

#[derive(Clone)]
struct Control {
    name: String,
    value: String,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// A field that a person types in.
    Text,
    /// A field that a person does not see or cannot change.
    Fixed,
    /// A checkbox or radio button.
    Choice {
        radio: bool,
        on: bool,
    },
    /// A list with the values it offers.
    List(Vec<String>),
    File,
}

#[derive(Clone)]
struct Button {
    label: String,
    name: String,
    value: String,
    action: Option<Url>,
    method: Option<Method>,
}

impl Form {
    /// Types into a field, chooses from a list or marks the radio button with this value.
    ///
    /// # Errors
    /// When a person could not: no such field, hidden, read-only, or no such choice.
    pub fn fill(mut self, name: &str, value: &str) -> Result<Self, BrowserError> {
        let mut filled = false;
        for control in self
            .controls
            .iter_mut()
            .filter(|control| control.name == name)
        {
            match &mut control.kind {
                Kind::Text => {
                    value.clone_into(&mut control.value);
                    filled = true;
                }
                Kind::List(offered) if offered.iter().any(|offer| offer == value) => {
                    value.clone_into(&mut control.value);
                    filled = true;
                }
                Kind::Choice { radio: true, on } => {
                    *on = control.value == value;
                    filled |= *on;
                }
                _ => {}
            }
        }
        if filled {
            Ok(self)
        } else {
            Err(self.lacks(&format!("field {name:?} for {value:?}")))
        }
    }

    /// Ticks a checkbox. `value` tells boxes of the same name apart; a box without one has `on`.
    ///
    /// # Errors
    /// When there is none.
    pub fn tick(self, name: &str, value: &str) -> Result<Self, BrowserError> {
        self.set_box(name, value, true)
    }

    /// Removes the tick from a checkbox.
    ///
    /// # Errors
    /// When there is none.
    pub fn untick(self, name: &str, value: &str) -> Result<Self, BrowserError> {
        self.set_box(name, value, false)
    }

    /// Chooses a file to upload.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn attach(
        mut self,
        name: &str,
        file_name: &str,
        kind: &str,
        bytes: &[u8],
    ) -> Result<Self, BrowserError> {
        let takes = |control: &Control| control.name == name && matches!(control.kind, Kind::File);
        if !self.controls.iter().any(takes) {
            return Err(self.lacks(&format!("file field {name:?}")));
        }
        let file = File {
            name: file_name.to_owned(),
            kind: kind.to_owned(),
            bytes: bytes.to_vec(),
        };
        self.files.retain(|(known, _)| known != name);
        self.files.push((name.to_owned(), file));
        Ok(self)
    }

    /// Chooses the button to submit with, by its text. Without this it is the first one, as when
    /// a person presses Enter.
    ///
    /// # Errors
    /// When there is none.
    pub fn press(mut self, label: &str) -> Result<Self, BrowserError> {
        let found = self.buttons.iter().position(|button| button.label == label);
        if found.is_none() {
            return Err(self.lacks(&format!("button {label:?}")));
        }
        self.pressed = found;
        Ok(self)
    }

    /// What no person could do: sets a field whether it is hidden, read-only or not there at all.
    #[must_use]
    pub fn tamper(mut self, name: &str, value: &str) -> Self {
        self.controls.retain(|control| control.name != name);
        self.controls.push(Control {
            name: name.to_owned(),
            value: value.to_owned(),
            kind: Kind::Fixed,
        });
        self
    }

    /// What no person could do: leaves a field out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.controls.retain(|control| control.name != name);
        self
    }

    /// What no person could do: sends the form elsewhere.
    ///
    /// # Errors
    /// When `url` is none.
    pub fn with_action(mut self, url: &str) -> Result<Self, BrowserError> {
        self.action = Url::parse(url)?;
        Ok(self)
    }

    /// The value that a field would be sent with.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        let mut fields = self.fields().into_iter();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// Where the form goes.
    #[must_use]
    pub fn action(&self) -> &Url {
        &self.action
    }

    fn set_box(mut self, name: &str, value: &str, ticked: bool) -> Result<Self, BrowserError> {
        let found = self
            .controls
            .iter_mut()
            .find_map(|control| match &mut control.kind {
                Kind::Choice { radio: false, on }
                    if control.name == name && control.value == value =>
                {
                    Some(on)
                }
                _ => None,
            });
        match found {
            Some(on) => {
                *on = ticked;
                Ok(self)
            }
            None => Err(self.lacks(&format!("checkbox {name:?} with {value:?}"))),
        }
    }

    /// Names and values in the order of the page, the button last.
    fn fields(&self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        for control in &self.controls {
            let sent = match control.kind {
                Kind::Choice { on, .. } => on,
                Kind::File => false,
                Kind::Text | Kind::Fixed | Kind::List(_) => true,
            };
            if sent && !control.name.is_empty() {
                fields.push((control.name.clone(), control.value.clone()));
            }
        }
        if let Some(button) = self.button().filter(|button| !button.name.is_empty()) {
            fields.push((button.name.clone(), button.value.clone()));
        }
        fields
    }

    fn button(&self) -> Option<&Button> {
        self.buttons.get(self.pressed.unwrap_or(0))
    }

    pub(super) fn submission(&self) -> Result<(Submission, Initiator), BrowserError> {
        let button = self.button();
        let mut url = button
            .and_then(|button| button.action.clone())
            .unwrap_or_else(|| self.action.clone());
        let method = button
            .and_then(|button| button.method.clone())
            .unwrap_or(self.method.clone());
        let fields: Vec<_> = self
            .fields()
            .into_iter()
            // Line ends travel as CRLF, whatever the page held.
            .map(|(name, value)| (name, value.replace("\r\n", "\n").replace('\n', "\r\n")))
            .collect();
        let encoded = || {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&fields)
                .finish()
        };
        let body = if method == Method::GET {
            url.set_query(Some(&encoded()));
            None
        } else if self.multipart {
            Some(multipart::encoded(&fields, &self.files))
        } else {
            Some((
                "application/x-www-form-urlencoded".to_owned(),
                encoded().into_bytes(),
            ))
        };
        url.set_fragment(None);
        Ok((
            Submission { method, url, body },
            Initiator::page(&self.page),
        ))
    }

    fn lacks(&self, what: &str) -> BrowserError {
        let controls = self
            .controls
            .iter()
            .map(|control| format!("{:?}", control.name));
        let buttons = self
            .buttons
            .iter()
            .map(|button| format!("button {:?}", button.label));
        BrowserError::NoControl {
            what: what.to_owned(),
            action: self.action.to_string(),
            controls: controls.chain(buttons).collect::<Vec<_>>().join(", "),
        }
    }
}

/// One request about to be sent.
pub(super) struct Submission {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Content type and bytes.
    pub(super) body: Option<(String, Vec<u8>)>,
}

impl Submission {
    pub(super) fn get(mut url: Url) -> Self {
        url.set_fragment(None);
        Self {
            method: Method::GET,
            url,
            body: None,
        }
    }

    /// The request that a redirect turns this one into: 307 and 308 repeat it, the others get.
    pub(super) fn redirected(self, status: StatusCode, url: Url) -> Self {
        match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Self { url, ..self },
            _ => Self::get(url),
        }
    }
}

/// Reads a form and every control that belongs to it, by place or by its `form` attribute.
pub(super) fn read(page: &Page, html: &Html, form: ElementRef<'_>) -> Result<Form, BrowserError> {
    let id = form.attr("id");
    let belongs = |element: &ElementRef<'_>| match element.attr("form") {
        Some(owner) => Some(owner) == id,
        None => element
            .ancestors()
            .any(|ancestor| ancestor.id() == form.id()),
    };
    let mut read = Form {
        page: page.clone(),
        action: target(page, form.attr("action"))?.unwrap_or_else(|| page.url().clone()),
        method: method(form.attr("method")).unwrap_or(Method::GET),
        multipart: form.attr("enctype") == Some("multipart/form-data"),
        controls: Vec::new(),
        buttons: Vec::new(),
        pressed: None,
        files: Vec::new(),
    };
    for element in html
        .select(&selector("input, select, textarea, button")?)
        .filter(belongs)
    {
        if disabled(element) {
            continue;
        }
        match (
            element.value().name(),
            element.attr("type").unwrap_or_default(),
        ) {
            ("button", "" | "submit") | ("input", "submit" | "image") => {
                read.buttons.push(button(page, element)?);
            }
            ("button", _) | ("input", "button" | "reset") => {}
            _ => read.controls.push(control(element)?),
        }
    }
    Ok(read)
}

/// Whether the control or a fieldset around it is disabled.
fn disabled(element: ElementRef<'_>) -> bool {
    let off = |element: ElementRef<'_>| element.attr("disabled").is_some();
    let fieldset = |element: &ElementRef<'_>| element.value().name() == "fieldset";
    off(element)
        || element
            .ancestors()
            .filter_map(ElementRef::wrap)
            .filter(fieldset)
            .any(off)
}

fn button(page: &Page, element: ElementRef<'_>) -> Result<Button, BrowserError> {
    let own = |name| element.attr(name).unwrap_or_default().to_owned();
    let text = visible(element);
    let label = if text.is_empty() {
        element
            .attr("aria-label")
            .map_or_else(|| own("value"), str::to_owned)
    } else {
        text
    };
    Ok(Button {
        label,
        name: own("name"),
        value: own("value"),
        action: target(page, element.attr("formaction"))?,
        method: method(element.attr("formmethod")),
    })
}

fn control(element: ElementRef<'_>) -> Result<Control, BrowserError> {
    let own = |name| element.attr(name).unwrap_or_default().to_owned();
    let fixed = element.attr("readonly").is_some();
    let (value, kind) = match (
        element.value().name(),
        element.attr("type").unwrap_or_default(),
    ) {
        ("textarea", _) => (
            element.text().collect(),
            if fixed { Kind::Fixed } else { Kind::Text },
        ),
        ("select", _) => list(element)?,
        ("input", kind @ ("checkbox" | "radio")) => {
            let value = element.attr("value").unwrap_or("on").to_owned();
            let on = element.attr("checked").is_some();
            (
                value,
                Kind::Choice {
                    radio: kind == "radio",
                    on,
                },
            )
        }
        ("input", "file") => (String::new(), Kind::File),
        ("input", "hidden") => (own("value"), Kind::Fixed),
        _ if fixed => (own("value"), Kind::Fixed),
        _ => (own("value"), Kind::Text),
    };
    Ok(Control {
        name: own("name"),
        value,
        kind,
    })
}

fn list(select: ElementRef<'_>) -> Result<(String, Kind), BrowserError> {
    let options: Vec<_> = select.select(&selector("option")?).collect();
    let value = |option: &ElementRef<'_>| {
        option
            .attr("value")
            .map_or_else(|| visible(*option), str::to_owned)
    };
    let chosen = options
        .iter()
        .find(|option| option.attr("selected").is_some());
    let chosen = chosen.or(options.first()).map(value).unwrap_or_default();
    Ok((chosen, Kind::List(options.iter().map(value).collect())))
}

/// The URL of an `action`; an empty one means the page itself.
fn target(page: &Page, action: Option<&str>) -> Result<Option<Url>, BrowserError> {
    let action = action.filter(|action| !action.trim().is_empty());
    Ok(action
        .map(|action| page.url().join(action.trim()))
        .transpose()?)
}

fn method(name: Option<&str>) -> Option<Method> {
    name.map(|name| {
        if name.eq_ignore_ascii_case("post") {
            Method::POST
        } else {
            Method::GET
        }
    })
}
