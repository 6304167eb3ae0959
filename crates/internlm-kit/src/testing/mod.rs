//! What the tests of the workspace share: random numbers, damaged bytes, binaries as users run them, a small HTTP server.
//!
//! Only for tests (`internlm-kit = { .., features = ["testing"] }` under `[dev-dependencies]`). Everything here panics
//! with a sentence when it cannot do what the test needs.

mod contract;
mod mutations;
mod program;
mod random;
mod server;
mod shared;

pub use mutations::mutate;
pub use program::{BadInputCase, Program, Ran};
pub use random::TestRng;
pub use server::{Request, Response, TestServer};
pub use shared::shared_data;
