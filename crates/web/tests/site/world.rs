//! A site with two domains, one template, and the sample company beside it.

use app::admins::NewAdmin;
use app::attempts::AttemptFilter;
use app::devices::{MailServer, ServerSettings};
use app::domains::DomainForm;
use app::mailboxes::{NewMailboxForm, NewSignIn};
use app::passwords::{Budgets, HashPool, LocalDesk};
use app::providers::SecretChange;
use app::sessions::Current;
use app::step_up::Doer;
use app::templates::TemplateForm;
use app::{App, AppConfig, Parts};
use axum::Router;
use axum::body::Body;
use model::attempt::Attempt;
use model::audit::Actor;
use model::grant::Grant;
use model::ids::{OauthAppId, TemplateId};
use model::outcome::Refusal;
use model::protocol::Protocol;
use model::provider::{
    ClientAuth, EmailTrust, Endpoints, EveryoneElse, Leavers, ProviderSettings, RedirectForm,
    TlsTrust,
};
use model::random::Random;
use model::rule::Rule;
use model::session::SessionLifetime;
use model::tag::Tags;
use model::template::{TemplateSettings, Templated};
use model::time::{Clock, DAY, SystemMonotonic, Timestamp};
use secrecy::SecretString;
use std::sync::Arc;
use store::{MasterKey, OsRandom, Store};
use testkit::browser::{Browser, Page, Tab};
use testkit::clock::FixedClock;
use testkit::tempdir::ShortDir;
use tokio::sync::watch;
use tower::ServiceExt as _;
use web::client_addr::TrustedProxies;
use web::serve::{Limits, Listener, serve};
use web::site::Site;

/// The password of every local account here.
pub const PASSWORD: &str = "a gate needs two posts";

pub struct World {
    pub app: App,
    pub url: String,
    pub clock: Arc<FixedClock>,
    pub company: lab::Handle,
    pub template: TemplateId,
    router: Router,
    _stop: watch::Sender<bool>,
    dir: ShortDir,
}

impl World {
    /// A server on which an administrator has been made and nothing else.
    pub async fn bare() -> Self {
        Self::bare_beside(|_| {}, true, "127.0.0.1").await
    }

