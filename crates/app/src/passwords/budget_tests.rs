//! What the budgets let through and what they do not.

use super::*;
use std::collections::HashSet;

struct Hand(Mutex<Duration>);

impl Hand {
    fn forward(&self, by: Duration) {
        *self.0.lock() += by;
    }
}

impl Monotonic for Hand {
    fn elapsed(&self) -> Duration {
        *self.0.lock()
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HASH: Option<&str> = Some("$argon2id$of-alice");

fn budgets() -> (Budgets, Arc<Hand>) {
    let time = Arc::new(Hand(Mutex::new(Duration::from_secs(1_000_000))));
    (Budgets::new(time.clone()), time)
}

fn ip(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, last]))
}

fn net(number: u32) -> Option<IpAddr> {
    Some(IpAddr::from((0x0a00_0000 + number).to_be_bytes()))
}

fn mailbox(name: &str) -> Account {
    Account::Mailbox(name.to_owned())
}

fn alice() -> Account {
    mailbox("alice@x.example")
}

async fn guess(
    budgets: &Budgets,
    who: &Account,
    ip: Option<IpAddr>,
    guess: &str,
) -> Result<Delay, Held> {
    let mut charge = budgets.admit(who, ip).await?;
    charge.against(HASH, guess)?;
    Ok(charge.failed())
}

async fn right(budgets: &Budgets, ip: Option<IpAddr>) -> Result<(), Held> {
    let mut charge = budgets.admit(&alice(), ip).await?;
    charge.against(HASH, "right")?;
    charge.succeeded();
    Ok(())
}

#[tokio::test]
async fn a_pair_is_held_back_after_ten_and_freed_by_time() {
    let (budgets, time) = budgets();
    for n in 0..10 {
        guess(&budgets, &alice(), ip(1), &n.to_string())
            .await
            .unwrap();
    }
    let held = guess(&budgets, &alice(), ip(1), "x").await.unwrap_err();
    assert_eq!(held, Held::Wait(Wait(MINUTE)));
    right(&budgets, ip(2)).await.unwrap();
    guess(&budgets, &mailbox("bob@x.example"), ip(1), "x")
        .await
        .unwrap();
    time.forward(MINUTE);
    right(&budgets, ip(1)).await.unwrap();
}

