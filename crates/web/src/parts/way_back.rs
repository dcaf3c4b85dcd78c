//! The way back to an app.

use askama::Template;

/// A button that leads a person back to the app they came from, with its answer.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/way_back.html")]
pub struct WayBack {
    app: String,
    target: String,
    /// The answer as a form, where the app wants it so.
    fields: Option<Vec<(&'static str, String)>>,
    class: &'static str,
    form_action: Option<String>,
}

impl WayBack {
    /// The button as one way among others.
    #[must_use]
    pub fn quiet(back: app::oauth::authorize::WayBack) -> Self {
        Self::of(back, "button")
    }

    /// The button as what there is to do.
    #[must_use]
    pub fn primary(back: app::oauth::authorize::WayBack) -> Self {
        Self::of(back, "button primary")
    }

    fn of(back: app::oauth::authorize::WayBack, class: &'static str) -> Self {
        let app::oauth::authorize::WayBack { app, answer } = back;
        let by_form = answer.delivery == app::oauth::authorize::Delivery::FormPost;
        Self {
            form_action: by_form.then(|| answer.form_action()),
            target: if by_form {
                answer.redirect.clone()
            } else {
                answer.url()
            },
            fields: by_form.then_some(answer.parameters),
            app,
            class,
        }
    }

    /// The one more place that forms of the page lead to, if the answer is one.
    #[must_use]
    pub fn form_action(&self) -> Option<&str> {
        self.form_action.as_deref()
    }
}
