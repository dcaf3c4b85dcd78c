//! Lists of mailboxes: pages in the order of addresses, and the search.
//!
//! A page walks one index range and looks at a bounded number of rows, at a million mailboxes as
//! at ten. Filters that the index does not serve are applied to the rows walked; when hardly any
//! row passes, the page is short and says where to go on.
//!
//! A search walks three ranges one after the other: addresses that start with the text, domains
//! that start with it, and words of people's names.

use super::{columns, mailbox, words};
use crate::mailbox_tags;
use crate::page::{SCAN, prefix_end, text_after};
use crate::value::Row;
use crate::{Conn, Listed, Page, StoreError, Value};
use model::address::{Address, DomainName};
use model::ids::{DomainId, MailboxId, TemplateId};
use model::mailbox::Mailbox;
use model::tag::Tag;

macro_rules! walk {
    ($($narrowed:literal)? ; $start:literal, $end:literal, $limit:literal) => {
        concat!(
            "SELECT ", columns!(), " FROM mailboxes AS m WHERE ", $($narrowed, " AND ",)?
            "m.address >= ", $start, " AND m.address < ", $end,
            " ORDER BY m.address LIMIT ", $limit
        )
    };
}

/// The same against the order, for a page that is turned back to.
macro_rules! walk_back {
    ($($narrowed:literal)? ; $end:literal, $limit:literal) => {
        concat!(
            "SELECT ", columns!(), " FROM mailboxes AS m WHERE ", $($narrowed, " AND ",)?
            "m.address < ", $end, " ORDER BY m.address DESC LIMIT ", $limit
        )
    };
}

/// The mailboxes of a tag, in the same order.
macro_rules! of_tag {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM mailbox_tags AS t JOIN mailboxes AS m ON m.id = t.mailbox
            WHERE t.tag = $1 AND "
        )
    };
}

statements! {
    OF_TAG = concat!(of_tag!(), "t.address >= $2 AND t.address < $3 ORDER BY t.address LIMIT $4");
    OF_TAG_BACK = concat!(of_tag!(), "t.address < $2 ORDER BY t.address DESC LIMIT $3");
    ALL_BACK = walk_back!(; "$1", "$2");
    OF_DOMAIN_BACK = walk_back!("m.domain = $1"; "$2", "$3");
    OF_TEMPLATE_BACK = walk_back!("m.template = $1"; "$2", "$3");
    BY_METHOD_BACK = walk_back!("m.method_provider = $1"; "$2", "$3");
    DISABLED_BACK = walk_back!("m.active = FALSE"; "$1", "$2");
    ALL = walk!(; "$1", "$2", "$3");
    OF_DOMAIN = walk!("m.domain = $1"; "$2", "$3", "$4");
    OF_TEMPLATE = walk!("m.template = $1"; "$2", "$3", "$4");
    BY_METHOD = walk!("m.method_provider = $1"; "$2", "$3", "$4");
    DISABLED = walk!("m.active = FALSE"; "$1", "$2", "$3");
    DOMAIN = "SELECT id, name FROM domains WHERE name >= $1 AND name < $2 ORDER BY name LIMIT 1";
    BY_WORD = concat!("SELECT w.word, ", columns!(), "
        FROM mailbox_words AS w JOIN mailboxes AS m ON m.id = w.mailbox
        WHERE (w.word, w.mailbox) > ($1, $2) AND w.word < $3
        ORDER BY w.word, w.mailbox LIMIT $4");
    IDS_OF_DOMAIN = "SELECT id, address FROM mailboxes WHERE domain = $1 AND address >= $2
        ORDER BY address LIMIT $3";
    ADDRESSES = "SELECT address FROM mailboxes WHERE address >= $1 ORDER BY address LIMIT $2";
}

/// Which mailboxes a list shows. Everything set must hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct MailboxFilter<'a> {
    /// Of this domain.
    pub domain: Option<DomainId>,
    /// Whose address, domain or a word of whose name starts with this; several words must each
    /// start a word of the name.
    pub prefix: Option<&'a str>,
    /// Switched on, or off.
    pub active: Option<bool>,
    /// Whose owners may sign in by a provider, or may not.
    pub by_provider: Option<bool>,
    /// That carry this template.
    pub template: Option<TemplateId>,
    /// That have this tag.
    pub tag: Option<&'a Tag>,
}

