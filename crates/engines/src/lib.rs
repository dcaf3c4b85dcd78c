//! Renders, validates, starts, watches, reloads and kicks Dovecot and Postfix.
