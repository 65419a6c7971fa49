//! The service through its front door: requests in, answers out, on a real store and journal.

mod bad_input;
mod bulk;
mod documentation;
mod door;
mod engine;
mod events;
mod health;
mod lists;
mod loops;
mod metrics;
mod privacy;
mod problems;
mod redirects;
mod replicas;
mod shorten;
mod test_app;
mod urls;
mod users;