/// A page of mailboxes: in the order of their addresses, or in that of a search. A search walks
/// several ranges and cannot be turned back in.
///
/// # Errors
/// [`StoreError::Cursor`] if `page.after` is not a `next` or `previous` of the same list.
pub async fn list(
    sql: &mut Conn,
    filter: &MailboxFilter<'_>,
    page: &Page,
) -> Result<Listed<Mailbox>, StoreError> {
    let search = Search::new(filter);
    let Some(before) = page.before() else {
        let mut listed = onward(sql, &search, page).await?;
        if search.text.is_empty() && page.after.is_some() {
            let first = listed.rows.first().map(|first| first.address.to_string());
            let cursor = page.after.as_deref().unwrap_or_default();
            listed.previous = match (first, Place::parse(cursor)) {
                (Some(first), _) => Some(Page::back_to(&Place::Addresses(first))),
                (None, Some(Place::Addresses(after))) => {
                    Some(Page::back_to(&Place::Addresses(text_after(&after))))
                }
                _ => None,
            };
        }
        return Ok(listed);
    };
    let Some(Place::Addresses(before)) = Place::parse(before).filter(|_| search.text.is_empty())
    else {
        return Err(StoreError::Cursor);
    };
    let Some(mut listed) = back(sql, &search, before, page).await? else {
        return onward(sql, &search, &Page::first(page.limit)).await;
    };
    if let Some(next) = &listed.next {
        let rest = onward(sql, &search, &page.following(next.clone())).await?;
        if rest.rows.is_empty() && rest.next.is_none() {
            // What followed was deleted meanwhile.
            listed.next = None;
        }
    }
    Ok(listed)
}

/// The page that ends before `before`; `None` if there are no more rows before it than fit: then it
/// is the first page.
async fn back(
    sql: &mut Conn,
    search: &Search<'_>,
    before: String,
    page: &Page,
) -> Result<Option<Listed<Mailbox>>, StoreError> {
    let (statement, key) = search.index_back();
    let (mut rows, mut end, mut looked_at) = (Vec::<Mailbox>::new(), before, 0);
    let (mut full, mut nearest) = (false, None);
    while !full && looked_at < SCAN {
        let range = [end.clone().into(), page.fetch().into()];
        let values: Vec<Value> = key.clone().into_iter().chain(range).collect();
        let walked = sql.all(statement, &values).await?;
        for row in &walked {
            let found = mailbox(row)?;
            let place = Place::Addresses(found.address.to_string());
            if nearest.is_none() {
                nearest = Some(found.address.to_string());
            }
            if search.shows(sql, &found, &place).await? {
                full = rows.len() == page.rows();
                if full {
                    break;
                }
                rows.push(found);
            }
            looked_at += 1;
            if let Place::Addresses(address) = place {
                end = address;
            }
        }
        if !full && (walked.len() as i64) < page.fetch() {
            return Ok(None);
        }
    }
    rows.reverse();
    // Where nothing was shown, what was walked past first is nearest to the page behind.
    let last = rows.last().map(|last| last.address.to_string()).or(nearest);
    Ok(Some(Listed {
        rows,
        next: last.map(|last| Place::Addresses(last).to_string()),
        previous: Some(Page::back_to(&Place::Addresses(end))),
    }))
}

async fn onward(
    sql: &mut Conn,
    search: &Search<'_>,
    page: &Page,
) -> Result<Listed<Mailbox>, StoreError> {
    let mut place = match &page.after {
        None => search.first(),
        Some(cursor) => Place::parse(cursor).ok_or(StoreError::Cursor)?,
    };
    let mut rows = Vec::new();
    let mut looked_at = 0;
    loop {
        let stretch = search.walk(sql, &place, page.fetch()).await?;
        for (mailbox, passed) in stretch.rows {
            if search.shows(sql, &mailbox, &passed).await? {
                if rows.len() == page.rows() {
                    return Ok(Listed {
                        rows,
                        next: Some(place.to_string()),
                        previous: None,
                    });
                }
                rows.push(mailbox);
            }
            place = passed;
            looked_at += 1;
        }
        if let Some(next) = stretch.next {
            looked_at += 1;
            place = match next {
                Some(range) => range,
                None => {
                    return Ok(Listed {
                        rows,
                        next: None,
                        previous: None,
                    });
                }
            };
        }
        if looked_at >= SCAN {
            return Ok(Listed {
                rows,
                next: Some(place.to_string()),
                previous: None,
            });
        }
    }
}

/// All addresses after `after`, for the engines' iteration over users.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn addresses_after(
    sql: &mut Conn,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Address>, StoreError> {
    let start = after.map(text_after).unwrap_or_default();
    let rows = sql
        .all(ADDRESSES, &[start.into(), i64::from(limit).into()])
        .await?;
    rows.iter().map(|row| row.get("address")).collect()
}

/// Some mailboxes of a domain after `after`, in the order of their addresses.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_domain(
    sql: &mut Conn,
    domain: DomainId,
    after: Option<&Address>,
    limit: u32,
) -> Result<Vec<(MailboxId, Address)>, StoreError> {
    let start = after.map(|after| text_after(after.as_str()));
    let values = [
        domain.into(),
        start.unwrap_or_default().into(),
        i64::from(limit).into(),
    ];
    let rows = sql.all(IDS_OF_DOMAIN, &values).await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("address")?)))
        .collect()
}

