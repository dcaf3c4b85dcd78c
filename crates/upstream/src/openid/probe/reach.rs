//! Name, connection, certificate.

use super::{Step, StepName, Test};
use crate::error::Purpose;
use crate::http::certificate::Facts;
use crate::http::error::Stage;
use crate::http::tls::{self, Trust};
use crate::http::{HttpError, Origin, TlsFault, address};
use crate::upstream::no_answer;
use model::time::DAY;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::Url;

/// How many days before its end a certificate is worth a warning.
const SOON: u64 = 14;

impl Test<'_> {
    /// Resolves the name as a connection would, guard included.
    pub(super) async fn resolve(&self, url: &Url) -> Result<(Step, Vec<SocketAddr>), Step> {
        let started = Instant::now();
        let failed = |error| {
            let error = no_answer(self.purpose(), url, error);
            Step::error(StepName::Name, &error).took(started)
        };
        let limits = self.upstream.http.limits();
        let trust = self.trust();
        let origin = Origin::of(url).map_err(failed)?;
        let resolver = self
            .upstream
            .http
            .resolver(self.settings.access(&trust), origin);
        let addresses = timeout(limits.connect, resolver.addresses())
            .await
            .unwrap_or_else(|_| {
                Err(HttpError::TimedOut {
                    host: resolver.gate.origin.to_string(),
                    stage: Stage::Connect,
                    after: limits.connect,
                })
            })
            .map_err(failed)?;
        let shown: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
        let internal = addresses
            .iter()
            .any(|a| address::reach(a.ip()) != address::Reach::Public);
        let evidence = format!(
            "{} is {}{}",
            resolver.gate.origin.host,
            shown.join(", "),
            if internal { " (internal, allowed)" } else { "" }
        );
        Ok((Step::ok(StepName::Name, evidence).took(started), addresses))
    }

    /// Connects to the first address that answers, and looks at the certificate.
    pub(super) async fn connect(&self, url: &Url, addresses: &[SocketAddr]) -> Step {
        let started = Instant::now();
        let limit = self.upstream.http.limits().connect;
        let attempt = async {
            let stream = self.tcp(url, addresses).await?;
            self.handshake(url, stream).await
        };
        let outcome = timeout(limit, attempt).await.unwrap_or_else(|_| {
            Err(HttpError::TimedOut {
                host: shown(url),
                stage: Stage::Connect,
                after: limit,
            })
        });
        match outcome {
            Ok(step) => step.took(started),
            Err(error) => {
                let error = no_answer(self.purpose(), url, error);
                Step::error(StepName::Connection, &error).took(started)
            }
        }
    }

    async fn tcp(&self, url: &Url, addresses: &[SocketAddr]) -> Result<TcpStream, HttpError> {
        let mut last = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        let host = shown(url);
        Err(last
            .as_ref()
            .and_then(|error| crate::http::from_io(error, &host))
            .unwrap_or_else(|| HttpError::Unreachable {
                host,
                detail: last.map_or_else(|| "no address".to_owned(), |e| e.to_string()),
            }))
    }

    async fn handshake(&self, url: &Url, stream: TcpStream) -> Result<Step, HttpError> {
        if url.scheme() != "https" {
            return Ok(Step::ok(
                StepName::Connection,
                "connected without TLS, on this machine",
            ));
        }
        let trust = self.trust();
        let origin = Origin::of(url)?;
        let config = self
            .upstream
            .http
            .tls(self.settings.access(&trust), &origin)?;
        let failed = |fault| HttpError::Tls {
            host: shown(url),
            fault: Box::new(fault),
        };
        let name = ServerName::try_from(origin.host)
            .map_err(|error| failed(TlsFault::Other(error.to_string())))?;
        let connected = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .map_err(|error| {
                error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                    .map(|error| failed(tls::fault(error)))
                    .or_else(|| crate::http::from_io(&error, &shown(url)))
                    .unwrap_or_else(|| failed(TlsFault::Other(error.to_string())))
            })?;
        let (_, session) = connected.get_ref();
        let facts = session
            .peer_certificates()
            .and_then(<[_]>::first)
            .and_then(|leaf| Facts::read(leaf));
        Ok(self.certificate(facts.as_ref(), &trust))
    }

    fn certificate(&self, facts: Option<&Facts>, trust: &Trust) -> Step {
        let Some(facts) = facts else {
            return Step::warn(StepName::Connection, "connected; unreadable certificate");
        };
        let left = facts.ends.since(self.upstream.clock.now()).as_secs() / DAY.as_secs();
        let evidence = format!(
            "certificate of {}, issued by {}, {left} days left",
            facts.subject, facts.issuer
        );
        match trust {
            Trust::Any => Step::warn(StepName::Connection, evidence).fix(format!(
                "Certificate errors are ignored for this provider: anybody on the way can pose as \
                 it. Trust exactly this certificate instead: SHA-256 {}",
                facts.sha256
            )),
            _ if left < SOON => Step::warn(StepName::Connection, evidence)
                .fix("The certificate ends soon; renew it at the provider."),
            _ => Step::ok(StepName::Connection, evidence),
        }
    }

    fn trust(&self) -> Trust {
        self.settings.tls.at(self.upstream.clock.now())
    }

    fn purpose(&self) -> Purpose {
        match self.settings.endpoints {
            crate::provider::Endpoints::Issuer(_) => Purpose::Discovery,
            crate::provider::Endpoints::Manual(_) => Purpose::Token,
        }
    }
}

fn shown(url: &Url) -> String {
    Origin::of(url).map_or_else(|_| url.to_string(), |origin| origin.to_string())
}
