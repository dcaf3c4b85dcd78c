//! From the HTTP library's nested errors to ours.

use super::error::{HttpError, Stage, TlsFault};
use super::guard::Origin;
use super::tls;
use std::error::Error;
use std::io;
use std::time::Duration;

/// Finds the innermost cause that says something, in the whole chain of `error`.
pub(crate) fn diagnose(
    error: &reqwest::Error,
    origin: &Origin,
    connect_limit: Duration,
) -> HttpError {
    let host = origin.to_string();
    let mut found = None;
    walk(error, &mut |cause| {
        // Later causes are deeper and so more precise; ours, from the resolver, ends the search.
        if let Some(precise) = classify(cause, &host)
            && !matches!(
                found,
                Some(HttpError::InternalAddress { .. } | HttpError::OwnHost { .. })
            )
        {
            found = Some(precise);
        }
    });
    if let Some(found) = found {
        return found;
    }
    if error.is_timeout() && error.is_connect() {
        return HttpError::TimedOut {
            host,
            stage: Stage::Connect,
            after: connect_limit,
        };
    }
    HttpError::Protocol {
        host,
        detail: innermost(error),
    }
}

fn classify(cause: &(dyn Error + 'static), host: &str) -> Option<HttpError> {
    if let Some(own) = cause.downcast_ref::<HttpError>() {
        return Some(own.clone());
    }
    if let Some(fault) = cause.downcast_ref::<TlsFault>() {
        return Some(HttpError::Tls {
            host: host.to_owned(),
            fault: Box::new(fault.clone()),
        });
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(HttpError::Tls {
            host: host.to_owned(),
            fault: Box::new(tls::fault(error)),
        });
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>()
        && error.is_incomplete_message()
    {
        return Some(HttpError::Closed {
            host: host.to_owned(),
        });
    }
    let error = cause.downcast_ref::<io::Error>()?;
    from_io(error, host)
}

/// The system's errors that mean something by themselves.
pub(crate) fn from_io(error: &io::Error, host: &str) -> Option<HttpError> {
    let host = host.to_owned();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(HttpError::Refused { host }),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::PermissionDenied => Some(HttpError::Unreachable {
            host,
            detail: error.to_string(),
        }),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(HttpError::Closed { host }),
        _ => None,
    }
}

/// Visits `error` and every cause below it. An `io::Error` hides the error it wraps from
/// `source()`, so that one is visited apart.
fn walk<'e>(error: &'e (dyn Error + 'static), visit: &mut impl FnMut(&'e (dyn Error + 'static))) {
    let mut next = Some(error);
    while let Some(cause) = next {
        visit(cause);
        let wrapped = cause
            .downcast_ref::<io::Error>()
            .and_then(|error| error.get_ref())
            .map(|inner| -> &(dyn Error + 'static) { inner });
        next = wrapped.or_else(|| cause.source());
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut last = String::new();
    walk(error, &mut |cause| last = cause.to_string());
    oidc::foreign::printable(&last, 120)
}
