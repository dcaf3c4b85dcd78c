//! Refresh tokens: sealed, one a link, and gone with what they belong to.

use crate::support::{NOW, TempStore, later};
use model::ids::{LinkId, ProviderId};
use model::link::{LinkOrigin, Namespace};
use model::time::Timestamp;
use store::refresh_tokens::{self, Due, Kept};
use store::{OsRandom, StoreError, links, mailboxes, providers};

const TOKEN: &[u8] = b"a refresh token that nobody may read";
const EVER: Timestamp = Timestamp(i64::MAX);

/// A store with a provider and a person who is linked to it.
struct Desk {
    temp: TempStore,
    provider: ProviderId,
    link: LinkId,
}

impl Desk {
    async fn new() -> Self {
        let temp = TempStore::new();
        temp.domain("example.org").await;
        let provider = temp.provider("company").await;
        let mut desk = Self {
            temp,
            provider,
            link: LinkId(0),
        };
        desk.link = desk.linked("alice@example.org", "alice").await;
        desk
    }

    async fn linked(&self, address: &str, subject: &'static str) -> LinkId {
        let (mailbox, provider) = (self.temp.mailbox(address).await, self.provider);
        self.temp
            .write(async move |sql| {
                let (namespace, origin) = (Namespace("n".to_owned()), LinkOrigin::FirstSignIn);
                links::insert(sql, mailbox, provider, &namespace, subject, origin, NOW).await
            })
            .await
            .unwrap()
    }

    /// Sealed for the row of a link, as every secret is.
    fn sealed(&self, token: &[u8]) -> Vec<u8> {
        self.temp
            .keys
            .seal
            .seal(b"n/alice", token, &OsRandom)
            .unwrap()
    }

    async fn put(&self, link: LinkId, sealed: &[u8], due: Timestamp) -> Result<(), StoreError> {
        self.put_of_session(link, sealed, due, None, true).await
    }

    async fn put_of_session(
        &self,
        link: LinkId,
        sealed: &[u8],
        due: Timestamp,
        sid: Option<&'static str>,
        offline: bool,
    ) -> Result<(), StoreError> {
        let (provider, sealed) = (self.provider, sealed.to_vec());
        self.temp
            .write(async move |sql| {
                let kept = Kept {
                    link,
                    provider,
                    sealed: &sealed,
                    sid,
                    offline,
                    ends: None,
                    due,
                };
                refresh_tokens::put(sql, &kept).await
            })
            .await
    }

    async fn due(&self, now: Timestamp) -> Vec<Due> {
        let mut read = self.temp.read();
        let due = refresh_tokens::due(&mut read, self.provider, now, 10);
        due.await.unwrap()
    }

