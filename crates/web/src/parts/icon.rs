use crate::assets;
use askama::Template;

/// A picture from the sprite, in the colour of the text around it and without a name of its own:
/// the words beside it say what it means.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "parts/icon.html")]
pub struct Icon {
    name: &'static str,
    class: &'static str,
}

impl Icon {
    /// The icon of this name.
    #[must_use]
    pub const fn of(name: &'static str) -> Self {
        Self {
            name,
            class: "icon",
        }
    }

    /// The sign of the product.
    #[must_use]
    pub const fn mark() -> Self {
        Self {
            name: "mark",
            class: "mark",
        }
    }

    pub(super) const fn spinning(name: &'static str) -> Self {
        Self {
            name,
            class: "icon spin",
        }
    }

    fn sprite(&self) -> &'static str {
        assets::ICONS.path()
    }
}
