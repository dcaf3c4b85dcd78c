//! Names become addresses here, and the guard looks at each address at the moment of connecting.
//! There is no second look-up between check and connection, so a name that answers differently the
//! second time (DNS rebinding) gains nothing.

use super::error::HttpError;
use super::guard::Gate;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

/// A look-up under way.
pub type LookingUp<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Where addresses come from: the system, or a test's own answers.
pub trait Lookup: Send + Sync {
    /// The addresses of `host`.
    fn lookup<'a>(&'a self, host: &'a str) -> LookingUp<'a>;
}

/// The system's resolver, with its hosts file and search rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, host: &'a str) -> LookingUp<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The resolver of one origin's connections.
#[derive(Clone)]
pub(crate) struct Guarded {
    pub(crate) gate: Gate,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Guarded {
    /// The addresses to which connections may go. Those the guard refuses are left out: a name may
    /// have a public and a private address at once. Only when none is left is that an error.
    pub(crate) async fn addresses(&self) -> Result<Vec<SocketAddr>, HttpError> {
        self.gate.check_name()?;
        let host = &self.gate.origin.host;
        let found = match host.parse() {
            Ok(ip) => vec![ip],
            Err(_) => self.names_addresses(host).await?,
        };
        let mut refused = None;
        let mut addresses = Vec::new();
        for ip in found {
            match self.gate.check_ip(ip) {
                Ok(()) => addresses.push((ip, self.gate.origin.port).into()),
                Err(why) => refused = refused.or(Some(why)),
            }
        }
        match refused {
            Some(why) if addresses.is_empty() => Err(why),
            _ => Ok(addresses),
        }
    }

    async fn names_addresses(&self, host: &str) -> Result<Vec<IpAddr>, HttpError> {
        let not_found = |detail: String| HttpError::NameNotFound {
            host: host.to_owned(),
            detail,
        };
        let found = self
            .lookup
            .lookup(host)
            .await
            .map_err(|error| not_found(error.to_string()))?;
        if found.is_empty() {
            return Err(not_found("no address".to_owned()));
        }
        Ok(found)
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            // One client serves one origin; any other name here would be a way around the gate.
            if !name
                .as_str()
                .trim_end_matches('.')
                .eq_ignore_ascii_case(&this.gate.origin.host)
            {
                return Err(HttpError::BadUrl.into());
            }
            let addresses: Addrs = Box::new(this.addresses().await?.into_iter());
            Ok(addresses)
        })
    }
}
