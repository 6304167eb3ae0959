//! [`TextStatistics`]: counts over the text of a block, made in one pass over its characters.

use std::hash::Hasher;

use super::fnv::Fnv;

/// Number of words at the start of a block that are looked up in the table of learned weights.
const WEIGHED_WORDS: usize = 40;

/// Counts over the text of one block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextStatistics {
    /// Code points that are not white space.
    pub(crate) characters: u32,
    /// Those of them inside links.
    pub(crate) linked: u32,
    /// Those of them in bold or italics.
    pub(crate) emphasized: u32,
    /// Number of links that start in the block, plus one if it starts inside a link.
    pub(crate) links: u32,
    /// Runs of letters and digits; two Han or kana characters count as one word.
    pub(crate) words: u32,
    /// Words that begin with a capital letter.
    pub(crate) capitalized: u32,
    /// Words that occur in the title of the page.
    pub(crate) in_title: u32,
    /// Words that occur in the description of the page.
    pub(crate) in_description: u32,
    /// Letters of any script.
    pub(crate) letters: u32,
    /// Capital letters.
    pub(crate) capitals: u32,
    /// ASCII digits.
    pub(crate) digits: u32,
    /// Han and kana characters.
    pub(crate) han: u32,
    /// Full stops, question and exclamation marks of several scripts, right after a letter or digit.
    pub(crate) sentence_ends: u32,
    /// Commas of several scripts.
    pub(crate) commas: u32,
    /// Bars, bullets, arrows and similar signs that separate the entries of menus.
    pub(crate) separators: u32,
    /// Currency signs.
    pub(crate) currencies: u32,
    /// Numbers from 1990 to 2039.
    pub(crate) years: u32,
    /// Line breaks inside the block.
    pub(crate) breaks: u32,
    /// First character that is not white space.
    pub(crate) first: Option<char>,
    /// Last character that is not white space.
    pub(crate) last: Option<char>,
    /// Hash of the words and Han characters, to find repeated texts.
    pub(crate) hash: u64,
    /// Sum of the learned weights of the first words.
    pub(crate) weight_sum: f32,
    /// Lowest of these weights, at most 0.
    pub(crate) weight_least: f32,
    /// How many of these words have a weight.
    pub(crate) weighed: u32,
}

/// What is known about words before a text is read.
pub(crate) struct Lexicon<'a> {
    /// Hashes of the words of the title, sorted.
    pub(crate) title: &'a [u64],
    /// Hashes of the words of the description, sorted.
    pub(crate) description: &'a [u64],
    /// Learned weight of a word by its hash.
    pub(crate) weight: &'a dyn Fn(u64) -> Option<f32>,
}

/// A word being read.
#[derive(Default)]
struct Word {
    hash: Fnv,
    length: u32,
    capitalized: bool,
    /// The value of the word as long as it consists of digits.
    number: Option<u32>,
}

