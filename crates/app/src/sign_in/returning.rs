//! Answers that are being judged right now.
//!
//! A flow leaves the store in the transaction that ends its sign-in, so that coming back costs one
//! commit and a crash in between uses nothing up. Until then this keeps a second answer with the
//! same state from reaching the provider.

use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;

/// Tags of the states whose answers are being judged: one for each request under way.
#[derive(Debug, Default)]
pub(crate) struct Returning(Mutex<HashSet<Vec<u8>>>);

/// The only answer with its state, until it is dropped.
#[derive(Debug)]
pub(super) struct OnlyOne {
    all: Arc<Returning>,
    state_tag: Vec<u8>,
}

impl Returning {
    /// `None` while another answer with this state is being judged.
    pub(super) fn enter(self: &Arc<Self>, state_tag: &[u8]) -> Option<OnlyOne> {
        let entered = self.0.lock().insert(state_tag.to_vec());
        entered.then(|| OnlyOne {
            all: Arc::clone(self),
            state_tag: state_tag.to_vec(),
        })
    }
}

impl Drop for OnlyOne {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.state_tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_answers_with_one_state_one_enters_at_a_time() {
        let all = Arc::new(Returning::default());
        let first = all.enter(b"a").unwrap();
        assert!(all.enter(b"a").is_none());
        assert!(all.enter(b"b").is_some());
        drop(first);
        assert!(all.enter(b"a").is_some());
        assert!(all.0.lock().is_empty());
    }
}
