//! [`View`]: a text and what rules count in it; each count is computed once and shared by all rule sets.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde::Deserialize;

use super::marks::is_han;
use super::python::{is_letter, is_space};
use super::words::{length, words};
use crate::Document;

/// A text under examination.
///
/// ```
/// use wanjuan_data::filter::{View, Writing};
///
/// assert_eq!(View::new("The tide turns.").words(), ["The", "tide", "turns", "."]);
/// assert_eq!(View::new("潮水一天涨落两次。").writing(), Writing::Chinese);
/// assert_eq!(View::new("潮水 tide").with_language("en").writing(), Writing::Spaced);
/// ```
#[derive(Clone, Debug)]
pub struct View<'a> {
    text: &'a str,
    language: Option<&'a str>,
    sentences: Option<&'a Sentences>,
    words: OnceCell<Vec<&'a str>>,
    characters: OnceCell<usize>,
    plain: OnceCell<Cow<'a, str>>,
    plain_characters: OnceCell<usize>,
    writing: OnceCell<Writing>,
}

/// How a text is written; decides what counts as a unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Writing {
    /// Words with spaces between: the published rules.
    Spaced,
    /// Chinese: the unit is the character, punctuation is full-width.
    Chinese,
}

/// Sentences that another program counted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(untagged)]
pub enum Sentences {
    /// Sentences in each line of `str.splitlines()`, stripped and without citations: what C4 in datatrove counts.
    PerLine(Vec<usize>),
    /// The sentences of the text in order; each counts for the line in which it begins.
    Texts(Vec<String>),
}

impl Sentences {
    /// The number of sentences of each of `lines`, which are slices of `text` in order.
    pub(super) fn per_line(&self, text: &str, lines: &[&str]) -> Vec<usize> {
        let sentences = match self {
            Self::PerLine(counts) => return counts.clone(),
            Self::Texts(sentences) => sentences,
        };
        let mut counts = vec![0; lines.len()];
        let ends: Vec<usize> =
            lines.iter().map(|line| line.as_ptr() as usize - text.as_ptr() as usize + line.len()).collect();
        let mut from = 0;
        for sentence in
            sentences.iter().map(|sentence| sentence.trim()).filter(|sentence| !sentence.is_empty())
        {
            let Some(start) = text[from..].find(sentence).map(|at| from + at) else { continue };
            from = start + sentence.len();
            let line = ends.partition_point(|end| *end <= start);
            if let Some(count) = counts.get_mut(line) {
                *count += 1;
            }
        }
        counts
    }
}

impl<'a> View<'a> {
    /// A view of `text`; its script decides how it is written.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            language: None,
            sentences: None,
            words: OnceCell::new(),
            characters: OnceCell::new(),
            plain: OnceCell::new(),
            plain_characters: OnceCell::new(),
            writing: OnceCell::new(),
        }
    }

    /// A view of the text of `document`, with its language.
    #[must_use]
    pub fn of(document: &'a Document) -> Self {
        Self { language: document.language.as_deref(), ..Self::new(&document.content) }
    }

    /// Sets the language; `und` leaves the decision to the script.
    #[must_use]
    pub fn with_language(self, language: &'a str) -> Self {
        Self { language: Some(language), ..self }
    }

    /// Uses these words instead of finding them.
    #[must_use]
    pub fn with_words(self, words: Vec<&'a str>) -> Self {
        Self { words: OnceCell::from(words), ..self }
    }

    /// Uses these sentences instead of counting them.
    #[must_use]
    pub fn with_sentences(self, sentences: &'a Sentences) -> Self {
        Self { sentences: Some(sentences), ..self }
    }

    /// The text under examination, unchanged.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The language that was given, if any.
    #[must_use]
    pub fn language(&self) -> Option<&'a str> {
        self.language
    }

    /// The sentences that were given, if any.
    pub(super) fn sentences(&self) -> Option<&'a Sentences> {
        self.sentences
    }

    /// The words, see [`words`]; each Chinese character is one.
    #[must_use]
    pub fn words(&self) -> &[&'a str] {
        self.words.get_or_init(|| words(self.text))
    }

    /// Length in code points.
    #[must_use]
    pub fn characters(&self) -> usize {
        *self.characters.get_or_init(|| length(self.text))
    }

    /// The text with line feeds as line ends, without white space at the ends of lines and without empty lines at both
    /// ends: what our own rules judge, so that white space that no reader sees does not decide.
    pub(super) fn plain_text(&self) -> &str {
        self.plain.get_or_init(|| plain(self.text))
    }

    /// Length of [`View::plain_text`] in code points.
    pub(super) fn plain_characters(&self) -> usize {
        *self.plain_characters.get_or_init(|| match self.plain_text() {
            same if same.len() == self.text.len() => self.characters(),
            shorter => length(shorter),
        })
    }

    /// How the text is written: Chinese when the language says so or, without a language, when more than half
    /// of its letters are Chinese characters.
    #[must_use]
    pub fn writing(&self) -> Writing {
        *self.writing.get_or_init(|| match self.language {
            Some("zh" | "cmn" | "yue") => Writing::Chinese,
            Some(language) if language.starts_with("zh-") || language.starts_with("zh_") => Writing::Chinese,
            None | Some("und" | "") => writing_by_script(self.text),
            Some(_) => Writing::Spaced,
        })
    }
}

