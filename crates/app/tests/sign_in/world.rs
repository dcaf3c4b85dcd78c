//! One installation with one domain, two templates and the sample company as its provider.

use app::devices::{MailServer, ServerSettings};
use app::domains::DomainForm;
use app::mailboxes::{NewMailboxForm, NewSignIn};
use app::passwords::{Budgets, HashPool, LocalDesk};
use app::providers::{SavedProvider, SecretChange};
use app::sign_in::{Arrived, Ended, Refused, ReturnTo, SignedIn};
use app::step_up::Doer;
use app::templates::TemplateForm;
use app::test_sign_in::{TestBegun, TestId, TestSignIn};
use app::{App, AppConfig, Client, Parts};
use lab::{Client as LabClient, Company, Handle, Options};
use model::address::{Address, DomainName};
use model::audit::Actor;
use model::domain::{DomainLimits, GIB};
use model::outcome::Code;
use model::protocol::Protocol;
use model::provider::{
    ClientAuth, EmailTrust, Endpoints, EveryoneElse, Leavers, ProviderSettings, RedirectForm,
    TlsTrust,
};
use model::random::Random;
use model::rule::Rule;
use model::session::SessionLifetime;
use model::tag::Tags;
use model::template::{Template, TemplateSettings, Templated};
use model::time::{Clock, DAY, SystemClock, SystemMonotonic};
use secrecy::SecretString;
use std::sync::Arc;
use store::{MasterKey, OsRandom, Store};
use testkit::browser::Browser;
use testkit::tempdir::ShortDir;
use tokio::net::TcpListener;

pub const PUBLIC: &str = "https://mail.example.com";
pub const SECRET: &str = "reserved: + % & = characters";
pub const SLUG: &str = "example";
pub const BROWSER: &str = "this-browser";
pub const ACTOR: Actor = Actor::CommandLine;
pub const PASSWORD: &str = "a long local password";

