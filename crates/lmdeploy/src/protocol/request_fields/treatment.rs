//! [`Treatment`]: what happens to a field of a request, and the treatments that many fields share.

use Treatment::{Harmless, Refused};

/// What happens to a field of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Treatment {
    /// The request type has it.
    Used,
    /// Refused by name, unless its value, written as JSON, is one of these, which ask for nothing. Null never asks for
    /// anything.
    Refused(&'static [&'static str]),
    /// Passed whatever its value is, because it does not change the answer; the reason, for readers of the table.
    Harmless(&'static str),
}

/// A field's name and what happens to it. A dot leads to a field inside of an object.
pub(crate) type Row = (&'static str, Treatment);

/// Every value but null asks for something.
pub(crate) const NEVER: Treatment = Refused(&[]);
/// The field asks for something unless it is false.
pub(crate) const FALSE: Treatment = Refused(&["false"]);
/// The field asks for something unless it is true.
pub(crate) const TRUE: Treatment = Refused(&["true"]);
/// Every number but 0 asks for something.
pub(crate) const ZERO: Treatment = Refused(&["0"]);
/// Every number but 1 asks for something.
pub(crate) const ONE: Treatment = Refused(&["1"]);
/// A list asks for something unless it is empty.
pub(crate) const EMPTY_LIST: Treatment = Refused(&["[]"]);
/// An object asks for something unless it is empty.
pub(crate) const EMPTY_OBJECT: Treatment = Refused(&["{}"]);
/// A text asks for something unless it is empty.
pub(crate) const EMPTY_TEXT: Treatment = Refused(&["\"\""]);
/// Every number but -1, which means no limit, asks for something.
pub(crate) const MINUS_ONE: Treatment = Refused(&["-1"]);

/// Fields about what happens to an answer later on.
pub(crate) const NOT_STORED: Treatment =
    Harmless("nothing is stored or billed, and every request is served alike");
/// Fields about where a prompt is found again.
pub(crate) const CACHE_HINT: Treatment =
    Harmless("a hint for the cache, which makes an answer faster and not different");
/// Fields that choose who guides the decoding.
pub(crate) const ONE_BACKEND: Treatment =
    Harmless("there is one implementation of guided decoding and no fallback");
/// Fields that this server does not read.
pub(crate) const OTHERS_NAME: Treatment = Harmless("a name for the client's own records");
/// Fields about a text that is longer than the context.
pub(crate) const NO_SHIFT: Treatment = Harmless("a full context ends the text, and nothing of it is dropped");
/// Settings of what is refused itself.
pub(crate) const WITHOUT_EFFECT: Treatment =
    Harmless("only has an effect together with a field that is refused");
/// Marks around reasoning, which llama.cpp too takes from the chat template where that has any.
pub(crate) const OWN_MARKS: Treatment = Harmless("the marks of the model's own reasoning count");
/// Forms of reasoning apart from the text, which is how bodies without the field answer it.
pub(crate) const APART: Treatment = Refused(&["\"auto\"", "\"deepseek\""]);
