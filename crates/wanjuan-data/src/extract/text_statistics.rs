//! [`TextStatistics`]: what a block's text looks like, counted in one pass over its characters.

use std::hash::Hasher;

use super::class_words::Fnv;

/// Words of a block that are looked up in the table of learned word weights.
pub(super) const WEIGHED_WORDS: usize = 40;

/// Counts over the text of one block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TextStatistics {
    /// Code points that are not white space.
    pub(super) characters: u32,
    /// The part of them inside links.
    pub(super) linked: u32,
    /// The part of them in bold or italics.
    pub(super) emphasized: u32,
    /// Links.
    pub(super) links: u32,
    /// Words of letters and digits; two Han or kana characters count as one.
    pub(super) words: u32,
    /// Words that begin with a capital.
    pub(super) capitalized: u32,
    /// Words that occur in the title of the page.
    pub(super) in_title: u32,
    /// Words that occur in the description of the page.
    pub(super) in_description: u32,
    /// Letters, capital letters and digits.
    pub(super) letters: u32,
    pub(super) capitals: u32,
    pub(super) digits: u32,
    /// Han and kana characters.
    pub(super) han: u32,
    /// Full stops, question and exclamation marks of several scripts after a letter or digit.
    pub(super) sentence_ends: u32,
    /// Commas of several scripts.
    pub(super) commas: u32,
    /// Bars, bullets, arrows and the like, which separate parts of menus.
    pub(super) separators: u32,
    /// Signs of currencies.
    pub(super) currencies: u32,
    /// Numbers from 1990 to 2039.
    pub(super) years: u32,
    /// Line breaks inside the block.
    pub(super) breaks: u32,
    /// First and last character.
    pub(super) first: Option<char>,
    pub(super) last: Option<char>,
    /// Hash of the words, to find repeated texts.
    pub(super) hash: u64,
    /// Sum and least of the learned weights of the first words, and how many were known.
    pub(super) weight_sum: f32,
    pub(super) weight_least: f32,
    pub(super) weighed: u32,
}

/// A word as the statistics see it.
pub(super) struct Lexicon<'a> {
    /// Hashes of the words of the title, sorted.
    pub(super) title: &'a [u64],
    /// Hashes of the words of the description, sorted.
    pub(super) description: &'a [u64],
    /// Learned weight of a word by its hash.
    pub(super) weight: &'a dyn Fn(u64) -> Option<f32>,
}

/// A word being read.
#[derive(Default)]
struct Word {
    hash: Fnv,
    length: u32,
    capitalized: bool,
    /// The value while there are only digits.
    number: Option<u32>,
}

impl TextStatistics {
    /// Adds a text node. `linked` and `emphasized`: whether it is inside a link, bold or italics.
    pub(super) fn add(&mut self, text: &str, inside: Inside, lexicon: &Lexicon<'_>) {
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

    /// Share of the text that is inside links, 0 to 1.
    pub(super) fn link_density(&self) -> f32 {
        if self.characters == 0 { 0.0 } else { self.linked as f32 / self.characters as f32 }
    }

    /// Whether this reads like sentences: few links, some length, an end of a sentence.
    pub(super) fn is_prose(&self) -> bool {
        self.words >= 12 && self.link_density() < 0.3 && self.sentence_ends >= 1
    }
}

/// What a text node is inside of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inside {
    pub(super) link: bool,
    pub(super) emphasis: bool,
}

/// Han ideographs and kana: written without spaces.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{2fa1f}')
}

/// Hashes of the words of `text`, sorted, each once: as they are hashed in [`TextStatistics::add`].
pub(super) fn word_hashes(text: &str) -> Vec<u64> {
    let hashes = std::cell::RefCell::new(Vec::new());
    let note = |hash| {
        hashes.borrow_mut().push(hash);
        None
    };
    // One word at a time, so that every word is weighed.
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