    async fn bare_beside(change: impl FnOnce(&mut lab::Options), mail: bool, host: &str) -> Self {
        let dir = ShortDir::new().unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp::from_secs(1_795_341_845)));
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{host}:{}", socket.local_addr().unwrap().port());

        let (key, file) = (dir.join("master.key"), dir.join("gatepost.db"));
        let master = MasterKey::create_with_new_store(&key, &file, &*random).unwrap();
        let as_clock: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let desk = LocalDesk::new(
            Arc::new(Budgets::new(Arc::new(SystemMonotonic::start()))),
            Arc::new(HashPool::new(Arc::clone(&random)).unwrap()),
        );
        let upstream = upstream::Upstream::new(
            upstream::Config {
                guard: upstream::http::Guard::new([&url::Url::parse(&url).unwrap()], []),
                ..upstream::Config::default()
            },
            Arc::clone(&as_clock),
            Arc::clone(&random),
        );
        let app = App::new(Parts {
            store: Store::open(&file).unwrap(),
            keys: master.purpose_keys().unwrap(),
            upstream,
            desk: Arc::new(desk),
            clock: as_clock,
            random: Arc::clone(&random),
            config: AppConfig {
                public_url: url.clone(),
                sessions: SessionLifetime::default(),
                admin_sessions: SessionLifetime::default(),
                servers: servers(),
                keep_attempts: DAY * 30,
                keep_mail_attempts: DAY * 30,
                keep_audit: DAY * 30,
                helpdesk: mail.then(|| app::HelpdeskPages {
                    attempts: "https://mail.example.com/admin/sign-ins".to_owned(),
                    codes: "https://mail.example.com/help/codes".to_owned(),
                }),
                keep_deleted_mail: DAY * 30,
            },
        });
        let company = lab::sample::company("example.org");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut options = lab::Options {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            algorithm: lab::Algorithm::Es256,
            ..lab::Options::default()
        };
        change(&mut options);
        let company = lab::serve(listener, company, options).await.unwrap();

        let site = Arc::new(Site::new(&url, &[], &[]).unwrap());
        let router = web::router::router(app.clone(), &site, &random).unwrap();
        let (stop, stopped) = watch::channel(false);
        let listeners = vec![Listener { socket, tls: None }];
        tokio::spawn(serve(
            listeners,
            router.clone(),
            TrustedProxies::default(),
            Limits::default(),
            stopped,
        ));
        Self {
            app,
            url,
            clock,
            company,
            template: TemplateId(0),
            router,
            _stop: stop,
            dir,
        }
    }

    /// The same, set up: an administrator `karin`, the domain example.org, the template Staff, the
    /// provider `example` that may sign its people in, and a local mailbox `erin@example.org`.
    pub async fn new() -> Self {
        Self::beside(|_| {}).await
    }

    /// The same beside a company that runs another kind of provider.
    pub async fn beside(change: impl FnOnce(&mut lab::Options)) -> Self {
        Self::set_up(Self::bare_beside(change, true, "127.0.0.1").await).await
    }

    /// The same where nothing listens for SMTP.
    pub async fn without_mail() -> Self {
        Self::set_up(Self::bare_beside(|_| {}, false, "127.0.0.1").await).await
    }

    /// The same under another name than any other world: browsers keep one set of cookies for all
    /// ports of a host.
    pub async fn elsewhere() -> Self {
        Self::set_up(Self::bare_beside(|_| {}, true, "localhost").await).await
    }

    async fn set_up(mut world: Self) -> Self {
        let karin = NewAdmin {
            name: "karin".to_owned(),
            email: "karin@example.net".to_owned(),
            password: SecretString::from(PASSWORD),
        };
        world
            .app
            .create_admin(&Actor::CommandLine, karin)
            .await
            .unwrap();
        let domain = DomainForm {
            name: "example.org".parse().unwrap(),
            active: true,
            limits: model::domain::DomainLimits::default(),
            role_target: Some("karin@example.net".parse().unwrap()),
            confirm_within: None,
        };
        world
            .app
            .create_domain(&Actor::CommandLine, domain)
            .await
            .unwrap();
        let staff = TemplateForm {
            name: "Staff".to_owned(),
            settings: TemplateSettings {
                pop3: Templated::in_step(false),
                ..TemplateSettings::default()
            },
        };
        let template = world
            .app
            .create_template(&Actor::CommandLine, staff)
            .await
            .unwrap();
        world.template = template.id;
        world.provider("example", RedirectForm::OwnPath).await;
        world.local_mailbox("erin@example.org").await;
        world
    }

    /// Adds a provider of the sample company.
    pub async fn provider(&self, slug: &str, redirect: RedirectForm) {
        let secret = format!("secret of {slug}");
        let (domain, _) = self
            .app
            .domain(&"example.org".parse().unwrap())
            .await
            .unwrap();
        let settings = ProviderSettings {
            preset: model::preset::Preset::default(),
            name: format!("{slug} SSO"),
            active: true,
            endpoints: Endpoints::Issuer {
                issuer: self.company.issuer().to_owned(),
            },
            client_id: format!("gatepost-{slug}"),
            client_auth: ClientAuth::Auto,
            redirect,
            response_mode: model::provider::ResponseMode::default(),
            scopes: "openid profile email mailcow_template".to_owned(),
            address_claim: "email".to_owned(),
            subject_claim: None,
            email_trust: EmailTrust::AcceptAbsent,
            domains: vec![domain.id],
            create: true,
            rules: vec![Rule::mailcow("staff", self.template)],
            everyone_else: EveryoneElse::Refuse,
            tls: TlsTrust::Public,
            private_hosts: vec!["127.0.0.1".to_owned()],
            leavers: Leavers::default(),
        };
        let client = lab::Client::new(&settings.client_id, &secret, &redirect.url(&self.url, slug));
        self.company.company().add_client(client);
        self.app
            .create_provider(
                Doer::from(&Actor::CommandLine).untested(true),
                slug,
                settings,
                Some(SecretString::from(secret)),
            )
            .await
            .unwrap();
    }

    /// Changes the provider `example`.
    pub async fn change_provider(&self, change: impl FnOnce(&mut ProviderSettings)) {
        self.change("example", change).await;
    }

    /// Changes a provider.
    pub async fn change(&self, slug: &str, change: impl FnOnce(&mut ProviderSettings)) {
        self.edit(slug, SecretChange::Keep, change).await;
    }

    /// Has a provider known by its endpoints, typed by hand, with the secret it had before.
    pub async fn endpoints_by_hand(&self, slug: &str) {
        let secret = SecretChange::Set(format!("secret of {slug}").into());
        let endpoints = Endpoints::Manual {
            authorize: self.company.authorization_endpoint(),
            token: self.company.token_endpoint(),
            userinfo: self.company.userinfo_endpoint(),
        };
        self.edit(slug, secret, |p| p.endpoints = endpoints).await;
    }

    pub async fn edit(
        &self,
        slug: &str,
        secret: SecretChange,
        change: impl FnOnce(&mut ProviderSettings),
    ) {
        let mut settings = self.app.provider(slug).await.unwrap().settings;
        change(&mut settings);
        self.app
            .edit_provider(&Actor::CommandLine, slug, settings, secret, None)
            .await
            .unwrap();
    }

    /// Whether a mailbox is there.
    pub async fn has(&self, address: &str) -> bool {
        self.app.mailbox(&address.parse().unwrap()).await.is_ok()
    }

    /// The latest attempt that was refused.
    pub async fn last_refused(&self) -> Attempt {
        let filter = AttemptFilter {
            refused: true,
            ..Default::default()
        };
        let page = app::domains::Page {
            limit: 1,
            ..Default::default()
        };
        let mut found = self.app.attempts(filter, page).await.unwrap();
        found.rows.remove(0)
    }

    /// Why it was, in words without gaps.
    pub async fn last_refusal(&self) -> Refusal {
        let refusal = self.last_refused().await.refusal.unwrap();
        let words = refusal.admin();
        assert!(!words.contains(['{', '}', '–']), "{words}");
        refusal
    }

    /// What a person gave an app that still holds.
    pub async fn grants(&self, address: &str, app: OauthAppId) -> Vec<Grant> {
        let found = self.app.mailbox(&address.parse().unwrap()).await.unwrap();
        let store = self.store();
        let mut read = store.read().unwrap();
        let grants = store::app_grants::of_person(&mut read, found.mailbox.id, app);
        grants.await.unwrap()
    }

    /// Adds a mailbox with a local password.
    pub async fn local_mailbox(&self, address: &str) {
        let form = NewMailboxForm {
            address: address.parse().unwrap(),
            name: String::new(),
            quota: None,
            protocols: None,
            template: None,
            tags: Tags::default(),
            sign_in: NewSignIn::Local(SecretString::from(PASSWORD)),
        };
        self.app
            .create_mailbox(&Actor::CommandLine, form)
            .await
            .unwrap();
    }

    /// The store beside the server, to break what no page breaks.
    pub fn store(&self) -> Store {
        Store::open(&self.dir.join("gatepost.db")).unwrap()
    }

    /// Every byte of the database: its pages and what waits in its log.
    pub fn picture(&self) -> [Vec<u8>; 2] {
        ["gatepost.db", "gatepost.db-wal"]
            .map(|name| std::fs::read(self.dir.join(name)).unwrap_or_default())
    }

    /// The keys of the store.
    pub fn purpose_keys(&self) -> store::PurposeKeys {
        let (key, file) = (self.dir.join("master.key"), self.dir.join("gatepost.db"));
        MasterKey::load(&key, &file)
            .unwrap()
            .purpose_keys()
            .unwrap()
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends one request as it is, following nothing.
    pub async fn send(&self, request: http::request::Builder, body: &str) -> http::Response<Body> {
        self.send_bytes(request, body.as_bytes().to_vec()).await
    }

    /// The same with a body that may be no text.
    pub async fn send_bytes(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> http::Response<Body> {
        let host = self.url.trim_start_matches("http://");
        let request = request
            .header(http::header::HOST, host)
            .body(Body::from(body));
        self.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    pub fn browser(&self) -> Browser {
        Browser::new().unwrap()
    }

    /// Signs in with a local password and shows where that led.
    pub async fn sign_in(&self, tab: &mut Tab, name: &str, password: &str) -> Page {
        let page = tab.open(&self.at("/")).await.unwrap();
        let form = page.form_with_button("Sign in").unwrap();
        let form = form
            .fill("name", name)
            .unwrap()
            .fill("password", password)
            .unwrap();
        tab.submit(form).await.unwrap()
    }

    /// The session of somebody who signed in with a local password just now, as a request finds it
    /// before it is judged, with its token.
    pub async fn session_of(&self, name: &str) -> (String, Current) {
        let browser = self.browser();
        self.sign_in(&mut browser.tab(), name, PASSWORD).await;
        let token = browser.cookie(&self.url, "gatepost").unwrap().unwrap();
        let current = self.app.session(&token).await.unwrap().unwrap();
        (token, current)
    }

    /// Signs in at the sample company and shows where that led.
    pub async fn by_company(&self, tab: &mut Tab, start: &str, login: &str) -> Page {
        let page = tab.open(&self.at(start)).await.unwrap();
        self.as_person(tab, &page, login).await
    }

    /// Goes on from the company's sign-in page as one of its people.
    pub async fn as_person(&self, tab: &mut Tab, page: &Page, login: &str) -> Page {
        let form = page.form_with_button("Sign in").unwrap();
        let form = form.fill("username", login).unwrap();
        let form = form.fill("password", lab::sample::PASSWORD).unwrap();
        let page = tab.submit(form).await.unwrap();
        // An answer that is sent as a form.
        match page.form("#carry-back") {
            Ok(form) => tab.submit(form).await.unwrap(),
            Err(_) => page,
        }
    }
}

fn servers() -> ServerSettings {
    let server = |protocol, port, security: &str| MailServer {
        protocol,
        host: "mail.example.org".to_owned(),
        port,
        security: security.to_owned(),
    };
    ServerSettings {
        servers: vec![
            server(Protocol::Imap, 993, "SSL/TLS"),
            server(Protocol::Smtp, 465, "SSL/TLS"),
        ],
    }
}
