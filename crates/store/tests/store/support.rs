//! A new store in a temporary directory.

use model::address::{Address, DomainName};
use model::domain::DomainLimits;
use model::ids::{DomainId, MailboxId, ProviderId};
use model::link::Namespace;
use model::mailbox::{NewMailbox, SignInMethods};
use model::protocol::Protocols;
use model::provider::{
    ClientAuth, EmailTrust, Endpoints, EveryoneElse, Leavers, ProviderSettings, RedirectForm,
    TlsTrust,
};
use model::template::TemplateFields;
use model::time::Timestamp;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use store::domains::NewDomain;
use store::{
    Conn, MasterKey, OsRandom, PurposeKeys, Reader, Store, StoreError, domains, mailboxes,
    providers,
};
use uuid::Uuid;

/// When everything in these tests happens, unless a test says otherwise.
pub const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// An instant some seconds after [`NOW`].
pub fn later(seconds: i64) -> Timestamp {
    Timestamp::from_secs(NOW.secs() + seconds)
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

/// A fresh storage id, the same in every run.
pub fn storage() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub fn new_domain(text: &str) -> NewDomain {
    NewDomain {
        name: name(text),
        active: true,
        limits: DomainLimits::default(),
        role_target: address("postmaster@elsewhere.example"),
    }
}

pub fn new_mailbox(domain: DomainId, text: &str) -> NewMailbox {
    NewMailbox {
        tags: model::tag::Tags::default(),
        domain,
        address: address(text),
        name: String::new(),
        quota: 1000,
        protocols: Protocols::ALL,
        active: true,
        methods: SignInMethods::LOCAL,
        template: None,
        overrides: TemplateFields::NONE,
    }
}

pub fn provider_settings(label: &str) -> ProviderSettings {
    ProviderSettings {
        preset: model::preset::Preset::default(),
        name: label.to_owned(),
        active: true,
        endpoints: Endpoints::Issuer {
            issuer: format!("https://{label}.example"),
        },
        client_id: "gatepost".to_owned(),
        client_auth: ClientAuth::Auto,
        redirect: RedirectForm::OwnPath,
        response_mode: model::provider::ResponseMode::default(),
        scopes: "openid".to_owned(),
        address_claim: "email".to_owned(),
        subject_claim: None,
        email_trust: EmailTrust::AcceptAbsent,
        domains: Vec::new(),
        create: true,
        rules: Vec::new(),
        everyone_else: EveryoneElse::Refuse,
        tls: TlsTrust::Public,
        private_hosts: Vec::new(),
        leavers: Leavers::default(),
    }
}

pub struct TempStore {
    pub dir: tempfile::TempDir,
    pub store: Store,
    pub keys: PurposeKeys,
}

impl TempStore {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (key, file) = (dir.path().join("master.key"), dir.path().join("store.db"));
        let master = MasterKey::create_with_new_store(&key, &file, &OsRandom).unwrap();
        Self {
            store: Store::open(&file).unwrap(),
            keys: master.purpose_keys().unwrap(),
            dir,
        }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("store.db")
    }

    /// A write whose error is the store's own.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: AsyncFn(&mut Conn) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.store.write(job).await
    }

    pub fn read(&self) -> Reader {
        self.store.read().unwrap()
    }

    pub async fn domain(&self, text: &str) -> DomainId {
        let new = new_domain(text);
        self.write(async move |sql| domains::insert(sql, &new, NOW).await)
            .await
            .unwrap()
    }

    /// A mailbox of a domain that exists.
    pub async fn mailbox(&self, text: &str) -> MailboxId {
        let domain = domains::by_name(&mut self.read(), &address(text).domain())
            .await
            .unwrap()
            .unwrap();
        let new = new_mailbox(domain.id, text);
        self.write(async move |sql| mailboxes::insert(sql, &new, storage(), NOW).await)
            .await
            .unwrap()
    }

    pub async fn provider(&self, slug: &'static str) -> ProviderId {
        self.write(async move |sql| {
            providers::insert(
                sql,
                slug,
                &Namespace(format!("https://{slug}.example")),
                &format!("path:{slug}"),
                &provider_settings(slug),
                NOW,
            )
            .await
        })
        .await
        .unwrap()
    }
}