    async fn rotate(&self, old: &[u8], new: &[u8]) -> bool {
        let (link, old, new) = (self.link, old.to_vec(), new.to_vec());
        self.temp
            .write(async move |sql| {
                refresh_tokens::rotate(sql, link, &old, &new, None, later(60)).await
            })
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_token_lies_sealed_and_opens_for_its_person_alone() {
    let desk = Desk::new().await;
    let sealed = desk.sealed(TOKEN);
    desk.put(desk.link, &sealed, NOW).await.unwrap();
    let [row] = desk.due(NOW).await.try_into().unwrap();
    assert_eq!(row.address, crate::support::address("alice@example.org"));
    assert_eq!((row.link, row.asked, row.active), (desk.link, None, true));
    let key = &desk.temp.keys.seal;
    assert_eq!(**key.open(b"n/alice", &row.sealed).unwrap(), *TOKEN);
    assert!(key.open(b"n/bob", &row.sealed).is_err());
    for entry in std::fs::read_dir(desk.temp.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let plain = bytes.windows(TOKEN.len()).any(|part| part == TOKEN);
        assert!(!plain, "in the clear in {}", path.display());
    }
}

#[tokio::test]
async fn a_link_has_one_token_and_the_last_sign_in_brought_it() {
    let desk = Desk::new().await;
    let [first, second, third] = [b"1", b"2", b"3"].map(|token| desk.sealed(token));
    desk.put(desk.link, &first, NOW).await.unwrap();
    let (link, old) = (desk.link, first.clone());
    let ask = || {
        let old = old.clone();
        desk.temp
            .write(async move |sql| refresh_tokens::ask(sql, link, &old, None, NOW).await)
    };
    assert_eq!(ask().await, Ok(true));
    assert_eq!(ask().await, Ok(false), "somebody else is at it");
    assert_eq!(desk.due(NOW).await[0].asked, Some(NOW));

    // A sign-in meanwhile: the answer to the older token changes nothing any more.
    desk.put(desk.link, &second, later(5)).await.unwrap();
    assert!(!desk.rotate(&first, &third).await);
    assert_eq!(desk.due(later(4)).await, [], "not before its turn");
    let [row] = desk.due(later(5)).await.try_into().unwrap();
    assert_eq!((row.sealed, row.asked), (second.clone(), None));

    assert!(desk.rotate(&second, &third).await);
    let [row] = desk.due(EVER).await.try_into().unwrap();
    assert_eq!(row.sealed, third);
    let (link, forgotten) = (desk.link, second);
    let forget = desk
        .temp
        .write(async move |sql| refresh_tokens::forget(sql, link, &forgotten).await);
    assert_eq!(forget.await, Ok(false), "another took its place");
    assert_eq!(desk.due(EVER).await.len(), 1);
}

#[tokio::test]
async fn who_waits_longest_is_asked_about_first() {
    let desk = Desk::new().await;
    let bob = desk.linked("bob@example.org", "bob").await;
    desk.put(desk.link, b"a", later(2)).await.unwrap();
    desk.put(bob, b"b", later(1)).await.unwrap();
    let turns: Vec<_> = desk.due(EVER).await.iter().map(|row| row.link).collect();
    assert_eq!(turns, [bob, desk.link]);
    let other = desk.temp.provider("other").await;
    let theirs = refresh_tokens::due(&mut desk.temp.read(), other, EVER, 10).await;
    assert_eq!(theirs, Ok(vec![]), "each provider by itself");
    assert_eq!(
        desk.put(LinkId(99), b"c", NOW).await,
        Err(StoreError::Missing)
    );
}

/// What a logout there does to the token of a session.
#[tokio::test]
async fn a_token_of_a_session_ends_with_it_and_another_is_used_at_once() {
    for (sid, offline, ended, left) in [
        (Some("s"), false, Some("s"), 0),
        (Some("s"), false, Some("t"), 1),
        (Some("s"), false, None, 0),
        (None, false, Some("s"), 0),
        (Some("s"), true, Some("s"), 1),
        (Some("s"), true, None, 1),
    ] {
        let desk = Desk::new().await;
        let put = desk.put_of_session(desk.link, b"a", later(100), sid, offline);
        put.await.unwrap();
        let link = desk.link;
        let told = desk
            .temp
            .write(async move |sql| refresh_tokens::signed_out(sql, link, ended, NOW).await);
        told.await.unwrap();
        let due = desk.due(NOW).await.len();
        assert_eq!(due, left, "of {sid:?}, offline {offline}, ended {ended:?}");
    }
}

#[tokio::test]
async fn a_new_client_secret_leaves_tokens_and_what_they_belong_to_takes_them_along() {
    let desk = Desk::new().await;
    let id = desk.provider;
    let set = desk
        .temp
        .write(async move |sql| providers::set_secret(sql, id, Some((b"s", "")), NOW).await);
    set.await.unwrap();
    desk.put(desk.link, b"a", NOW).await.unwrap();
    let clear = desk
        .temp
        .write(async move |sql| providers::set_secret(sql, id, None, NOW).await);
    clear.await.unwrap();
    assert_eq!(
        desk.due(EVER).await.len(),
        1,
        "who may be shown a token is sealed with it"
    );

    let bob = desk.linked("bob@example.org", "bob").await;
    desk.put(bob, b"b", NOW).await.unwrap();
    let mailbox = desk.due(EVER).await[0].mailbox;
    desk.temp
        .write(async move |sql| mailboxes::delete(sql, mailbox, "admin", NOW, NOW).await)
        .await
        .unwrap();
    let left: Vec<_> = desk.due(EVER).await.iter().map(|row| row.link).collect();
    assert_eq!(left, [bob], "a deleted mailbox takes its token along");

    let forget = || {
        desk.temp
            .write(async move |sql| refresh_tokens::forget_provider(sql, id).await)
    };
    assert_eq!(forget().await, Ok(1));
    assert_eq!(forget().await, Ok(0));
    let any = refresh_tokens::any_of(&mut desk.temp.read(), id).await;
    assert_eq!(any, Ok(false));
}
