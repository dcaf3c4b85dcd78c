//! When a provider's word that people are gone is believed.

/// Most people who may become unconfirmed at one provider within [`WINDOW`]; one more stops asking.
const MOST: u32 = 10;
/// Or one in so many of its people: 2 %.
const ONE_IN: u32 = 50;
/// So few never stop it, however small the company: somebody who leaves is no fault.
const ALWAYS: u32 = 2;

/// Over how long they are counted.
pub const WINDOW: std::time::Duration = std::time::Duration::from_secs(3600);

/// Whether asking has to stop: `gone` people of a provider's `people` became unconfirmed within
/// [`WINDOW`]. That many at once are rather a fault of the provider than a company that closes.
#[must_use]
pub const fn too_many(gone: u32, people: u32) -> bool {
    gone > MOST || (gone > ALWAYS && gone.saturating_mul(ONE_IN) > people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_ten_or_two_in_a_hundred_stop_it() {
        for (gone, people, stop) in [
            (1, 1, false),
            (2, 3, false),
            (3, 3, true),
            (3, 149, true),
            (3, 150, false),
            (10, 500, false),
            (10, 499, true),
            (10, 1_000_000, false),
            (11, 1_000_000, true),
            (u32::MAX, 0, true),
        ] {
            assert_eq!(too_many(gone, people), stop, "{gone} of {people}");
        }
    }
}
