//! Local administrators, who can always get in.

use crate::{App, FieldProblem, Problem, audit, local_password};
use model::address::Address;
use model::audit::Actor;
use model::ids::AdminId;
use model::session::Principal;
use model::time::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Conn;

/// A local administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    /// Its id.
    pub id: AdminId,
    /// Its name: letters, digits and `. _ -`, no `@`; unique without regard to case.
    pub name: String,
    /// Where alerts and role mail go by default.
    pub email: String,
    /// When it was added.
    pub created: Timestamp,
}

/// An administrator to add.
#[derive(Debug, Clone)]
pub struct NewAdmin {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Password, [`crate::local_password::MIN_CHARS`] at least.
    pub password: SecretString,
}

impl App {
    /// Adds one.
    pub async fn create_admin(&self, actor: &Actor, new: NewAdmin) -> Result<Admin, Problem> {
        let form = validated(&new)?;
        let hash = self.desk.hash(new.password).await?;
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| insert(tx, now, &actor, &form, &hash).await)
            .await
    }
    /// All of them, by name.
    pub async fn admins(&self) -> Result<Vec<Admin>, Problem> {
        let mut read = self.store.read()?;
        Ok(store::admins::list(&mut read)
            .await?
            .into_iter()
            .map(Admin::from)
            .collect())
    }
    /// Sets a new password and ends its sessions.
    pub async fn reset_admin(
        &self,
        actor: &Actor,
        name: &str,
        password: SecretString,
    ) -> Result<(), Problem> {
        local_password::check_new(&password)?;
        let hash = self.desk.hash(password).await?;
        let (now, actor, name) = (self.clock.now(), actor.clone(), name.to_owned());
        self.store
            .write(async move |tx: &mut Conn| {
                let admin = by_name(tx, &name).await?;
                store::admins::set_password(tx, admin.id, &hash, now).await?;
                store::sessions::delete_all(tx, Principal::Admin(admin.id)).await?;
                audit::note(tx, now, &actor, "admin.reset", &admin.name, Value::Null).await?;
                Ok(())
            })
            .await
    }
    /// Removes one; never the last.
    pub async fn delete_admin(&self, actor: &Actor, name: &str) -> Result<(), Problem> {
        let (now, actor, name) = (self.clock.now(), actor.clone(), name.to_owned());
        self.store
            .write(async move |tx: &mut Conn| {
                let admin = by_name(tx, &name).await?;
                store::admins::delete(tx, admin.id).await?;
                audit::note(tx, now, &actor, "admin.delete", &admin.name, Value::Null).await?;
                Ok(())
            })
            .await
    }
}

/// Name and e-mail of an administrator, checked.
#[derive(Debug, Clone)]
pub(crate) struct Validated {
    name: String,
    email: String,
}

/// Checks every field at once.
pub(crate) fn validated(new: &NewAdmin) -> Result<Validated, Problem> {
    let mut problems = Vec::new();
    let name = new.name.trim().to_owned();
    let name_ok = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if !name_ok {
        problems.push(FieldProblem {
            field: "name".to_owned(),
            message: "1 to 64 letters, digits and . _ -".to_owned(),
        });
    }
    let email = Address::parse(new.email.trim())
        .map(String::from)
        .unwrap_or_else(|error| {
            problems.push(FieldProblem {
                field: "email".to_owned(),
                message: error.to_string(),
            });
            String::new()
        });
    if let Err(Problem::Invalid(more)) = local_password::check_new(&new.password) {
        problems.extend(more);
    }
    if problems.is_empty() {
        Ok(Validated { name, email })
    } else {
        Err(Problem::Invalid(problems))
    }
}

/// Adds a checked administrator.
pub(crate) async fn insert(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    form: &Validated,
    hash: &str,
) -> Result<Admin, Problem> {
    let id = store::admins::insert(tx, &form.name, &form.email, hash, now).await?;
    audit::note(
        tx,
        now,
        actor,
        "admin.create",
        &form.name,
        json!({ "email": form.email }),
    )
    .await?;
    Ok(Admin {
        id,
        name: form.name.clone(),
        email: form.email.clone(),
        created: now,
    })
}

async fn by_name(tx: &mut Conn, name: &str) -> Result<Admin, Problem> {
    store::admins::by_name(tx, name)
        .await?
        .map(Admin::from)
        .ok_or_else(|| Problem::NotFound(format!("administrator {name}")))
}

impl From<store::admins::AdminRow> for Admin {
    fn from(row: store::admins::AdminRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email: row.email,
            created: row.created,
        }
    }
}
