//! The authorization endpoint: who asks, for whom, whether the person is asked, and the code.
