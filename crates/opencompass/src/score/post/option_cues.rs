//! The patterns of `first_option_postprocess` without regular expressions.
//!
//! Nearly every pattern needs one of a few words, its cue, or the end of the text. One pass finds the cues; a pattern
//! is then tried only behind its own. The results are those of the list of patterns, which tests check with random
//! texts.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::option_steps::Steps;
use super::python::is_space;

const ANSWER: usize = 0;
const RIGHT: usize = 2;
/// Letters of other scripts that are equal to `s` and `k` if case does not count.
const FOREIGN: [usize; 2] = [9, 10];
/// The words that patterns need. No two of them can overlap. Case counts for none of them here.
const CUES: [&str; 11] =
    ["answer", "correct", "是正确", "答案", "选", "故", "只有", "说法", "所以", "\u{17f}", "\u{212a}"];

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
    builder.build(CUES).expect("a few short words make a small automaton")
});

/// What the cues tell about a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// The place of the first pattern that finds an option, and the option.
    Found(usize, char),
    /// None of the patterns finds an option.
    Nothing,
    /// Only the list of patterns can tell.
    Unsure,
}

/// A cue in a text.
struct Hit {
    cue: usize,
    start: usize,
    end: usize,
}

/// What the patterns have to know about one set of options.
#[derive(Debug)]
pub(super) struct OptionCues {
    options: Vec<char>,
    /// A bit for every option, by its ASCII code.
    set: u128,
    /// The patterns that begin with a cue, in order.
    behind: Vec<Behind>,
}

/// A pattern that begins with a cue.
#[derive(Debug)]
struct Behind {
    /// Place in the list of patterns.
    place: usize,
    cue: usize,
    steps: Steps,
}

impl OptionCues {
    /// `None` if the options are not ASCII letters and digits: they could then be parts of the patterns.
    pub(super) fn new(options: &str) -> Option<Self> {
        let usual = !options.is_empty() && options.chars().all(|letter| letter.is_ascii_alphanumeric());
        let set = options.bytes().fold(0_u128, |set, option| set | (1 << (option % 128)));
        usual.then(|| Self { options: options.chars().collect(), set, behind: behind() })
    }

    /// Tries all patterns but those of the cushion.
    pub(super) fn decide(&self, text: &str) -> Decision {
        let mut hits = Vec::new();
        for found in AUTOMATON.find_iter(text) {
            let cue = found.pattern().as_usize();
            if FOREIGN.contains(&cue) {
                return Decision::Unsure;
            }
            hits.push(Hit { cue, start: found.start(), end: found.end() });
        }
        let found = self
            .behind_cues(0..=19, text, &hits)
            .or_else(|| self.before_right(text, &hits))
            .or_else(|| self.behind_cues(22..=23, text, &hits))
            .or_else(|| self.at_end(text))
            .or_else(|| self.behind_cues(32..=34, text, &hits))
            .or_else(|| self.behind_answer(text, &hits))
            .or_else(|| self.behind_cues(36..=44, text, &hits))
            .or_else(|| self.at_beginning(text))
            .or_else(|| self.behind_one(text));
        found.map_or(Decision::Nothing, |(place, letter)| Decision::Found(place, letter))
    }

    fn is_option(&self, letter: char) -> bool {
        letter.is_ascii() && (self.set >> u32::from(letter)) & 1 == 1
    }

    /// The first option, in their order, that a text contains.
    fn contained(&self, text: &str) -> Option<char> {
        self.options.iter().copied().find(|option| text.contains(*option))
    }

    /// Patterns that begin with a cue.
    fn behind_cues(&self, places: RangeInclusive<usize>, text: &str, hits: &[Hit]) -> Option<(usize, char)> {
        if hits.is_empty() {
            return None;
        }
        let mut patterns = self.behind.iter().filter(|pattern| places.contains(&pattern.place));
        patterns.find_map(|Behind { place, cue, steps }| {
            let mut own = hits.iter().filter(|hit| hit.cue == *cue);
            let is_option = |letter| self.is_option(letter);
            // Only the first match of a pattern counts, even if there is no option in it.
            let inside = own.find_map(|hit| steps.follow(text, hit.start, &is_option))?;
            Some((*place, self.contained(inside)?))
        })
    }

