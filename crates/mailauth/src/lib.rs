//! The mail edge: answers Dovecot and Postfix.
