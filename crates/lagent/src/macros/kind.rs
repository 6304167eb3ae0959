//! Chooses by the type of a returned value how it becomes an outcome.
//!
//! A type may be displayed, serialized, both, or neither, and Rust has no "else" between traits. But the compiler looks
//! for a method at a reference before it looks at what the reference points to. So a trait that is implemented for
//! `&&Probe<T>` comes before one for `&Probe<T>`, which comes before one for `Probe<T>`, and traits whose conditions `T`
//! does not meet are passed over. The macros write `(&&&Probe::of(&value)).lagent_kind().apply(value)`.

use std::fmt::Display;
use std::marker::PhantomData;

use serde::Serialize;

use super::Outcome;

/// The type of a value, without the value.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T> Probe<T> {
    /// Takes the type of a value.
    #[must_use]
    pub fn of(_: &T) -> Self {
        Self(PhantomData)
    }
}

/// Comes first at `&&Probe`: the value is a `Result`.
pub trait ResultSplit {
    /// Returns the way for results.
    fn lagent_split(&self) -> FromResult {
        FromResult
    }
}

impl<T, E> ResultSplit for &Probe<Result<T, E>> {}

/// Comes second at `&&Probe`: any other value.
pub trait PlainSplit {
    /// Returns the way for values that cannot fail.
    fn lagent_split(&self) -> FromPlain {
        FromPlain
    }
}

impl<T> PlainSplit for Probe<T> {}

/// The way of a `Result`: its error becomes a message.
#[derive(Clone, Copy, Debug)]
pub struct FromResult;

impl FromResult {
    /// Turns the error into text.
    ///
    /// # Errors
    /// The text of the given error, with its causes if its type shows them.
    pub fn apply<T, E: Display>(self, value: Result<T, E>) -> Result<T, String> {
        value.map_err(|error| format!("{error:#}"))
    }
}

/// The way of a value that cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct FromPlain;

impl FromPlain {
    /// Returns the value as it is.
    ///
    /// # Errors
    /// None: the type is that of [`FromResult::apply`].
    pub fn apply<T>(self, value: T) -> Result<T, String> {
        Ok(value)
    }
}

/// Comes first at `&&&Probe`: the value is made for results.
pub trait OwnKind {
    /// Returns the way of values made for results.
    fn lagent_kind(&self) -> FromOwn {
        FromOwn
    }
}

impl<T: Into<Outcome>> OwnKind for &&Probe<T> {}

/// Comes second at `&&&Probe`: the value can be displayed.
pub trait DisplayKind {
    /// Returns the way of values that can be displayed.
    fn lagent_kind(&self) -> FromDisplay {
        FromDisplay
    }
}

impl<T: Display> DisplayKind for &Probe<T> {}

/// Comes third at `&&&Probe`: the value can be serialized.
pub trait JsonKind {
    /// Returns the way of values that can be serialized.
    fn lagent_kind(&self) -> FromJson {
        FromJson
    }
}

impl<T: Serialize> JsonKind for Probe<T> {}

/// The way of a value that is made for results.
#[derive(Clone, Copy, Debug)]
pub struct FromOwn;

impl FromOwn {
    /// Converts the value without loss.
    pub fn apply(self, value: impl Into<Outcome>) -> Outcome {
        value.into()
    }
}

/// The way of a value that can be displayed.
#[derive(Clone, Copy, Debug)]
pub struct FromDisplay;

impl FromDisplay {
    /// Displays the value as one text.
    pub fn apply(self, value: impl Display) -> Outcome {
        Outcome::text(value.to_string())
    }
}

/// The way of a value that can be serialized.
#[derive(Clone, Copy, Debug)]
pub struct FromJson;

impl FromJson {
    /// Serializes the value as one text of JSON.
    pub fn apply(self, value: impl Serialize) -> Outcome {
        match serde_json::to_value(value) {
            Ok(value) => value.into(),
            Err(error) => Outcome::Failed(format!("the result cannot be written as JSON: {error}")),
        }
    }
}
