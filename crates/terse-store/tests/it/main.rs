//! The conformance suite: what a store promises, on every engine; and what only a SQLite file can do.

mod bus;
mod clicks;
mod copying;
mod damage;
mod damage_met;
mod engine;
mod events;
mod folding;
mod import;
mod links;
mod links_changed;
mod model;
mod restored;
mod sample;
mod sqlite_file;
mod users;