impl TextStatistics {
    /// Adds the text of one node. A word never spans two nodes.
    pub(crate) fn add(&mut self, text: &str, inside: Inside, lexicon: &Lexicon<'_>) {
        let before = self.characters;
        let mut word = Word::default();
        for c in text.chars() {
            if c.is_ascii_whitespace() || c == '\u{a0}' {
                self.end_word(&mut word, lexicon);
                continue;
            }
            self.characters += 1;
            self.first = self.first.or(Some(c));
            if c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric()) {
                self.letter(c, &mut word, lexicon);
            } else {
                let after_word = word.length > 0 || self.last.is_some_and(is_han);
                self.end_word(&mut word, lexicon);
                self.mark(c, after_word);
            }
            self.last = Some(c);
        }
        self.end_word(&mut word, lexicon);
        let added = self.characters - before;
        self.linked += if inside.link { added } else { 0 };
        self.emphasized += if inside.emphasis { added } else { 0 };
    }

    fn letter(&mut self, c: char, word: &mut Word, lexicon: &Lexicon<'_>) {
        if is_han(c) {
            self.end_word(word, lexicon);
            self.han += 1;
            self.letters += 1;
            self.words += self.han & 1;
            self.hash =
                self.hash.rotate_left(5) ^ u64::from(u32::from(c)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            return;
        }
        if c.is_ascii_digit() {
            self.digits += 1;
            let digit = u32::from(c) - u32::from('0');
            word.number = if word.length == 0 {
                Some(digit)
            } else {
                word.number.and_then(|number| number.checked_mul(10)).map(|number| number + digit)
            };
        } else {
            word.number = None;
            self.letters += 1;
            if c.is_uppercase() {
                self.capitals += 1;
                word.capitalized |= word.length == 0;
            }
        }
        word.length += 1;
        if c.is_ascii() {
            word.hash.write(&[c.to_ascii_lowercase() as u8]);
        } else {
            let lower = c.to_lowercase().next().unwrap_or(c);
            word.hash.write(&u32::from(lower).to_le_bytes());
        }
    }

    fn end_word(&mut self, word: &mut Word, lexicon: &Lexicon<'_>) {
        if word.length == 0 {
            return;
        }
        let hash = word.hash.0;
        self.words += 1;
        self.capitalized += u32::from(word.capitalized);
        self.years += u32::from(word.number.is_some_and(|number| (1990..2040).contains(&number)));
        self.in_title += u32::from(lexicon.title.binary_search(&hash).is_ok());
        self.in_description += u32::from(lexicon.description.binary_search(&hash).is_ok());
        self.hash = self.hash.rotate_left(5) ^ hash;
        if (self.words as usize) <= WEIGHED_WORDS
            && let Some(weight) = (lexicon.weight)(hash)
        {
            self.weight_sum += weight;
            self.weight_least = self.weight_least.min(weight);
            self.weighed += 1;
        }
        *word = Word::default();
    }

    fn mark(&mut self, c: char, after_word: bool) {
        match c {
            '.' | '!' | '?' | '。' | '！' | '？' | '؟' | '।' | '…' => {
                self.sentence_ends += u32::from(after_word);
            }
            ',' | '，' | '、' | '،' => self.commas += 1,
            '|' | '·' | '•' | '»' | '›' | '>' | '/' | '→' | '¦' | '▸' | '▶' | '«' | '‹' => {
                self.separators += 1;
            }
            '$' | '€' | '£' | '¥' | '₹' => self.currencies += 1,
            _ => {}
        }
    }

    /// Share of the characters inside links, 0 to 1; 0 for an empty text.
    pub(crate) fn link_density(&self) -> f32 {
        if self.characters == 0 { 0.0 } else { self.linked as f32 / self.characters as f32 }
    }

    /// Whether this reads like sentences: at least twelve words, few links, and the end of a sentence.
    pub(crate) fn is_prose(&self) -> bool {
        self.words >= 12 && self.link_density() < 0.3 && self.sentence_ends >= 1
    }
}

/// Which inline elements a text node is inside of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inside {
    pub(crate) link: bool,
    pub(crate) emphasis: bool,
}

/// Han ideographs and kana, which are written without spaces between words.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{2fa1f}')
}

/// Hashes of the words of `text` as [`TextStatistics::add`] computes them, sorted and without duplicates.
pub(crate) fn word_hashes(text: &str) -> Vec<u64> {
    let hashes = std::cell::RefCell::new(Vec::new());
    let note = |hash| {
        hashes.borrow_mut().push(hash);
        None
    };
    // Statistics look up only the first words of a text, so each word gets its own.
    for part in text.split_whitespace() {
        TextStatistics::default().add(
            part,
            Inside::default(),
            &Lexicon { title: &[], description: &[], weight: &note },
        );
    }
    let mut hashes = hashes.into_inner();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

#[cfg(test)]
mod tests;
