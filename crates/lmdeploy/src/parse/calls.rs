//! [`Calls`]: what every format of tool calls says about itself.

use super::buffer::{Marks, Symbol};
use super::output::{Output, Place};

/// Maximum number of bytes in the name of a function or of an argument.
const MAX_NAME: usize = 256;

/// What a symbol was to a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// It fits. Whether it belongs to a call is not certain yet.
    Pending,
    /// It belongs to a call, and so does everything before it.
    Taken,
    /// It is the last one: text follows.
    Closed,
    /// It does not fit, and was not read. All that is not certain becomes text.
    Broken,
}

/// The calls of one format, read symbol by symbol. What has been read is only kept between a beginning and its end.
pub(super) trait Calls: std::fmt::Debug + Send {
    /// All marks of the format.
    fn all(&self) -> &'static [&'static str];

    /// The marks that begin calls.
    fn opens(&self) -> &'static [&'static str];

    /// The mark behind which text follows even if what is in front of it is not a call.
    fn close(&self) -> Option<&'static str>;

    /// Whether a character of the text may begin calls without a mark.
    fn begins(&self, _character: char, _place: Place) -> bool {
        false
    }

    /// Forgets everything; the mark or character that begins calls is the next step.
    fn begin(&mut self);

    /// The marks that are looked for next.
    fn marks(&self) -> Marks<'static>;

    /// Takes the next symbol. The first one after [`Calls::begin`] is never broken.
    fn step(&mut self, symbol: Symbol, output: &mut Output) -> Step;
}

/// What a symbol is to a name that ends at a character.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Named {
    /// Part of the name.
    Part,
    /// The character behind it.
    End,
    /// A symbol that names do not have.
    Wrong,
}

/// Reads a name up to `end`.
pub(super) fn read_name(name: &mut String, symbol: Symbol, end: char) -> Named {
    match symbol.character() {
        Some(character) if character == end && !name.trim().is_empty() => Named::End,
        None | Some('<' | '>' | '"' | '{' | '\n') => Named::Wrong,
        Some(_) if name.len() >= MAX_NAME => Named::Wrong,
        Some(character) => {
            name.push(character);
            Named::Part
        }
    }
}
