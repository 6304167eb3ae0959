//! What the code needs that [`tool`](crate::tool) and [`toolkit`](crate::toolkit) write. It changes with them, so it is
//! not for use by hand.

mod arguments;
mod kind;
mod outcome;
#[cfg(doctest)]
mod refused;
mod wait;

pub use serde_json::Value;
pub use {schemars, serde};

pub use arguments::{call, spec};
pub use kind::{
    DisplayKind, FromDisplay, FromJson, FromOwn, FromPlain, FromResult, JsonKind, OwnKind, PlainSplit, Probe,
    ResultSplit,
};
pub use outcome::Outcome;
pub use wait::wait;