/// Guesses side by side: each is looked at only while those under way leave room.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_guesses_at_once_pass_no_more_than_one_after_the_other() {
    let (budgets, _time) = budgets();
    let budgets = Arc::new(budgets);
    let start = Arc::new(tokio::sync::Barrier::new(64));
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let (budgets, start) = (Arc::clone(&budgets), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                let mut charge = budgets.admit(&alice(), ip(1)).await?;
                charge.against(HASH, &n.to_string())?;
                // As a slow hash would: everybody is under way before anybody has failed.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok::<_, Held>(charge.failed())
            })
        })
        .collect();
    let mut looked_at = 0;
    for task in tries {
        looked_at += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(looked_at, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_passwords_side_by_side_all_pass() {
    let (budgets, _time) = budgets();
    let budgets = Arc::new(budgets);
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let budgets = Arc::clone(&budgets);
            tokio::spawn(async move {
                let mut charge = budgets.admit(&alice(), ip(1)).await?;
                charge.against(HASH, "right")?;
                tokio::time::sleep(Duration::from_millis(1)).await;
                charge.succeeded();
                Ok::<_, Held>(())
            })
        })
        .collect();
    for task in tries {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_was_not_looked_at_costs_nothing_and_what_was_dropped_costs_one() {
    let (budgets, _time) = budgets();
    for _ in 0..100 {
        budgets.admit(&alice(), ip(1)).await.unwrap().withdraw();
    }
    assert_eq!(budgets.table.lock().levels.len(), 0);
    for _ in 0..10 {
        drop(budgets.admit(&alice(), ip(1)).await.unwrap());
    }
    assert!(budgets.admit(&alice(), ip(1)).await.is_err());
}

#[tokio::test]
async fn many_networks_share_an_accounts_budget_but_a_known_one_is_free() {
    let (budgets, _time) = budgets();
    right(&budgets, ip(200)).await.unwrap();
    for n in 0..50 {
        guess(&budgets, &alice(), ip(n), &n.to_string())
            .await
            .unwrap();
    }
    assert!(right(&budgets, ip(100)).await.is_err());
    right(&budgets, ip(200)).await.unwrap();
}

/// NIST SP 800-63B, 3.2.2: at most 100 consecutive failures.
#[tokio::test]
async fn a_hundred_wrong_passwords_in_a_row_stop_strangers_and_nobody_else() {
    let (budgets, time) = budgets();
    right(&budgets, ip(200)).await.unwrap();
    let mut looked_at = 0;
    for n in 0..1000 {
        time.forward(MINUTE);
        looked_at += u32::from(
            guess(&budgets, &alice(), net(n), &n.to_string())
                .await
                .is_ok(),
        );
    }
    assert_eq!(looked_at, 100);
    time.forward(1000 * MINUTE);
    assert_eq!(
        right(&budgets, net(5)).await,
        Err(Held::Stopped),
        "no time ends it"
    );
    guess(&budgets, &alice(), ip(200), "typing error")
        .await
        .unwrap();
    let mut charge = budgets.admit(&alice(), net(5)).await.unwrap();
    charge.against(Some("$argon2id$a-new-one"), "new").unwrap();
    charge.withdraw();
    right(&budgets, ip(200)).await.unwrap();
    right(&budgets, net(5)).await.unwrap();
}

#[tokio::test]
async fn a_known_network_has_a_hundred_of_its_own() {
    let (budgets, time) = budgets();
    right(&budgets, ip(200)).await.unwrap();
    let mut looked_at = 0;
    for n in 0..1000 {
        time.forward(MINUTE);
        looked_at += u32::from(
            guess(&budgets, &alice(), ip(200), &n.to_string())
                .await
                .is_ok(),
        );
    }
    assert_eq!(looked_at, 100);
}

#[tokio::test]
async fn a_program_that_repeats_an_old_password_stops_nobody() {
    let (budgets, time) = budgets();
    for _ in 0..1000 {
        time.forward(2 * MINUTE);
        guess(&budgets, &alice(), ip(1), "the old one")
            .await
            .unwrap();
    }
    right(&budgets, ip(1)).await.unwrap();
}

#[tokio::test]
async fn one_network_cannot_spray_all_accounts() {
    let (budgets, _time) = budgets();
    for n in 0..100 {
        let who = mailbox(&format!("user{n}@x.example"));
        guess(&budgets, &who, ip(1), "Winter2026!").await.unwrap();
    }
    let fresh = mailbox("fresh@x.example");
    assert!(guess(&budgets, &fresh, ip(1), "x").await.is_err());
    guess(&budgets, &fresh, ip(2), "x").await.unwrap();
}

/// Requests without a password to hash are throttled by nothing: they must not fill the table.
#[tokio::test]
async fn a_flood_of_names_from_one_network_takes_little_room_and_locks_nobody_out() {
    let (budgets, _time) = budgets();
    right(&budgets, ip(200)).await.unwrap();
    for n in 0..300_000 {
        budgets.failed(&mailbox(&format!("{n}@x.example")), ip(1));
    }
    assert!(budgets.table.lock().levels.len() <= 250);
    right(&budgets, ip(200)).await.unwrap();
    right(&budgets, ip(2)).await.unwrap();
}

#[tokio::test]
async fn a_flood_from_many_networks_locks_nobody_out() {
    let (budgets, _time) = budgets();
    right(&budgets, ip(200)).await.unwrap();
    for n in 0..300_000 {
        budgets.failed(&mailbox(&format!("{n}@x.example")), net(n));
    }
    right(&budgets, ip(200)).await.unwrap();
    right(&budgets, ip(2)).await.unwrap();
}

#[tokio::test]
async fn requests_without_a_human_password_never_hold_an_account_back() {
    let (budgets, _time) = budgets();
    for n in 0..200 {
        budgets.failed(&alice(), net(n));
    }
    right(&budgets, ip(1)).await.unwrap();
}

#[tokio::test]
async fn names_of_different_kinds_do_not_meet() {
    let (budgets, _time) = budgets();
    for n in 0..60 {
        let who = mailbox("root");
        let _ = guess(&budgets, &who, net(n), &n.to_string()).await;
        let _ = guess(&budgets, &mailbox("admin:root"), net(n), &n.to_string()).await;
        let _ = guess(&budgets, &mailbox("setup-link"), net(n), &n.to_string()).await;
    }
    guess(&budgets, &Account::Admin("root".to_owned()), ip(9), "x")
        .await
        .unwrap();
    budgets.try_other(OtherTry::SetupLink, ip(9)).unwrap();
}

#[test]
fn other_tries_are_counted_by_network_alone() {
    let (budgets, _time) = budgets();
    for _ in 0..10 {
        budgets.try_other(OtherTry::SetupLink, ip(1)).unwrap();
    }
    assert_eq!(
        budgets.try_other(OtherTry::SetupLink, ip(1)),
        Err(Wait(MINUTE))
    );
    budgets.try_other(OtherTry::SetupLink, ip(2)).unwrap();
    budgets.forgive(OtherTry::SetupLink, ip(1));
    budgets.try_other(OtherTry::SetupLink, ip(1)).unwrap();
}

#[tokio::test]
async fn answers_to_failures_slow_down() {
    let (budgets, _time) = budgets();
    let mut delays = Vec::new();
    for n in 0..7 {
        let Delay(delay) = guess(&budgets, &alice(), ip(1), &n.to_string())
            .await
            .unwrap();
        delays.push(delay.as_millis());
    }
    assert_eq!(delays, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
}

#[test]
fn keys_of_one_try_differ() {
    let (budgets, _time) = budgets();
    let keys = budgets.keys(&alice(), ip(1));
    assert_eq!(
        HashSet::from([keys.account, keys.network, keys.pair]).len(),
        3
    );
}

/// The next worker's clock starts at nought.
fn successor(of: &Budgets) -> (Budgets, Arc<Hand>) {
    let time = Arc::new(Hand(Mutex::default()));
    let next = Budgets::new(time.clone());
    next.take_over(&of.hand_over().unwrap()).unwrap();
    (next, time)
}

#[tokio::test]
async fn a_planned_restart_forgets_neither_a_stopped_account_nor_a_known_network() {
    let (before, time) = budgets();
    right(&before, ip(200)).await.unwrap();
    for n in 0..200 {
        time.forward(MINUTE);
        let _ = guess(&before, &alice(), net(n), &n.to_string()).await;
    }
    let (budgets, time) = successor(&before);
    time.forward(1000 * MINUTE);
    assert_eq!(right(&budgets, net(5)).await, Err(Held::Stopped));
    right(&budgets, ip(200)).await.unwrap();
    right(&budgets, net(5)).await.unwrap();
}

#[tokio::test]
async fn levels_fall_and_networks_age_across_a_planned_restart() {
    let (before, time) = budgets();
    right(&before, ip(200)).await.unwrap();
    time.forward(29 * 24 * 60 * MINUTE);
    for n in 0..10 {
        guess(&before, &alice(), ip(1), &n.to_string())
            .await
            .unwrap();
    }
    let (budgets, time) = successor(&before);
    let held = guess(&budgets, &alice(), ip(1), "x").await.unwrap_err();
    assert_eq!(held, Held::Wait(Wait(MINUTE)));
    time.forward(MINUTE);
    guess(&budgets, &alice(), ip(1), "x").await.unwrap();

    let strangers_fill = async |budgets: &Budgets| {
        for n in 0..60 {
            let _ = guess(budgets, &alice(), net(n), &n.to_string()).await;
        }
    };
    strangers_fill(&budgets).await;
    budgets.admit(&alice(), ip(200)).await.unwrap().withdraw();
    time.forward(2 * 24 * 60 * MINUTE);
    strangers_fill(&budgets).await;
    assert!(right(&budgets, ip(200)).await.is_err(), "31 days");
}

#[test]
fn budgets_of_another_version_change_nothing() {
    let (budgets, _time) = budgets();
    let mut bytes = budgets.hand_over().unwrap();
    assert!(budgets.take_over(b"{}").is_err());
    let text = String::from_utf8(bytes.clone()).unwrap();
    bytes = text
        .replacen("\"format\":1", "\"format\":2", 1)
        .into_bytes();
    assert!(budgets.take_over(&bytes).is_err());
}

#[tokio::test]
async fn a_standing_is_told_without_counting_and_cleared() {
    let (budgets, time) = budgets();
    let standing = |last| budgets.standing(&alice(), ip(last), HASH);
    for _ in 0..1000 {
        assert_eq!(standing(1), Standing::Free);
    }
    for guess in 0..10 {
        let mut charge = budgets.admit(&alice(), ip(1)).await.unwrap();
        charge.against(HASH, &format!("guess {guess}")).unwrap();
        charge.failed();
    }
    // What the next try meets is what is told.
    let held = budgets.admit(&alice(), ip(1)).await.unwrap_err();
    let Held::Wait(wait) = held else {
        panic!("{held:?}")
    };
    assert_eq!(standing(1), Standing::Waits(wait));
    assert_eq!(standing(2), Standing::Free, "from elsewhere");
    budgets.clear(&alice(), ip(1));
    assert_eq!(standing(1), Standing::Free);
    budgets.admit(&alice(), ip(1)).await.unwrap().withdraw();

    // A hundred in a row, from many networks and over many hours.
    for guess in 0..100 {
        time.forward(10 * MINUTE);
        let mut charge = budgets.admit(&alice(), net(guess)).await.unwrap();
        charge.against(HASH, &format!("other {guess}")).unwrap();
        charge.failed();
    }
    time.forward(600 * MINUTE);
    assert_eq!(standing(3), Standing::Stopped);
    let anew = budgets.standing(&alice(), ip(3), Some("$argon2id$a new one"));
    assert_eq!(anew, Standing::Free, "a new password");
    budgets.clear(&alice(), ip(3));
    assert_eq!(standing(3), Standing::Free);
}
