//! Which certificates are believed (F11, design decision 14).

use crate::server::{Reply, Server};
use crate::support::*;
use model::outcome::Code;
use model::provider::{Endpoints, TlsTrust};
use model::time::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;
use upstream::http::certificate::Fingerprint;
use upstream::{Config, ProviderSettings, Upstream};

struct Made {
    certificate: Certificate,
    key: KeyPair,
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&n| n.to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

fn self_signed(params: &CertificateParams) -> Made {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Made { certificate, key }
}

fn authority(name: &str) -> (Made, CertificateParams) {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    (self_signed(&params), params)
}

fn issued(by: &(Made, CertificateParams), params: &CertificateParams) -> Made {
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(&by.1, &by.0.key);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Made { certificate, key }
}

/// A provider behind this certificate; its issuer names the host as given.
async fn start(made: &Made) -> Server {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivatePkcs8KeyDer::from(made.key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.certificate.der().clone()],
            PrivateKeyDer::from(key),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Server::start_tls(Some(acceptor), |asked| {
        let issuer = format!("https://{}", asked.headers["host"]);
        Reply::json(200, discovery(&issuer))
    })
    .await
}

fn settings(issuer: &str, tls: TlsTrust) -> ProviderSettings {
    let mut provider = provider(Endpoints::Issuer {
        issuer: issuer.into(),
    });
    provider.settings.tls = tls;
    provider.settings.private_hosts.push("localhost".into());
    settings_of(&provider)
}

async fn trust(server: &Server, tls: TlsTrust) -> Result<(), (Code, String)> {
    trust_by(&upstream(), server, tls).await
}

async fn trust_by(
    upstream: &Upstream,
    server: &Server,
    tls: TlsTrust,
) -> Result<(), (Code, String)> {
    let settings = settings(&server.named("localhost"), tls);
    match upstream.metadata(&settings).await {
        Ok(_) => Ok(()),
        Err(error) => Err((error.code(), error.refusal().admin())),
    }
}

fn ca(made: &Made) -> TlsTrust {
    TlsTrust::Ca {
        pem: made.certificate.pem(),
    }
}

fn pin(made: &Made) -> TlsTrust {
    TlsTrust::Pinned {
        sha256: Fingerprint::of(made.certificate.der()).to_string(),
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_by_name_and_can_be_trusted_exactly() {
    let made = self_signed(&params(&["localhost"]));
    let server = start(&made).await;
    let (code, admin) = trust(&server, TlsTrust::Public).await.unwrap_err();
    assert_eq!(code, Code::ProviderTls);
    let sha256 = Fingerprint::of(made.certificate.der()).to_string();
    assert!(
        admin.contains("self-signed") && admin.contains(&sha256),
        "{admin}"
    );
    assert_eq!(trust(&server, pin(&made)).await, Ok(()));
    assert_eq!(trust(&server, ca(&made)).await, Ok(()), "pasted as CA");
    assert_eq!(
        trust(&server, TlsTrust::Ignore { until: None }).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_self_signed_certificate_marked_as_authority_can_be_pasted_too() {
    let mut params = params(&["localhost"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = self_signed(&params);
    let server = start(&made).await;
    let (_, admin) = trust(&server, TlsTrust::Public).await.unwrap_err();
    assert!(admin.contains("self-signed"), "{admin}");
    assert_eq!(trust(&server, ca(&made)).await, Ok(()));
}

#[tokio::test]
async fn a_companys_authority_is_trusted_when_pasted() {
    let ours = authority("Example Corp CA");
    let server = start(&issued(&ours, &params(&["localhost"]))).await;
    let (code, admin) = trust(&server, TlsTrust::Public).await.unwrap_err();
    assert_eq!(code, Code::ProviderTls);
    assert!(
        admin.contains("issued by Example Corp CA, which is not trusted"),
        "{admin}"
    );
    assert_eq!(trust(&server, ca(&ours.0)).await, Ok(()));
    let other = authority("Example Corp CA");
    assert!(
        trust(&server, ca(&other.0)).await.is_err(),
        "same name, other key"
    );
}

#[tokio::test]
async fn a_wrong_name_is_told_with_the_names_it_has() {
    let ours = authority("CA");
    let server = start(&issued(&ours, &params(&["auth.example", "sso.example"]))).await;
    let (code, admin) = trust(&server, ca(&ours.0)).await.unwrap_err();
    assert_eq!(code, Code::ProviderTls);
    assert!(
        admin.contains("does not name localhost; it names auth.example, sso.example"),
        "{admin}"
    );
    let own = self_signed(&params(&["auth.example"]));
    let server = start(&own).await;
    let (_, admin) = trust(&server, ca(&own)).await.unwrap_err();
    assert!(
        admin.contains("does not name localhost"),
        "pasted itself: {admin}"
    );
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_date() {
    let ours = authority("CA");
    let mut old = params(&["localhost"]);
    old.not_after = date_time_ymd(2026, 12, 30);
    let made = issued(&ours, &old);
    let server = start(&made).await;
    let (code, admin) = trust(&server, ca(&ours.0)).await.unwrap_err();
    assert_eq!(code, Code::ProviderTls);
    assert!(admin.contains("expired on 2026-12-30"), "{admin}");
    assert!(
        trust(&server, ca(&made)).await.is_err(),
        "pasted itself: still expired"
    );
    assert_eq!(trust(&server, pin(&made)).await, Ok(()), "exactly this one");
    let mut early = params(&["localhost"]);
    early.not_before = date_time_ymd(2028, 1, 1);
    let server = start(&issued(&ours, &early)).await;
    let (_, admin) = trust(&server, ca(&ours.0)).await.unwrap_err();
    assert!(admin.contains("valid from 2028-01-01 only"), "{admin}");
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused() {
    let (pinned, other) = (
        self_signed(&params(&["localhost"])),
        self_signed(&params(&["localhost"])),
    );
    let server = start(&other).await;
    let (code, admin) = trust(&server, pin(&pinned)).await.unwrap_err();
    assert_eq!(code, Code::ProviderTls);
    assert!(admin.contains("not the pinned one"), "{admin}");
}

#[tokio::test]
async fn an_exception_ends_at_its_date_and_leaves_no_open_connection() {
    let server = start(&self_signed(&params(&["localhost"]))).await;
    let clock = clock();
    let upstream = upstream_with(Config::default(), clock.clone());
    let until = Some(Timestamp::from_secs(NOW + 10));
    let ignore = || TlsTrust::Ignore { until };
    assert_eq!(trust_by(&upstream, &server, ignore()).await, Ok(()));
    clock.set(NOW + 10);
    let (code, _) = trust_by(&upstream, &server, ignore()).await.unwrap_err();
    assert_eq!(code, Code::ProviderTls);
}

#[tokio::test]
async fn what_was_learned_under_another_trust_is_forgotten() {
    let server = start(&self_signed(&params(&["localhost"]))).await;
    let upstream = upstream();
    let ignore = TlsTrust::Ignore { until: None };
    assert_eq!(trust_by(&upstream, &server, ignore).await, Ok(()));
    let (code, _) = trust_by(&upstream, &server, TlsTrust::Public)
        .await
        .unwrap_err();
    assert_eq!(code, Code::ProviderTls);
}

#[tokio::test]
async fn a_port_without_tls_is_told_as_such() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let complaint = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(complaint).await;
        }
    });
    let error = upstream()
        .metadata(&settings(&issuer, TlsTrust::Public))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ProviderTls, "{error}");
    assert!(
        error.to_string().contains("no TLS is spoken there"),
        "{error}"
    );
}