pub struct World {
    pub app: App,
    pub lab: Handle,
    pub staff: Template,
    pub master: MasterKey,
    pub desk: LocalDesk,
    pub dir: ShortDir,
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// The command line, which turns providers on untested.
pub fn untested() -> Doer {
    Doer::from(&ACTOR).untested(true)
}

pub fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

pub fn settings(endpoints: Endpoints, staff: &Template) -> ProviderSettings {
    ProviderSettings {
        preset: model::preset::Preset::default(),
        name: "Example SSO".to_owned(),
        active: true,
        endpoints,
        client_id: "mail".to_owned(),
        client_auth: ClientAuth::Auto,
        redirect: RedirectForm::OwnPath,
        response_mode: model::provider::ResponseMode::default(),
        scopes: "openid profile email mailcow_template".to_owned(),
        address_claim: "email".to_owned(),
        subject_claim: None,
        email_trust: EmailTrust::AcceptAbsent,
        domains: Vec::new(),
        create: true,
        rules: vec![Rule::mailcow("staff", staff.id)],
        everyone_else: EveryoneElse::Refuse,
        tls: TlsTrust::Public,
        private_hosts: vec!["127.0.0.1".to_owned()],
        leavers: Leavers::default(),
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let company = lab::sample::company("example.org");
        let redirect = format!("{PUBLIC}/sso/{SLUG}/callback");
        company.add_client(LabClient::new("mail", SECRET, &redirect));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let lab = lab::serve(listener, company, options).await.unwrap();

        let dir = ShortDir::new().unwrap();
        let (app, master, desk) = installation(&dir);
        let form = DomainForm {
            name: DomainName::parse("example.org").unwrap(),
            active: true,
            limits: DomainLimits {
                max_mailboxes: 10,
                default_quota: GIB,
                max_quota: 5 * GIB,
                domain_quota: 20 * GIB,
            },
            role_target: Some(address("root@example.net")),
            confirm_within: None,
        };
        let domain = app.create_domain(&ACTOR, form).await.unwrap();
        let staff = app
            .create_template(
                &ACTOR,
                TemplateForm {
                    name: "Staff".to_owned(),
                    settings: quota(2 * GIB),
                },
            )
            .await
            .unwrap();
        let issuer = Endpoints::Issuer {
            issuer: lab.issuer().to_owned(),
        };
        let mut settings = settings(issuer, &staff);
        settings.domains.push(domain.id);
        app.create_provider(untested(), SLUG, settings, Some(secret(SECRET)))
            .await
            .unwrap();
        Self {
            app,
            lab,
            staff,
            master,
            desk,
            dir,
        }
    }

    /// The same installation at another time.
    pub fn app_by(&self, clock: impl Clock + 'static) -> App {
        app_on(&self.dir, &self.master, &self.desk, Arc::new(clock))
    }

    /// The same installation with other randomness.
    pub fn app_with(&self, random: Arc<dyn Random>) -> App {
        app_of(
            &self.dir,
            &self.master,
            &self.desk,
            Arc::new(SystemClock),
            random,
            config(),
        )
    }

    /// The same installation where nothing listens for SMTP.
    pub fn app_without_mail(&self, clock: impl Clock + 'static) -> App {
        let config = AppConfig {
            helpdesk: None,
            ..config()
        };
        app_of(
            &self.dir,
            &self.master,
            &self.desk,
            Arc::new(clock),
            Arc::new(OsRandom),
            config,
        )
    }

    /// The same installation under another address.
    pub fn app_at(&self, public: &str) -> App {
        self.app_as(AppConfig {
            public_url: public.to_owned(),
            ..config()
        })
    }

    fn app_as(&self, config: AppConfig) -> App {
        app_of(
            &self.dir,
            &self.master,
            &self.desk,
            Arc::new(SystemClock),
            Arc::new(OsRandom),
            config,
        )
    }

    /// Changes the provider.
    pub async fn provider(&self, change: impl FnOnce(&mut ProviderSettings)) -> SavedProvider {
        let mut settings = self.app.provider(SLUG).await.unwrap().settings;
        change(&mut settings);
        self.app
            .edit_provider(untested(), SLUG, settings, SecretChange::Keep, None)
            .await
            .unwrap()
    }

    /// Changes the limits or the state of the domain.
    pub async fn domain(&self, change: impl FnOnce(&mut DomainForm)) {
        let name = DomainName::parse("example.org").unwrap();
        let (domain, _) = self.app.domain(&name).await.unwrap();
        let mut form = DomainForm {
            name,
            active: domain.active,
            limits: domain.limits,
            role_target: Some(domain.role_target),
            confirm_within: domain.confirm.map(|policy| policy.within_days),
        };
        change(&mut form);
        self.app.edit_domain(&ACTOR, form, None).await.unwrap();
    }

    pub async fn mailbox(&self, local: &str, sign_in: NewSignIn) {
        let new = NewMailboxForm {
            address: address(&format!("{local}@example.org")),
            name: String::new(),
            quota: None,
            protocols: None,
            template: None,
            tags: Tags::default(),
            sign_in,
        };
        self.app.create_mailbox(&ACTOR, new).await.unwrap();
    }

    /// Leaves for the provider; the URL.
    pub async fn depart(&self) -> Result<String, Box<Refused>> {
        self.app
            .begin_sign_in(SLUG, BROWSER, ReturnTo::Home, &Client::default())
            .await
    }

    /// Signs in there as `login` and brings the answer's query back.
    pub async fn at_provider(&self, url: &str, login: &str) -> String {
        let mut tab = Browser::new().unwrap().tab();
        tab.stop_before(PUBLIC);
        let page = tab.open(url).await.unwrap();
        let page = if page.location().unwrap().is_some() {
            page
        } else {
            let form = page
                .form("#sign-in")
                .unwrap()
                .fill("username", login)
                .unwrap()
                .fill("password", lab::sample::PASSWORD)
                .unwrap();
            tab.submit(form).await.unwrap()
        };
        let back = page
            .location()
            .unwrap()
            .unwrap_or_else(|| panic!("no way back: {}", page.text()));
        back.query().unwrap_or_default().to_owned()
    }

    /// Runs a test sign-in as `login`; what it showed.
    pub async fn tested(&self, login: &str) -> Arc<TestSignIn> {
        let id = match self.begin_test().await {
            TestBegun::Ended(id) => id,
            TestBegun::Leave(url) => {
                let query = self.at_provider(&url, login).await;
                self.test_ended(&query).await
            }
        };
        let test = self.app.test_sign_in(SLUG, &id.to_string()).await;
        test.unwrap()
    }

    pub async fn begin_test(&self) -> TestBegun {
        let client = Client::default();
        let begun = self.app.begin_test_sign_in(&ACTOR, SLUG, BROWSER, &client);
        begun.await.unwrap()
    }

    /// Brings a test's answer back; the id of its result.
    pub async fn test_ended(&self, query: &str) -> TestId {
        match self.finish(query).await {
            Ended::Tested { provider, test } => {
                assert_eq!(provider, SLUG);
                test
            }
            other => panic!("no test: {other:?}"),
        }
    }

    pub async fn finish(&self, query: &str) -> Ended {
        let arrived = Arrived::OwnPath(SLUG.to_owned());
        self.app
            .finish_sign_in(arrived, query, Some(BROWSER), &Client::default())
            .await
    }

    /// Brings an answer of the provider back that has an error in place of a code.
    pub async fn answered(&self, error: &str) -> Box<Refused> {
        let url = url::Url::parse(&self.depart().await.unwrap()).unwrap();
        let mut pairs = url.query_pairs();
        let (_, state) = pairs.find(|(name, _)| name == "state").unwrap();
        let query = format!("{error}&state={state}&iss={}", self.lab.issuer());
        match self.finish(&query).await {
            Ended::Refused(refused) => refused,
            other => panic!("in: {other:?}"),
        }
    }

    /// The whole way.
    pub async fn sign_in(&self, login: &str) -> Ended {
        let url = match self.depart().await {
            Ok(url) => url,
            Err(refused) => return Ended::Refused(refused),
        };
        let query = self.at_provider(&url, login).await;
        self.finish(&query).await
    }

    pub async fn signed_in(&self, login: &str) -> SignedIn {
        match self.sign_in(login).await {
            Ended::SignedIn(signed_in) => *signed_in,
            other => panic!("{login} is not in: {other:?}"),
        }
    }

    /// The code of a refused sign-in, after looking at what was recorded and what `why` says.
    pub async fn refused(&self, login: &str) -> Code {
        match self.sign_in(login).await {
            Ended::Refused(refused) => self.recorded(&refused).await,
            other => panic!("{login} is not refused: {other:?}"),
        }
    }

    /// A refused sign-in whose record is not what the person's page was made of: it hides what is
    /// private.
    pub async fn refused_privately(&self, login: &str) {
        let ended = self.sign_in(login).await;
        assert!(matches!(ended, Ended::Refused(_)), "{ended:?}");
    }

    pub async fn recorded(&self, refused: &Refused) -> Code {
        let attempt = self.app.attempt(&refused.reference).await.unwrap();
        assert_eq!(attempt.refusal.as_ref(), Some(&refused.refusal));
        let (person, admin) = (refused.refusal.person(), refused.refusal.admin());
        for words in [&person, &admin] {
            assert!(
                !words.contains('–') && !words.contains('{'),
                "unfilled: {words}"
            );
        }
        refused.refusal.code
    }
}

pub fn quota(bytes: i64) -> TemplateSettings {
    TemplateSettings {
        quota: Templated::in_step(bytes),
        ..TemplateSettings::default()
    }
}

fn installation(dir: &ShortDir) -> (App, MasterKey, LocalDesk) {
    let (key, file) = (dir.join("key"), dir.join("store.db"));
    let master = MasterKey::create_with_new_store(&key, &file, &OsRandom).unwrap();
    let budgets = Arc::new(Budgets::new(Arc::new(SystemMonotonic::start())));
    let pool = Arc::new(HashPool::new(Arc::new(OsRandom)).unwrap());
    let desk = LocalDesk::new(budgets, pool);
    let app = app_on(dir, &master, &desk, Arc::new(SystemClock));
    (app, master, desk)
}

fn app_on(dir: &ShortDir, master: &MasterKey, desk: &LocalDesk, clock: Arc<dyn Clock>) -> App {
    app_of(dir, master, desk, clock, Arc::new(OsRandom), config())
}

fn app_of(
    dir: &ShortDir,
    master: &MasterKey,
    desk: &LocalDesk,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    config: AppConfig,
) -> App {
    let own = url::Url::parse(&config.public_url).unwrap();
    let upstream = upstream::Upstream::new(
        upstream::Config {
            guard: upstream::http::Guard::new([&own], []),
            ..upstream::Config::default()
        },
        clock.clone(),
        random.clone(),
    );
    App::new(Parts {
        store: Store::open(&dir.join("store.db")).unwrap(),
        keys: master.purpose_keys().unwrap(),
        upstream,
        desk: Arc::new(desk.clone()),
        clock,
        random,
        config,
    })
}

fn config() -> AppConfig {
    AppConfig {
        public_url: PUBLIC.to_owned(),
        sessions: SessionLifetime::default(),
        admin_sessions: SessionLifetime::default(),
        servers: ServerSettings {
            servers: vec![MailServer {
                protocol: Protocol::Imap,
                host: "mail.example.com".to_owned(),
                port: 993,
                security: "SSL/TLS".to_owned(),
            }],
        },
        keep_attempts: DAY * 30,
        keep_mail_attempts: DAY * 30,
        keep_audit: DAY * 365,
        helpdesk: Some(app::HelpdeskPages {
            attempts: "https://mail.example.com/admin/sign-ins".to_owned(),
            codes: "https://mail.example.com/help/codes".to_owned(),
        }),
        keep_deleted_mail: DAY * 30,
    }
}

/// A company that answers nothing: a port nobody listens on.
pub fn nowhere() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// The sample company's handle to change people.
pub fn company(world: &World) -> &Company {
    world.lab.company()
}