/// See [`View::plain_text`]; most texts are plain already.
fn plain(text: &str) -> Cow<'_, str> {
    let is_plain = !text.starts_with('\n')
        && memchr::memchr(b'\r', text.as_bytes()).is_none()
        && !text.ends_with('\n')
        && !text.split('\n').any(|line| line.ends_with(is_space));
    if is_plain {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches(is_space)).collect();
    Cow::Owned(lines.join("\n").trim_matches('\n').to_owned())
}

/// Looks at the first 20,000 characters; a tenth of kana or hangul is not Chinese.
fn writing_by_script(text: &str) -> Writing {
    if text.is_ascii() {
        return Writing::Spaced;
    }
    let (mut han, mut other, mut letters) = (0, 0, 0);
    for c in text.chars().take(20_000).filter(|c| is_letter(*c)) {
        letters += 1;
        han += usize::from(is_han(c));
        other += usize::from(matches!(c, '\u{3041}'..='\u{30ff}' | '\u{ac00}'..='\u{d7a3}'));
    }
    if han * 2 > letters && other * 10 < letters { Writing::Chinese } else { Writing::Spaced }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_wins_over_the_script() {
        let chinese = "今天天气晴朗。";
        assert_eq!(View::new(chinese).with_language("und").writing(), Writing::Chinese);
        assert_eq!(View::new(chinese).with_language("ja").writing(), Writing::Spaced);
        assert_eq!(View::new("English").with_language("zh-Hant").writing(), Writing::Chinese);
        assert_eq!(View::new("今日は天気がいいですね").writing(), Writing::Spaced);
        assert_eq!(View::new("").writing(), Writing::Spaced);
    }

    #[test]
    fn plain_texts_have_one_kind_of_line_end_and_no_white_space_at_it() {
        for (text, expected) in [
            ("a\n\n  b", "a\n\n  b"),
            ("a\r\n\r\nb\r\n", "a\n\nb"),
            ("a\rb", "a\nb"),
            ("\n \u{3000}\t\n\ta\u{a0}\n\u{2003}\nb\n\n", "\ta\n\nb"),
            (" \n", ""),
            ("", ""),
        ] {
            assert_eq!(View::new(text).plain_text(), expected);
            assert_eq!(View::new(text).plain_characters(), expected.chars().count());
            assert_eq!(View::new(text).text(), text, "the text itself is unchanged");
        }
    }

    #[test]
    fn sentences_belong_to_the_line_they_begin_in() {
        let text = "One. Two.\nThree is\nlong. Four.";
        let lines: Vec<&str> = text.split('\n').collect();
        let sentences = ["One. ", "Two.", "Three is\nlong.", "Four."].map(str::to_owned).to_vec();
        assert_eq!(Sentences::Texts(sentences).per_line(text, &lines), [2, 1, 1]);
        assert_eq!(Sentences::PerLine(vec![4, 5, 6]).per_line(text, &lines), [4, 5, 6]);
    }
}
