//! The keys that sign ID tokens: made at first use, rotated, published.
