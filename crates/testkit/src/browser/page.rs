//! A page: what came back, and what a person would read and find on it.

use super::BrowserError;
use super::form::{self, Form};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use scraper::{ElementRef, Html, Node, Selector};
use std::sync::Arc;
use url::Url;

/// One answer, shown in a tab.
#[derive(Clone)]
pub struct Page {
    inner: Arc<Inner>,
}

struct Inner {
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Page {
    pub(super) fn new(url: Url, status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body).into_owned();
        Self {
            inner: Arc::new(Inner {
                url,
                status,
                headers,
                body,
            }),
        }
    }

    /// Where it came from, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.inner.url
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// The answer's headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.inner.headers
    }

    /// A header's value, if there is one and it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.inner.body
    }

    /// Where it redirects to, if it does: for a tab that was stopped.
    ///
    /// # Errors
    /// When the location is not a URL.
    pub fn location(&self) -> Result<Option<Url>, BrowserError> {
        if !matches!(self.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        Ok(self
            .raw_location()
            .map(|location| self.url().join(&location))
            .transpose()?)
    }

    pub(super) fn raw_location(&self) -> Option<String> {
        let location = self.inner.headers.get(LOCATION)?;
        Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
    }

    /// The page's title.
    ///
    /// # Errors
    /// When it has none.
    pub fn title(&self) -> Result<String, BrowserError> {
        self.text_of("title")
    }

    /// All text that a screen reader would read, white space folded.
    #[must_use]
    pub fn text(&self) -> String {
        let html = self.html();
        let mut text = String::new();
        if let Some(body) = Selector::parse("body")
            .ok()
            .and_then(|css| html.select(&css).next())
        {
            gather(body, &mut text);
        }
        folded(&text)
    }

    /// The text of the first element that `css` selects.
    ///
    /// # Errors
    /// When it selects none.
    pub fn text_of(&self, css: &str) -> Result<String, BrowserError> {
        self.texts_of(css)?
            .into_iter()
            .next()
            .ok_or_else(|| self.missing(css))
    }

    /// The texts of all elements that `css` selects.
    ///
    /// # Errors
    /// When `css` is not a selector.
    pub fn texts_of(&self, css: &str) -> Result<Vec<String>, BrowserError> {
        let (html, selector) = (self.html(), selector(css)?);
        let texts = html.select(&selector).map(visible);
        Ok(texts.collect())
    }

    /// An attribute of the first element that `css` selects.
    ///
    /// # Errors
    /// When it selects none or the element has no such attribute.
    pub fn attribute(&self, css: &str, name: &str) -> Result<String, BrowserError> {
        let (html, selector) = (self.html(), selector(css)?);
        let value = html
            .select(&selector)
            .find_map(|element| element.attr(name));
        value
            .map(str::to_owned)
            .ok_or_else(|| self.missing(&format!("{css} with {name}")))
    }

    /// How many elements `css` selects.
    ///
    /// # Errors
    /// When `css` is not a selector.
    pub fn count(&self, css: &str) -> Result<usize, BrowserError> {
        let (html, selector) = (self.html(), selector(css)?);
        Ok(html.select(&selector).count())
    }

    /// Where the link with this text leads.
    ///
    /// # Errors
    /// When there is none.
    pub fn link(&self, text: &str) -> Result<Url, BrowserError> {
        let (html, selector) = (self.html(), selector("a[href]")?);
        let mut links = html.select(&selector).filter(|link| visible(*link) == text);
        let href = links.find_map(|link| link.attr("href"));
        Ok(self
            .url()
            .join(href.ok_or_else(|| self.missing(&format!("link {text:?}")))?)?)
    }

    /// The form that `css` selects.
    ///
    /// # Errors
    /// When it selects none.
    pub fn form(&self, css: &str) -> Result<Form, BrowserError> {
        let (html, selector) = (self.html(), selector(css)?);
        let element = html
            .select(&selector)
            .find(|element| element.value().name() == "form");
        form::read(
            self,
            &html,
            element.ok_or_else(|| self.missing(&format!("form {css}")))?,
        )
    }

    /// The form that has a button with this text, and that button pressed.
    ///
    /// # Errors
    /// When there is none.
    pub fn form_with_button(&self, label: &str) -> Result<Form, BrowserError> {
        let (html, selector) = (self.html(), selector("form")?);
        for element in html.select(&selector) {
            if let Ok(form) = form::read(self, &html, element)?.press(label) {
                return Ok(form);
            }
        }
        Err(self.missing(&format!("form with a button {label:?}")))
    }

    /// `Referrer-Policy` of the answer, else of the page's `meta` element, else empty.
    pub(super) fn referrer_policy(&self) -> String {
        let meta = || self.attribute("meta[name=referrer]", "content").ok();
        let policy = self
            .header("referrer-policy")
            .map(str::to_owned)
            .or_else(meta);
        policy.unwrap_or_default()
    }

    pub(super) fn missing(&self, what: &str) -> BrowserError {
        BrowserError::Missing {
            what: what.to_owned(),
            url: self.url().to_string(),
            text: self.text(),
        }
    }

    fn html(&self) -> Html {
        Html::parse_document(self.body())
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} from {}", self.status(), self.url())?;
        f.write_str(&self.text())
    }
}

pub(super) fn selector(css: &str) -> Result<Selector, BrowserError> {
    Selector::parse(css).map_err(|_| BrowserError::Selector(css.to_owned()))
}

/// An element's text as a screen reader reads it: a button's or link's name.
pub(super) fn visible(element: ElementRef<'_>) -> String {
    let mut text = String::new();
    gather(element, &mut text);
    folded(&text)
}

fn gather(element: ElementRef<'_>, text: &mut String) {
    for child in element.children() {
        match child.value() {
            Node::Text(part) => text.push_str(part),
            Node::Element(inner)
                if matches!(inner.name(), "script" | "style" | "template" | "noscript")
                    || inner.attr("hidden").is_some()
                    || inner.attr("aria-hidden") == Some("true") => {}
            Node::Element(inner) => {
                let apart = !INLINE.contains(&inner.name());
                if apart {
                    text.push(' ');
                }
                if let Some(child) = ElementRef::wrap(child) {
                    gather(child, text);
                }
                if apart {
                    text.push(' ');
                }
            }
            _ => {}
        }
    }
}

/// Elements that do not part words.
const INLINE: [&str; 14] = [
    "a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "mark", "small", "span", "strong", "time",
    "wbr",
];

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