/// Where a walk stands: after which row of which range.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// After this address, among all that the filter's index holds.
    Addresses(String),
    /// After this address, among those of its domain; later domains follow.
    Domains { domain: String, address: String },
    /// After this word of this mailbox.
    Words { word: String, mailbox: i64 },
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Addresses(address) => write!(f, "a {address}"),
            Self::Domains { domain, address } => write!(f, "d {domain} {address}"),
            Self::Words { word, mailbox } => write!(f, "w {word} {mailbox}"),
        }
    }
}

impl Place {
    fn parse(cursor: &str) -> Option<Self> {
        let (kind, place) = cursor.split_once(' ')?;
        Some(match kind {
            "a" => Self::Addresses(place.to_owned()),
            "d" => {
                let (domain, address) = place.split_once(' ')?;
                Self::Domains {
                    domain: domain.to_owned(),
                    address: address.to_owned(),
                }
            }
            "w" => {
                let (word, mailbox) = place.split_once(' ')?;
                Self::Words {
                    word: word.to_owned(),
                    mailbox: mailbox.parse().ok()?,
                }
            }
            _ => return None,
        })
    }
}

/// Some rows of a range.
struct Stretch {
    /// Each with the place after it.
    rows: Vec<(Mailbox, Place)>,
    /// When the range ends with them: where the next one begins, or `None` after the last.
    next: Option<Option<Place>>,
}

struct Search<'a> {
    filter: &'a MailboxFilter<'a>,
    /// The text as addresses and domains are searched for it; empty without a search.
    text: String,
    /// The text as names are searched for it; the longest word, which is walked, first.
    words: Vec<String>,
}

impl<'a> Search<'a> {
    fn new(filter: &'a MailboxFilter<'a>) -> Self {
        let text = filter.prefix.unwrap_or_default().trim().to_lowercase();
        let mut words: Vec<_> = words::of(&text).into_iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        Self {
            filter,
            text,
            words,
        }
    }

    fn first(&self) -> Place {
        Place::Addresses(String::new())
    }

    async fn walk(&self, sql: &mut Conn, place: &Place, limit: i64) -> Result<Stretch, StoreError> {
        match place {
            Place::Addresses(after) => self.walk_addresses(sql, after, limit).await,
            Place::Domains { domain, address } => {
                self.walk_domains(sql, domain, address, limit).await
            }
            Place::Words { word, mailbox } => self.walk_words(sql, word, *mailbox, limit).await,
        }
    }

    /// The index that serves the filter: the narrowest kind first.
    fn index(&self) -> (&'static str, Option<Value>) {
        match *self.filter {
            MailboxFilter { tag: Some(tag), .. } => (OF_TAG, Some(tag.into())),
            MailboxFilter {
                active: Some(false),
                ..
            } => (DISABLED, None),
            MailboxFilter {
                domain: Some(id), ..
            } => (OF_DOMAIN, Some(id.into())),
            MailboxFilter {
                template: Some(id), ..
            } => (OF_TEMPLATE, Some(id.into())),
            MailboxFilter {
                by_provider: Some(by),
                ..
            } => (BY_METHOD, Some(by.into())),
            _ => (ALL, None),
        }
    }

    /// The same index, walked against its order.
    fn index_back(&self) -> (&'static str, Option<Value>) {
        let (statement, key) = self.index();
        let back = match statement {
            OF_TAG => OF_TAG_BACK,
            DISABLED => DISABLED_BACK,
            OF_DOMAIN => OF_DOMAIN_BACK,
            OF_TEMPLATE => OF_TEMPLATE_BACK,
            BY_METHOD => BY_METHOD_BACK,
            _ => ALL_BACK,
        };
        (back, key)
    }

    async fn walk_addresses(
        &self,
        sql: &mut Conn,
        after: &str,
        limit: i64,
    ) -> Result<Stretch, StoreError> {
        let (statement, key) = self.index();
        let start = text_after(after).max(self.text.clone());
        let range = [start.into(), prefix_end(&self.text).into(), limit.into()];
        let values: Vec<Value> = key.into_iter().chain(range).collect();
        let rows = sql.all(statement, &values).await?;
        stretch(&rows, limit, self.after_addresses(), |_, mailbox| {
            Ok(Place::Addresses(mailbox.address.to_string()))
        })
    }

    /// Domains are searched by a single word without `@`, unless one is chosen already.
    fn after_addresses(&self) -> Option<Place> {
        if self.filter.domain.is_none() && self.searches_domains() {
            Some(Place::Domains {
                domain: self.text.clone(),
                address: String::new(),
            })
        } else {
            self.before_words()
        }
    }

    fn searches_domains(&self) -> bool {
        !self.text.is_empty() && !self.text.contains(['@', ' '])
    }