    /// Places 20 and 21: an option in front of `是正确的` or `是正确答案`.
    fn before_right(&self, text: &str, hits: &[Hit]) -> Option<(usize, char)> {
        [(20, "的"), (21, "答案")].into_iter().find_map(|(place, end)| {
            let mut own = hits.iter().filter(|hit| hit.cue == RIGHT && text[hit.end..].starts_with(end));
            let letter = own.find_map(|hit| {
                let before = without_space(&text[..hit.start]).chars().next_back();
                before.filter(|letter| self.is_option(*letter))
            });
            Some((place, letter?))
        })
    }

    /// Places 24 to 31: an option at the end of the text, with at most one mark behind it.
    fn at_end(&self, text: &str) -> Option<(usize, char)> {
        let mut letters = text.chars();
        let last = letters.next_back()?;
        let (letter, mark) = if self.is_option(last) {
            (last, None)
        } else {
            (letters.next_back().filter(|letter| self.is_option(*letter))?, Some(last))
        };
        let head = letters.as_str();
        let marked = |marks: &str| mark.is_none_or(|mark| marks.contains(mark));
        let (joined, stop) = (without_space(head), marked("。."));
        let clause = |head: &str| {
            head.chars().next_back().is_some_and(|letter| is_space(letter) || "，,：:".contains(letter))
        };
        let place = if marked(".。$") && joined.ends_with("所以") {
            24
        } else if marked(".。$") && joined.ends_with("所有") {
            25
        } else if marked("。，,.") && clause(head) {
            26
        } else if stop && head.strip_suffix(['故', '即']).is_some_and(clause) {
            27
        } else if stop && head.strip_suffix("因此").is_some_and(clause) {
            28
        } else if stop && joined.ends_with(['是', '为', '。']) {
            29
        } else if stop && joined.ends_with("因此") {
            30
        } else if stop && joined.ends_with("显然") {
            31
        } else {
            return None;
        };
        Some((place, letter))
    }

    /// Place 35: `ANSWER :` in any case. A small letter matches, but it is not an option.
    fn behind_answer(&self, text: &str, hits: &[Hit]) -> Option<(usize, char)> {
        let mut own = hits.iter().filter(|hit| hit.cue == ANSWER);
        let letter = own.find_map(|hit| {
            let rest = text[hit.end..].trim_start_matches(is_space).strip_prefix(':')?;
            let letter = rest.trim_start_matches(is_space).chars().next()?;
            self.options.iter().any(|option| option.eq_ignore_ascii_case(&letter)).then_some(letter)
        });
        letter.filter(|letter| self.is_option(*letter)).map(|letter| (35, letter))
    }

    /// Places 45 to 47: an option at the beginning of the text.
    fn at_beginning(&self, text: &str) -> Option<(usize, char)> {
        if let Some(rest) = text.strip_prefix("选项") {
            let letter = rest.strip_prefix(is_space).unwrap_or(rest).chars().next();
            return letter.filter(|letter| self.is_option(*letter)).map(|letter| (45, letter));
        }
        let mut letters = text.chars();
        let letter = letters.next().filter(|letter| self.is_option(*letter))?;
        let rest = letters.as_str();
        let spaced = rest.strip_prefix(is_space).unwrap_or(rest);
        if spaced.strip_prefix('选').unwrap_or(spaced).starts_with('项') {
            return Some((46, letter));
        }
        let mark = letters.next()?;
        (is_space(mark) || "。，,：:.$".contains(mark)).then_some((47, letter))
    }

    /// Place 48: everything behind the first `1` and one more letter. It finds what place 49 would find.
    fn behind_one(&self, text: &str) -> Option<(usize, char)> {
        let whole = &text[text.find('1')?..];
        let mut letters = whole[1..].chars();
        letters.next()?;
        let rest = letters.as_str();
        let rest = rest.strip_prefix(is_space).unwrap_or(rest);
        Some((48, self.contained(if rest.is_empty() { whole } else { rest })?))
    }
}

/// A text without one white space at its end.
fn without_space(text: &str) -> &str {
    text.strip_suffix(is_space).unwrap_or(text)
}

/// The patterns that begin with a cue, in order.
fn behind() -> Vec<Behind> {
    let places = (0..=19).chain(22..=23).chain(32..=34).chain(36..=44);
    places
        .filter_map(|place| {
            let steps = Steps::of(place);
            let cue = CUES.iter().position(|cue| steps.begins_with(cue))?;
            Some(Behind { place, cue, steps })
        })
        .collect()
}
