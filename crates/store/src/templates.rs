//! Mailbox templates.

use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::ids::TemplateId;
use model::template::{Template, TemplateSettings};
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO templates (name, name_key, settings, created, modified)
        VALUES ($1, $2, $3, $4, $4) RETURNING id";
    BY_ID = "SELECT id, name, settings, created, modified FROM templates WHERE id = $1";
    BY_NAME = "SELECT id, name, settings, created, modified FROM templates WHERE name_key = $1";
    ALL = "SELECT id, name, settings, created, modified FROM templates ORDER BY name_key";
    UPDATE = "UPDATE templates SET name = $1, name_key = $2, settings = $3,
            modified = CASE WHEN modified < $4 THEN $4 ELSE modified + 1 END
        WHERE id = $5 AND modified = COALESCE($6, modified)";
    DELETE = "DELETE FROM templates WHERE id = $1";
    USE_COUNT = "SELECT count(*) AS used FROM
        (SELECT 1 FROM mailboxes WHERE template = $1 LIMIT 1001) AS capped";
}

/// Adds a template.
///
/// # Errors
/// [`crate::Taken::TemplateName`] if one of that name exists, in whatever case.
pub async fn insert(
    sql: &mut Conn,
    name: &str,
    settings: &TemplateSettings,
    now: Timestamp,
) -> Result<TemplateId, StoreError> {
    let values = [
        name.into(),
        name.to_lowercase().into(),
        value::json(settings)?,
        now.into(),
    ];
    let id = sql.insert(INSERT, &values).await?;
    Ok(TemplateId(id))
}

/// A template.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: TemplateId) -> Result<Option<Template>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(template).transpose()
}

/// A template by its name, in whatever case.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_name(sql: &mut Conn, name: &str) -> Result<Option<Template>, StoreError> {
    let row = sql.one(BY_NAME, &[name.to_lowercase().into()]).await?;
    row.as_ref().map(template).transpose()
}

/// All templates in the order of their names: dozens at most.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn all(sql: &mut Conn) -> Result<Vec<Template>, StoreError> {
    let rows = sql.all(ALL, &[]).await?;
    rows.iter().map(template).collect()
}

/// How many mailboxes carry a template; 1001 stands for "more than 1000".
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn use_count(sql: &mut Conn, id: TemplateId) -> Result<u32, StoreError> {
    let row = sql.one(USE_COUNT, &[id.into()]).await?;
    let used = row.map_or(Ok(0), |row| row.get::<i64>("used"))?;
    Ok(u32::try_from(used).unwrap_or(u32::MAX))
}

/// Changes name and settings. `false` if the template was changed since `seen`, or is gone.
///
/// # Errors
/// As [`insert()`].
pub async fn update(
    sql: &mut Conn,
    template: &Template,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [
        (&template.name).into(),
        template.name.to_lowercase().into(),
        value::json(&template.settings)?,
        now.into(),
        template.id.into(),
        seen.into(),
    ];
    let changed = sql.execute(UPDATE, &values).await?;
    Ok(changed == 1)
}

/// Deletes a template; mailboxes that carry it keep their settings and carry none. `false` if
/// there was none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(sql: &mut Conn, id: TemplateId) -> Result<bool, StoreError> {
    Ok(sql.execute(DELETE, &[id.into()]).await? == 1)
}

fn template(row: &Row) -> Result<Template, StoreError> {
    Ok(Template {
        id: row.get("id")?,
        name: row.get("name")?,
        settings: row.json("settings")?,
        created: row.get("created")?,
        modified: row.get("modified")?,
    })
}
