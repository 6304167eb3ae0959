//! Splitting text into words as `tokenizer.json` says, without look-ahead.
//!
//! Equal to the pre-tokenizers `Split` (isolated), `Digits` and `ByteLevel` of the `tokenizers` crate for patterns
//! that need no look-around, except for the usual end `\s+(?!\S)|\s+`: a run of white space gives its last
//! character to the word after it by arithmetic. The first such pattern is that of GPT-2's `encoder.py`.

use std::ops::Range;
use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use regex_syntax::ast::Ast;
use serde_json::Value;

/// GPT-2's words, the pattern of `ByteLevel`.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The end of nearly all patterns.
const SPACES: &str = r"|\s+(?!\S)|\s+";

/// GPT-2's words with single digits: the pre-tokenizer of vocabularies we train.
static TRAINED: LazyLock<PreTokenizer> = LazyLock::new(|| {
    let gpt2 = Splitter::new(GPT2).expect("the pattern is a constant that parses");
    PreTokenizer { steps: vec![Step::Digits(Digits::Single), Step::Split(gpt2)] }
});

/// Calls `word` with every word of `text`, in order; joined they are `text`.
pub(super) fn words<'a>(text: &'a str, mut word: impl FnMut(&'a str)) {
    TRAINED.words(text, &mut word);
}

/// Steps that split text, each what the one before it left.
#[derive(Debug)]
pub(super) struct PreTokenizer {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Digits(Digits),
    Split(Splitter),
}

/// How digits are separated from everything else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Digits {
    Single,
    Runs,
}

impl PreTokenizer {
    /// From the value of `pre_tokenizer` of a vocabulary in the byte alphabet; `None` when it asks for something
    /// else than we can do.
    pub(super) fn byte_level(json: &Value) -> Option<Self> {
        let steps = match json["type"].as_str()? {
            "Sequence" => &json["pretokenizers"].as_array()?[..],
            _ => std::slice::from_ref(json),
        };
        let (last, before) = steps.split_last()?;
        let mut steps: Vec<Step> = before.iter().map(Step::of).collect::<Option<_>>()?;
        if last["type"] != "ByteLevel" || last["add_prefix_space"] != false {
            return None;
        }
        if last["use_regex"] != false {
            steps.push(Step::Split(Splitter::new(GPT2)?));
        }
        Some(Self { steps })
    }

    /// Calls `word` with every word of `text`, in order; joined they are `text`.
    pub(super) fn words<'a>(&self, text: &'a str, word: &mut dyn FnMut(&'a str)) {
        run(&self.steps, text, word);
    }
}

fn run<'a>(steps: &[Step], text: &'a str, word: &mut dyn FnMut(&'a str)) {
    match steps {
        _ if text.is_empty() => {}
        [] => word(text),
        [Step::Digits(digits), rest @ ..] => digits.split(text, |part| run(rest, part, word)),
        [Step::Split(splitter)] => splitter.split(text, word),
        [Step::Split(splitter), rest @ ..] => splitter.split(text, |part| run(rest, part, word)),
    }
}

impl Step {
    fn of(json: &Value) -> Option<Self> {
        match json["type"].as_str()? {
            "Digits" if json["individual_digits"] == true => Some(Self::Digits(Digits::Single)),
            "Digits" if json["individual_digits"] == false => Some(Self::Digits(Digits::Runs)),
            "Split" if json["behavior"] == "Isolated" && json["invert"] != true => {
                Splitter::new(json["pattern"]["Regex"].as_str()?).map(Self::Split)
            }
            _ => None,
        }
    }
}

impl Digits {
    fn split<'a>(self, text: &'a str, mut part: impl FnMut(&'a str)) {
        let mut rest = text;
        while let Some((at, digit)) = rest.char_indices().find(|(_, c)| c.is_numeric()) {
            let (before, digits) = rest.split_at(at);
            let end = match self {
                Self::Single => digit.len_utf8(),
                Self::Runs => digits.find(|c: char| !c.is_numeric()).unwrap_or(digits.len()),
            };
            part(before);
            part(&digits[..end]);
            rest = &digits[end..];
        }
        part(rest);
    }
}

/// A pattern whose matches are words; what is between two matches is a word as well.
#[derive(Debug)]
struct Splitter {
    /// The pattern with `SPACES` shortened to `|\s+`.
    words: Regex,
    /// The pattern without `SPACES`; `None` if it does not end in them.
    head: Option<Regex>,
}

impl Splitter {
    /// `None` for patterns that look around or may match nothing.
    fn new(pattern: &str) -> Option<Self> {
        let head = pattern.strip_suffix(SPACES);
        let properties = regex_syntax::parse(head.unwrap_or(pattern)).ok()?.properties().clone();
        if !properties.look_set().is_empty() || properties.minimum_len().is_none_or(|length| length == 0) {
            return None;
        }
        let tree = regex_syntax::ast::parse::Parser::new().parse(head.unwrap_or(pattern)).ok()?;
        regex_syntax::ast::visit(&tree, NoPossessive).ok()?;
        Some(match head {
            Some(head) => Self {
                words: Regex::new(&format!(r"(?:{head})|\s+")).ok()?,
                head: Some(Regex::new(head).ok()?),
            },
            None => Self { words: Regex::new(pattern).ok()?, head: None },
        })
    }

    fn split<'a>(&self, text: &'a str, mut word: impl FnMut(&'a str)) {
        let mut start = 0;
        while let Some(found) = self.next(text, start) {
            if start < found.start {
                word(&text[start..found.start]);
            }
            let end = found.end - self.left_to_next(text, found.clone());
            word(&text[found.start..end]);
            start = end;
        }
        if start < text.len() {
            word(&text[start..]);
        }
    }

    /// The first match from `start` on.
    fn next(&self, text: &str, start: usize) -> Option<Range<usize>> {
        let input = Input::new(text).range(start..);
        // Patterns for whole texts nearly always match right here; then there is no start to search for.
        if self.head.is_some()
            && let Some(half) = self.words.search_half(&input.clone().anchored(Anchored::Yes))
        {
            return Some(start..half.offset());
        }
        self.words.search(&input).map(|found| found.range())
    }

    /// `\s+(?!\S)`: white space before a word leaves its last character to that word. Here: its length.
    fn left_to_next(&self, text: &str, found: Range<usize>) -> usize {
        let (Some(head), true) = (&self.head, found.end < text.len()) else { return 0 };
        let mut characters = text[found.clone()].chars();
        let Some(last) = characters.next_back().filter(|last| last.is_whitespace()) else { return 0 };
        let is_run = !characters.as_str().is_empty() && characters.all(char::is_whitespace);
        if !is_run {
            return 0;
        }
        let by_head = head.search_half(&Input::new(text).range(found).anchored(Anchored::Yes)).is_some();
        if by_head { 0 } else { last.len_utf8() }
    }
}

/// Refuses a quantifier on a quantifier: other engines read `a++` as possessive.
struct NoPossessive;

impl regex_syntax::ast::Visitor for NoPossessive {
    type Output = ();
    type Err = ();

    fn finish(self) -> Result<(), ()> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        match ast {
            Ast::Repetition(repetition) if matches!(*repetition.ast, Ast::Repetition(_)) => Err(()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
