//! [`lark`]: a grammar in llama.cpp's notation, GBNF, in the one that llguidance reads.
//!
//! ```text
//! root ::= "(" root ")" | [a-z]+     ->     start: r0
//!                                           r0: (T0 r0 T1 | T2)
//!                                           T0: /\x{28}/ & /(?s:.+)/    ..
//! ```
//!
//! GBNF has no tokens below its rules. What refers to no recursive rule becomes one terminal, a regular
//! expression, so that the text is not cut in a way that the grammar does not say; only the rest stays rules.
//! xgrammar's EBNF, which vLLM takes, is the same notation as far as it is read here.
//! <https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md>

mod read;
mod write;

/// The rule with which a text begins.
const ROOT: &str = "root";

/// The rules of a grammar; a rule is known by its place.
#[derive(Debug)]
struct Grammar {
    nodes: Vec<Node>,
    root: usize,
}

/// What a rule is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Node {
    Text(String),
    /// One character out of ranges, or none of them.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Any,
    Rule(usize),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    /// From `min` to `max` times; without `max`, any number of times.
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
}

/// Whether a grammar is in this notation: its first rule has `::=`, which Lark's have not.
pub(super) fn is_gbnf(text: &str) -> bool {
    read::begins(text)
}

/// The grammar in Lark's notation.
///
/// # Errors
/// What is wrong with the grammar, with line and column where it is known.
pub(super) fn lark(text: &str) -> Result<String, String> {
    write::write(&read::read(text)?)
}

#[cfg(test)]
mod tests;
