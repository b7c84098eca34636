//! Trustplane on one machine: the deployed Lambda binaries behind a local API Gateway, with an embedded DynamoDB engine
//! and a small AWS organization of a customer.
//!
//! `cargo local` runs it for developers. Each end-to-end test starts its own [`Stack`].

mod archive;
mod arguments;
pub mod authority;
pub mod binaries;
mod bus;
mod delivery;
pub mod demo;
pub mod dns;
mod endpoint;
pub mod engine;
mod environment;
mod error;
mod gateway;
pub mod greeting;
pub mod http;
pub mod https;
pub mod identity_provider;
mod invoke;
mod journal;
pub mod lambda;
mod listen;
mod lock;
pub mod logs;
mod options;
pub mod pattern;
mod process;
mod receiver;
mod runtime_api;
mod sam;
mod schedule;
mod stack;
mod streams;
pub mod template;
pub mod wait;

pub use arguments::{Command, HELP, scenarios};
pub use error::Error;
pub use options::Options;
pub use schedule::Clock;
pub use stack::{API_HOST, Stack};
