//! [`Steps`]: one pattern of `first_option_postprocess` as a list of steps behind its cue.
//!
//! The patterns that begin with a cue use few of the means of regular expressions, and where they have a choice the
//! next letter decides. So they can be followed step by step, without going back.

use super::option_patterns::PATTERNS;
use super::python::is_space;

/// What [`PATTERNS`] write for an option.
const OPTION: &str = "([{}])";
/// What they write for white space.
const SPACES: [(&str, Step); 3] =
    [(r"\s*", Step::Spaces), (r"\s+", Step::SomeSpaces), (r"\s?", Step::MaybeSpace)];
/// What they write as `[Tt]he `.
const THE: &[&str] = &["the ", "The "];
const ANYTHING: &[&str] = &[];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Letter(char),
    MaybeLetter(char),
    /// `\s?`.
    MaybeSpace,
    /// `\s*`.
    Spaces,
    /// `\s+`.
    SomeSpaces,
    Option,
}

/// What ends a pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    /// The last step.
    Nothing,
    /// `.*?boxed\{([{}])\}`.
    Boxed,
    /// `(\S+)(?:。|$)`.
    Run,
}

/// A pattern from its cue on.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// What may be in front of the cue; everything if there is nothing here.
    before: &'static [&'static str],
    steps: Vec<Step>,
    then: Then,
}

impl Steps {
    /// The steps of the pattern at a place of the list.
    pub(super) fn of(place: usize) -> Self {
        let pattern = PATTERNS[place];
        let (before, pattern) = match pattern.strip_prefix("[Tt]he ") {
            Some(rest) => (THE, rest),
            None => (ANYTHING, pattern),
        };
        let (pattern, then) = if let Some((head, _)) = pattern.split_once(".*?boxed") {
            (head, Then::Boxed)
        } else if let Some((head, _)) = pattern.split_once(r"(\S+)") {
            (head, Then::Run)
        } else {
            (pattern, Then::Nothing)
        };
        Self { before, steps: read(pattern), then }
    }

    /// Whether the pattern begins with a cue.
    pub(super) fn begins_with(&self, cue: &str) -> bool {
        let steps = self.steps.iter().copied();
        cue.chars().map(Step::Letter).eq(steps.take(cue.chars().count()))
    }

    /// Follows the pattern from the place of its cue and returns what its group matches.
    pub(super) fn follow<'a>(
        &self,
        text: &'a str,
        start: usize,
        is_option: &impl Fn(char) -> bool,
    ) -> Option<&'a str> {
        let allowed = self.before.iter().any(|before| text[..start].ends_with(*before));
        if !allowed && !self.before.is_empty() {
            return None;
        }
        let mut rest = &text[start..];
        let mut found = None;
        for step in &self.steps {
            rest = match *step {
                Step::Letter(letter) => rest.strip_prefix(letter)?,
                Step::MaybeLetter(letter) => rest.strip_prefix(letter).unwrap_or(rest),
                Step::MaybeSpace => rest.strip_prefix(is_space).unwrap_or(rest),
                Step::Spaces => rest.trim_start_matches(is_space),
                Step::SomeSpaces => rest.strip_prefix(is_space)?.trim_start_matches(is_space),
                Step::Option => {
                    let behind = rest.strip_prefix(is_option)?;
                    let option = &rest[..rest.len() - behind.len()];
                    found = found.or(Some(option));
                    behind
                }
            };
        }
        match self.then {
            Then::Nothing => found,
            Then::Boxed => boxed(rest, is_option),
            Then::Run => run(rest),
        }
    }
}

/// The option in the next `boxed{..}` that contains nothing else.
fn boxed<'a>(text: &'a str, is_option: &impl Fn(char) -> bool) -> Option<&'a str> {
    text.split("boxed{").skip(1).find_map(|rest| {
        let behind = rest.strip_prefix(is_option)?;
        behind.starts_with('}').then(|| &rest[..rest.len() - behind.len()])
    })
}

/// The letters up to white space; if the text does not end with them, up to their last `。`.
fn run(text: &str) -> Option<&str> {
    let end = text.find(is_space).unwrap_or(text.len());
    let run = &text[..end];
    let stop = if end == text.len() { Some(end) } else { run.rfind('。') };
    stop.filter(|stop| *stop > 0).map(|stop| &run[..stop])
}

/// Reads the part of a pattern that has only letters, white space and options.
fn read(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix(OPTION) {
            steps.push(Step::Option);
            rest = behind;
            continue;
        }
        let space = SPACES.iter().find_map(|(mark, step)| Some((rest.strip_prefix(*mark)?, *step)));
        if let Some((behind, step)) = space {
            steps.push(step);
            rest = behind;
            continue;
        }
        // A backslash only says that the letter behind it is meant.
        let letter = if letter == '\\' { rest[1..].chars().next().unwrap_or(letter) } else { letter };
        let behind = rest.strip_prefix('\\').unwrap_or(rest).strip_prefix(letter).unwrap_or_default();
        let (step, behind) = match behind.strip_prefix('?') {
            Some(behind) => (Step::MaybeLetter(letter), behind),
            None => (Step::Letter(letter), behind),
        };
        steps.push(step);
        rest = behind;
    }
    steps
}
