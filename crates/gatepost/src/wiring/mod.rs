//! From the configuration to use cases that work: what the workers and the command line start from.
//!
//! | who | calls |
//! |---|---|
//! | migrate process | [`prepare_store`] |
//! | web worker | [`RemoteDesk::connect`], [`web_app`], [`Learning::begin`], [`EngineEffects`] |
//! | auth worker | [`mail_app`], [`serve_desk`], [`hand_on_learned`] |
//! | a command without a server | [`local_app`] |

mod apps;
mod desk;
mod effects;
mod learned;
mod removals;
mod secret;
mod settings;

pub use apps::{Mail, local_app, mail_app, prepare_store, web_app};
pub use desk::{DeskAnswer, DeskChannel, DeskQuestion, RemoteDesk, serve_desk};
pub use effects::EngineEffects;
pub use learned::{ChannelRecorder, Learning, hand_on_learned};
pub use secret::WireSecret;
