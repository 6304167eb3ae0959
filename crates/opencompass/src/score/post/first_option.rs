//! `first_option_postprocess`: finds the option letter of an answer with an ordered list of patterns.
//!
//! This is the reading that repeats OpenCompass bug for bug. `compat = false` chooses the one without its faults.

use std::sync::OnceLock;

use regex::Regex;

use super::option_cues::{Decision, OptionCues};
use super::option_patterns::{CUSHION, PATTERNS};
use super::pattern::built_in;
use super::python;

/// The patterns for one set of option letters.
#[derive(Debug)]
pub(super) struct FirstOption {
    options: Vec<char>,
    /// Whether any letter is better than no answer.
    cushion: bool,
    /// The same patterns without regular expressions, unless the options are unusual.
    cues: Option<OptionCues>,
    /// The regular expressions, compiled when they are first needed.
    patterns: OnceLock<Vec<Regex>>,
}

impl FirstOption {
    /// Prepares the patterns for `options`. `cushion` adds the two that accept any letter.
    pub(super) fn new(options: &str, cushion: bool) -> Self {
        Self {
            options: options.chars().collect(),
            cushion,
            cues: OptionCues::new(options),
            patterns: OnceLock::new(),
        }
    }

    /// Returns the first option letter, in the order of the options, inside the match of the first pattern
    /// that matches. If that match contains no option letter, the next pattern is tried.
    pub(super) fn apply(&self, text: &str) -> String {
        self.decide(text).map(|(_, letter)| letter.to_string()).unwrap_or_default()
    }

    /// The letter and the place of the pattern that found it; the two of the cushion are 50 and 51.
    pub(super) fn decide(&self, text: &str) -> Option<(usize, char)> {
        let text = python::strip(text);
        match self.cues.as_ref().map_or(Decision::Unsure, |cues| cues.decide(text)) {
            Decision::Found(place, letter) => Some((place, letter)),
            Decision::Nothing => self.any_letter(text),
            Decision::Unsure => self.decide_by_patterns(text),
        }
    }

    /// The patterns of the cushion, without regular expressions.
    fn any_letter(&self, text: &str) -> Option<(usize, char)> {
        if !self.cushion {
            return None;
        }
        let is_option = |letter: char| self.options.contains(&letter);
        let marked = text
            .match_indices(':')
            .find_map(|(at, _)| text[..at].chars().next_back().filter(|letter| is_option(*letter)));
        let any = || text.chars().find(|letter| is_option(*letter));
        marked.map(|letter| (50, letter)).or_else(|| Some((51, any()?)))
    }

    /// The list as upstream runs it: slow, and the specification of the rest.
    pub(super) fn decide_by_patterns(&self, text: &str) -> Option<(usize, char)> {
        let patterns = self.patterns.get_or_init(|| compiled(&self.options, self.cushion));
        patterns.iter().enumerate().find_map(|(place, pattern)| {
            let found = pattern.captures(text)?;
            let inside = found.get(1).map(|group| group.as_str()).filter(|group| !group.is_empty());
            let inside = inside.unwrap_or(&found[0]);
            let letter = self.options.iter().find(|letter| inside.contains(**letter))?;
            Some((place, *letter))
        })
    }
}

fn compiled(options: &[char], cushion: bool) -> Vec<Regex> {
    let class = regex::escape(&options.iter().collect::<String>());
    let patterns = PATTERNS.iter().chain(CUSHION.iter().filter(|_| cushion));
    // `.` matches newlines (DOTALL), and Python's white space has four letters more. Python's `$` also matches before
    // a final newline, but the text is stripped first, so the difference does not show.
    let compile = |pattern: &&str| {
        let pattern = pattern.replace(r"\s", r"[\s\x1c-\x1f]").replace(r"\S", r"[^\s\x1c-\x1f]");
        built_in(&format!("(?s){}", pattern.replace("{}", &class)))
    };
    patterns.map(compile).collect()
}

#[cfg(test)]
mod tests;