    fn before_words(&self) -> Option<Place> {
        let word = self.words.first()?;
        (!self.text.contains('@')).then(|| Place::Words {
            word: word.clone(),
            mailbox: i64::MIN,
        })
    }

    async fn walk_domains(
        &self,
        sql: &mut Conn,
        domain: &str,
        address: &str,
        limit: i64,
    ) -> Result<Stretch, StoreError> {
        let end = prefix_end(&self.text);
        let Some(found) = sql.one(DOMAIN, &[domain.into(), end.into()]).await? else {
            return Ok(Stretch {
                rows: Vec::new(),
                next: Some(self.before_words()),
            });
        };
        let (id, name): (DomainId, DomainName) = (found.get("id")?, found.get("name")?);
        let start = if name.as_str() == domain && !address.is_empty() {
            text_after(address)
        } else {
            String::new()
        };
        let values = [id.into(), start.into(), prefix_end("").into(), limit.into()];
        let rows = sql.all(OF_DOMAIN, &values).await?;
        let next = Place::Domains {
            domain: text_after(name.as_str()),
            address: String::new(),
        };
        stretch(&rows, limit, Some(next), |_, mailbox| {
            Ok(Place::Domains {
                domain: name.to_string(),
                address: mailbox.address.to_string(),
            })
        })
    }

    async fn walk_words(
        &self,
        sql: &mut Conn,
        word: &str,
        mailbox: i64,
        limit: i64,
    ) -> Result<Stretch, StoreError> {
        let Some(wanted) = self.words.first() else {
            return Err(StoreError::Cursor);
        };
        let end = prefix_end(wanted);
        let values = [word.into(), mailbox.into(), end.into(), limit.into()];
        let rows = sql.all(BY_WORD, &values).await?;
        stretch(&rows, limit, None, |row, mailbox| {
            Ok(Place::Words {
                word: row.get("word")?,
                mailbox: mailbox.id.0,
            })
        })
    }

    /// Whether a row that was walked over is shown: it fits the filter, and no earlier range of the
    /// search showed it.
    async fn shows(
        &self,
        sql: &mut Conn,
        mailbox: &Mailbox,
        place: &Place,
    ) -> Result<bool, StoreError> {
        if !self.fits(mailbox, place) {
            return Ok(false);
        }
        match (self.filter.tag, place) {
            // Walked by the tag's own index.
            (None, _) | (Some(_), Place::Addresses(_)) => Ok(true),
            (Some(tag), _) => mailbox_tags::has(sql, mailbox.id, tag).await,
        }
    }

    /// All of that but the tag, which a mailbox does not tell.
    fn fits(&self, mailbox: &Mailbox, place: &Place) -> bool {
        let MailboxFilter {
            domain,
            prefix: _,
            active,
            by_provider,
            template,
            tag: _,
        } = *self.filter;
        let fits = domain.is_none_or(|id| mailbox.domain == id)
            && active.is_none_or(|active| mailbox.active == active)
            && by_provider.is_none_or(|by| mailbox.methods.provider == by)
            && template.is_none_or(|id| mailbox.template == Some(id));
        fits && match place {
            Place::Addresses(_) => true,
            Place::Domains { .. } => !self.fits_address(mailbox),
            Place::Words { word, .. } => {
                !self.fits_address(mailbox)
                    && !self.fits_domain(mailbox)
                    && self.fits_name(&mailbox.name, word)
            }
        }
    }

    fn fits_address(&self, mailbox: &Mailbox) -> bool {
        mailbox.address.as_str().starts_with(&self.text)
    }

    fn fits_domain(&self, mailbox: &Mailbox) -> bool {
        self.filter.domain.is_none()
            && self.searches_domains()
            && mailbox.address.domain().as_str().starts_with(&self.text)
    }

    /// Whether each wanted word starts a word of the name, and `word` is the first by which the
    /// walk meets this mailbox.
    fn fits_name(&self, name: &str, word: &str) -> bool {
        let of_name = words::of(name);
        let starts = |wanted: &String| {
            of_name
                .iter()
                .find(|word| word.starts_with(wanted.as_str()))
        };
        self.words.iter().all(|wanted| starts(wanted).is_some())
            && self.words.first().and_then(starts).map(String::as_str) == Some(word)
    }
}

fn stretch(
    rows: &[Row],
    limit: i64,
    next: Option<Place>,
    place: impl Fn(&Row, &Mailbox) -> Result<Place, StoreError>,
) -> Result<Stretch, StoreError> {
    let ended = (rows.len() as i64) < limit;
    let rows = rows
        .iter()
        .map(|row| {
            let mailbox = mailbox(row)?;
            let place = place(row, &mailbox)?;
            Ok((mailbox, place))
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Stretch {
        rows,
        next: ended.then_some(next),
    })
}
