//! [`Haystack::document`]: a text of an exact number of tokens with needles at given depths.

use super::count::{Layout, Span};
use super::haystack::{Haystack, value};
use crate::Result;

/// How often the length is corrected by whole tokens. Two or three times are usual, and some lengths swing for ever.
const CORRECTIONS: usize = 6;
/// How many letters before and after the best cut are tried one by one.
const LETTERS: usize = 96;
/// Texts that may end a document where no cut of the haystack gives the number of tokens.
const ENDINGS: [&str; 6] = ["", ".", "\n", " a", "。", " ..."];

/// A text to hide and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Needle {
    /// The text, which is put in as it is.
    pub text: String,
    /// Place in the document in percent: 0 is the start, 100 the end, and between them it is the end of the sentence
    /// before.
    pub depth: f64,
}

impl Needle {
    /// Creates a needle with a line of its own.
    #[must_use]
    pub fn line(text: &str, depth: f64) -> Self {
        Self { text: format!("\n{text}\n"), depth }
    }
}

impl Haystack {
    /// Makes a document of exactly `tokens` tokens, needles included. Needles are in order of their depths.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if the needles alone have more tokens, if the haystack has fewer, or if no
    /// cut gives the number.
    pub fn document(&self, needles: &[Needle], tokens: usize) -> Result<String> {
        let hidden: usize = needles.iter().map(|needle| self.tokens(&needle.text)).sum();
        let body = tokens.checked_sub(hidden).ok_or_else(|| {
            value(
                "length",
                format!("{tokens} tokens"),
                format!("at least the {hidden} tokens of the needles"),
            )
        })?;
        if body > self.ids.len() {
            let found = format!("{} tokens", self.ids.len());
            return Err(value("haystack", found, format!("at least {body} tokens")));
        }
        let mut estimate = body;
        let mut last_cut = self.cut(body);
        for _ in 0..CORRECTIONS {
            last_cut = self.cut(estimate);
            let layout = self.layout(needles, last_cut, "");
            let found = layout.count(self);
            if found == tokens {
                return Ok(layout.text);
            }
            estimate = (estimate + tokens).saturating_sub(found).min(self.ids.len());
        }
        self.by_letters(needles, tokens, last_cut).ok_or_else(|| {
            value("length", format!("{tokens} tokens"), "a number that some cut of the haystack gives")
        })
    }

    /// Tries the cuts around a place, the nearest first, also with a short ending.
    fn by_letters(&self, needles: &[Needle], tokens: usize, place: usize) -> Option<String> {
        let before = self.text[..place].char_indices().rev().map(|(place, _)| place).take(LETTERS);
        let after = self.text[place..].char_indices().map(|(offset, _)| place + offset).take(LETTERS);
        let (before, after): (Vec<usize>, Vec<usize>) = (before.collect(), after.collect());
        let longest = before.len().max(after.len());
        let near = (0..longest).flat_map(|step| [after.get(step), before.get(step)]).flatten();
        let cuts: Vec<usize> = near.copied().collect();
        let tries = cuts.iter().flat_map(|cut| ENDINGS.iter().map(move |ending| (*cut, *ending)));
        for (cut, ending) in tries {
            let layout = self.layout(needles, cut, ending);
            if layout.count(self) == tokens {
                return Some(layout.text);
            }
        }
        None
    }

    /// Puts the needles into the haystack up to `end`.
    fn layout(&self, needles: &[Needle], end: usize, ending: &str) -> Layout {
        let mut layout = Layout::default();
        let body = self.ends.partition_point(|known| *known <= end);
        let mut from = 0;
        for needle in needles {
            let place = if needle.depth >= 100.0 {
                end
            } else {
                let tokens = (body as f64 * needle.depth.max(0.0) / 100.0) as usize;
                self.sentence_end(self.cut(tokens))
            };
            let place = place.clamp(from, end);
            layout.push_hay(self, Span { start: layout.text.len(), source: from, length: place - from });
            layout.text.push_str(&needle.text);
            from = place;
        }
        layout.push_hay(self, Span { start: layout.text.len(), source: from, length: end - from });
        layout.text.push_str(ending);
        layout
    }
}
