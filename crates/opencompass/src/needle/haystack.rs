//! [`Haystack`]: the long text, with the places of its tokens and the ends of its sentences.

use internlm_model::TokenId;
use internlm_model::tokenizer::Tokenizer;

use crate::{Error, Result};

/// Tokens beyond what is asked for, so that a document can be lengthened a little.
const SPARE: usize = 1024;

/// A long text that is tokenized once, from which documents of every length up to its own are cut.
#[derive(Clone, Debug)]
pub struct Haystack {
    pub(super) tokenizer: Tokenizer,
    pub(super) text: String,
    pub(super) ids: Vec<TokenId>,
    /// End of each token in bytes.
    pub(super) ends: Vec<usize>,
    /// Places in bytes after which a sentence begins, in order; the first one is 0.
    breaks: Vec<usize>,
}

impl Haystack {
    /// Joins texts to one of at least `tokens` tokens; they are repeated if they are shorter.
    ///
    /// # Errors
    /// [`Error::Value`] if there is no text, or if the tokenizer does not give the text back byte by byte.
    pub fn new(texts: &[impl AsRef<str>], tokenizer: &Tokenizer, tokens: usize) -> Result<Self> {
        let mut once = String::new();
        for text in texts {
            once.push_str(text.as_ref());
        }
        if once.trim().is_empty() {
            return Err(value("haystack", "no text", "texts to hide a needle in"));
        }
        let needed = tokens + SPARE;
        let mut times = 1;
        loop {
            let found = Self::tokenized(once.repeat(times), tokenizer)?;
            if found.ids.len() >= needed {
                return Ok(found);
            }
            times = times * needed / found.ids.len().max(1) + times;
        }
    }

    fn tokenized(text: String, tokenizer: &Tokenizer) -> Result<Self> {
        let ids = tokenizer.encode(&text);
        let ends = ends(tokenizer, &ids, text.len()).ok_or_else(|| {
            value("tokenizer", "one that changes the text", "one whose tokens are the bytes of the text")
        })?;
        let breaks = sentence_breaks(&text);
        Ok(Self { tokenizer: tokenizer.clone(), text, ids, ends, breaks })
    }

    /// Returns the number of tokens of a text.
    #[must_use]
    pub fn tokens(&self, text: &str) -> usize {
        self.tokenizer.encode(text).len()
    }

    /// The last place for a cut that is not after the end of the first `tokens` tokens.
    pub(super) fn cut(&self, tokens: usize) -> usize {
        let mut place = tokens.checked_sub(1).map_or(0, |last| self.ends[last.min(self.ends.len() - 1)]);
        while !self.text.is_char_boundary(place) {
            place -= 1;
        }
        place
    }

    /// The last end of a sentence that is not after `place`.
    pub(super) fn sentence_end(&self, place: usize) -> usize {
        let after = self.breaks.partition_point(|known| *known <= place);
        self.breaks[after.saturating_sub(1)]
    }
}

/// The end of each token in bytes of a text of `length` bytes. A space that the tokenizer puts before the text counts as
/// nothing. `None` if the tokens are not the bytes of the text.
pub(super) fn ends(tokenizer: &Tokenizer, ids: &[TokenId], length: usize) -> Option<Vec<usize>> {
    let mut end = 0;
    let mut ends: Vec<usize> = ids
        .iter()
        .map(|id| {
            end += tokenizer.token_bytes(*id).len();
            end
        })
        .collect();
    let added = end.checked_sub(length)?;
    let starts_with_space = ids.first().is_some_and(|id| tokenizer.token_bytes(*id).first() == Some(&b' '));
    match added {
        0 => {}
        1 if starts_with_space => ends.iter_mut().for_each(|end| *end -= 1),
        _ => return None,
    }
    Some(ends)
}

/// The places after which a sentence begins: the start, behind a line break, behind the marks of Chinese sentences, and
/// behind those of Western ones where a space follows.
fn sentence_breaks(text: &str) -> Vec<usize> {
    let mut breaks = vec![0];
    let mut letters = text.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        let next = letters.peek().map(|(_, letter)| *letter);
        let ends = match letter {
            '\n' | '。' | '！' | '？' => true,
            '.' | '!' | '?' => next.is_none_or(char::is_whitespace),
            _ => false,
        };
        if ends {
            breaks.push(place + letter.len_utf8());
        }
    }
    breaks
}

/// An error about a value.
pub(super) fn value(place: &str, found: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::Value { place: place.to_owned(), found: found.into(), expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_their_marks() {
        let text = "It is 3.5. Yes!\nNo? 好。吧";
        let ends: Vec<&str> = sentence_breaks(text).windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        assert_eq!(ends, ["It is 3.5.", " Yes!", "\n", "No?", " 好。"]);
    }
}
