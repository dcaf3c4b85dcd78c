//! Signing in against the sample company, honest and misbehaving: every refusal by breaking the
//! real thing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod alerts;
mod apps;
mod background;
mod blocks;
mod brake;
mod codes;
mod confirmed;
mod crowd;
mod departures;
mod diagnosis;
mod ends;
mod foreseen;
mod guides;
mod habits;
mod hanging;
mod helpdesk;
mod hostile;
mod imports;
mod issuer;
mod joined;
mod journey;
mod local;
mod logout;
mod mail;
mod moves;
mod objects;
mod ownership;
mod races;
mod records;
mod relinks;
mod retention;
mod rules;
mod second;
mod several;
mod tags;
mod testing;
mod warned;
mod world;
