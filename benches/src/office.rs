//! An installation in this process: a store, its use cases, one domain and one provider.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use app::devices::ServerSettings;
use app::domains::DomainForm;
use app::passwords::{Budgets, HashPool, LocalDesk};
use app::step_up::Doer;
use app::templates::TemplateForm;
use app::{App, AppConfig, Parts};
use model::audit::Actor;
use model::domain::{DomainLimits, GIB};
use model::preset::Preset;
use model::provider::{Endpoints, ProviderSettings};
use model::random::Random;
use model::rule::Rule;
use model::session::SessionLifetime;
use model::template::{Template, TemplateSettings};
use model::time::{Clock, DAY, SystemClock, SystemMonotonic};
use secrecy::SecretString;
use store::{MasterKey, OsRandom, PurposeKeys, Store};
use upstream::Upstream;

use crate::company::{CLIENT, PUBLIC, SECRET, SLUG};

/// The use cases, in a directory that goes with them.
pub(crate) struct Office {
    pub(crate) app: App,
    /// Everybody's template.
    pub(crate) staff: Template,
    directory: tempfile::TempDir,
}

impl Office {
    /// Opens one below `parent` with room for so many mailboxes, at this provider.
    pub(crate) async fn open(parent: &Path, issuer: &str, places: usize) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("gps").tempdir_in(parent)?;
        let (key, file) = (directory.path().join("key"), store_file(&directory));
        let master = MasterKey::create_with_new_store(&key, &file, &OsRandom)?;
        let app = use_cases(Store::open(&file)?, master.purpose_keys()?)?;
        let staff = set_up(&app, issuer, places).await?;
        Ok(Self {
            app,
            staff,
            directory,
        })
    }

    /// The file of its store.
    pub(crate) fn store(&self) -> PathBuf {
        store_file(&self.directory)
    }
}

fn store_file(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("store.db")
}

async fn set_up(app: &App, issuer: &str, places: usize) -> anyhow::Result<Template> {
    let actor = Actor::CommandLine;
    let domain = DomainForm {
        name: "example.org".parse()?,
        active: true,
        limits: DomainLimits {
            max_mailboxes: places.try_into()?,
            default_quota: GIB,
            max_quota: GIB,
            domain_quota: GIB * i64::try_from(places)?,
        },
        role_target: Some("root@example.net".parse()?),
        confirm_within: None,
    };
    let domain = app.create_domain(&actor, domain).await?;
    let staff = TemplateForm {
        name: "Staff".to_owned(),
        settings: TemplateSettings::default(),
    };
    let staff = app.create_template(&actor, staff).await?;
    let settings = ProviderSettings {
        name: "Company".to_owned(),
        active: true,
        endpoints: Endpoints::Issuer {
            issuer: issuer.to_owned(),
        },
        client_id: CLIENT.to_owned(),
        scopes: "openid profile email mailcow_template".to_owned(),
        domains: vec![domain.id],
        rules: vec![Rule::mailcow("staff", staff.id)],
        private_hosts: vec!["127.0.0.1".to_owned()],
        ..Preset::Issuer.settings()
    };
    let secret = SecretString::from(SECRET);
    let doer = Doer::from(&actor).untested(true);
    app.create_provider(doer, SLUG, settings, Some(secret))
        .await?;
    Ok(staff)
}

/// The use cases on a store, as a web worker has them.
pub(crate) fn use_cases(store: Store, keys: PurposeKeys) -> anyhow::Result<App> {
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let pool = HashPool::new(Arc::clone(&random)).context("password hashing")?;
    let budgets = Arc::new(Budgets::new(Arc::new(SystemMonotonic::start())));
    Ok(App::new(Parts {
        store,
        keys,
        upstream: Upstream::new(
            upstream::Config::default(),
            Arc::clone(&clock),
            Arc::clone(&random),
        ),
        desk: Arc::new(LocalDesk::new(budgets, Arc::new(pool))),
        clock,
        random,
        config: AppConfig {
            public_url: PUBLIC.to_owned(),
            helpdesk: None,
            sessions: SessionLifetime::default(),
            admin_sessions: SessionLifetime::default(),
            servers: ServerSettings {
                servers: Vec::new(),
            },
            keep_attempts: DAY,
            keep_mail_attempts: DAY,
            keep_audit: DAY,
            keep_deleted_mail: DAY,
        },
    }))
}
