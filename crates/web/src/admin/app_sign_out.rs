//! What the form of an app asks about signing out.

use super::app_form::{Typed, tick};
use crate::parts::{Field, Problems};

/// The fields, in the order in which they stand.
pub(super) fn fields(typed: &Typed, p: &Problems) -> [Field; 4] {
    let redirects = typed.sign_out_redirects.as_str();
    let url = typed.back_channel.as_str();
    let ca = typed.back_channel_ca.as_str();
    [
        Field::area("sign_out_redirects", "After signing out", redirects, 2)
            .attribute("spellcheck", "false")
            .attribute("autocapitalize", "none")
            .help(
                "Where the app may bring people who signed out here by its word \
                 (post_logout_redirect_uri): one URL a line, byte for byte.",
            )
            .problem(p.of("sign_out_redirects")),
        Field::code("back_channel", "Back-channel logout URL", url)
            .optional()
            .help(
                "Where the app wants to hear that a session ended here: somebody signed out, was \
                 switched off, or disconnected it.",
            )
            .problem(p.of("back_channel")),
        tick(
            "back_channel_private",
            "Address of that URL",
            "May be in a private network, or on this machine",
            typed.back_channel_private,
            "Without it only public addresses are called. On this machine http: does.",
        ),
        Field::area("back_channel_ca", "CA certificate of that URL (PEM)", ca, 4)
            .optional()
            .attribute("spellcheck", "false")
            .attribute("autocapitalize", "none")
            .help(
                "Where its certificate is not of a public authority: that of your own authority, or \
                 the server's own.",
            )
            .problem(p.of("back_channel_ca")),
    ]
}
