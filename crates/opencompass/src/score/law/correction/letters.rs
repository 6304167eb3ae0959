//! What is known about Chinese letters: meaning, reading, and which ones are confused. The user's files have it.

use std::collections::{BTreeMap, HashMap};

use encoding_rs::GBK;

/// ASCII punctuation and the Chinese marks that ChERRANT counts as punctuation.
const PUNCTUATION: &str = concat!(
    "！？｡＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘'‛“”„‟…‧﹏",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
);
/// Vowels with the marks of the four tones, and the same vowel without.
const TONES: [(&str, char); 9] = [
    ("āáǎà", 'a'),
    ("ēéěè", 'e'),
    ("īíǐì", 'i'),
    ("ōóǒò", 'o'),
    ("ūúǔù", 'u'),
    ("ǖǘǚǜ", 'ü'),
    ("ńňǹ", 'n'),
    ("ḿ", 'm'),
    ("ếề", 'ê'),
];
/// Tone marks that follow their vowel.
const TONE_MARKS: [char; 4] = ['\u{300}', '\u{301}', '\u{304}', '\u{30c}'];

/// Names of the files under `source.resources`.
pub(super) const FILES: [&str; 3] = ["cilin", "confusions", "letters"];

/// Dictionaries of single letters.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// Class of meaning: four characters of the code of the thesaurus Cilin.
    meanings: HashMap<char, [char; 4]>,
    /// Sorted.
    confusions: HashMap<char, Vec<char>>,
    /// Numbers of the Mandarin readings without tones.
    readings: HashMap<char, Vec<usize>>,
}

impl Letters {
    /// Reads the files. A file that is absent has no entries.
    pub(super) fn read(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let bytes = |name: &str| files.get(name).map_or(&[][..], Vec::as_slice);
        let mut letters = Self::default();
        letters.read_meanings(&GBK.decode_without_bom_handling(bytes(FILES[0])).0);
        letters.read_confusions(&String::from_utf8_lossy(bytes(FILES[1])));
        letters.read_readings(&String::from_utf8_lossy(bytes(FILES[2])));
        letters
    }

    /// Lines of a code and its words. The last class of a letter counts.
    fn read_meanings(&mut self, text: &str) {
        for line in text.trim().split('\n') {
            let mut words = line.split(' ');
            let mut code = words.next().unwrap_or_default().chars();
            let (Some(a), Some(b), Some(c), Some(d)) = (code.next(), code.next(), code.next(), code.next())
            else {
                continue;
            };
            for word in words {
                if let Some(letter) = single(word) {
                    self.meanings.insert(letter, [a, b, c, d]);
                }
            }
        }
    }

    /// Lines of a letter and those that it is confused with.
    fn read_confusions(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split(' ');
            if let Some(letter) = words.next().and_then(single) {
                let mut others: Vec<char> = words.filter_map(single).collect();
                others.sort_unstable();
                self.confusions.insert(letter, others);
            }
        }
    }

    /// Lines of code point, letter and readings: languages are divided by `;`, readings by `,`.
    fn read_readings(&mut self, text: &str) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut number = |reading: &str| {
            let next = numbers.len();
            *numbers.entry(without_tone(reading)).or_insert(next)
        };
        for line in text.lines() {
            let mut parts = line.trim().split('\t').skip(1);
            let (Some(letter), Some(readings)) = (parts.next().and_then(single), parts.next()) else {
                continue;
            };
            let mandarin = readings.split(';').next().unwrap_or_default();
            if mandarin != "null" {
                self.readings.insert(letter, mandarin.split(',').map(&mut number).collect());
            }
        }
    }

    /// Looks up a letter.
    pub(super) fn known(&self, letter: char) -> Known<'_> {
        Known {
            letter,
            meaning: self.meanings.get(&letter),
            confusions: self.confusions.get(&letter).map_or(&[][..], Vec::as_slice),
            readings: self.readings.get(&letter).map_or(&[][..], Vec::as_slice),
            is_mark: PUNCTUATION.contains(letter),
        }
    }
}

/// What is known about one letter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    letter: char,
    meaning: Option<&'a [char; 4]>,
    confusions: &'a [char],
    readings: &'a [usize],
    is_mark: bool,
}

impl Known<'_> {
    /// Returns the cost of replacing this letter by another, from 0 to 2: meaning, likeness and kind.
    pub(super) fn replacement(&self, other: &Known<'_>) -> f64 {
        let meaning = self.meaning_cost(other) / 6.0;
        let likeness = if self.is_like(other) { 0.0 } else { 0.5 };
        let kind = match (self.is_mark, other.is_mark) {
            (true, true) => 0.0,
            (false, false) => 0.25,
            _ => 0.499,
        };
        // In upstream's order, since costs are compared for equality.
        meaning + likeness + kind
    }

    fn meaning_cost(&self, other: &Known<'_>) -> f64 {
        let (Some(one), Some(other)) = (self.meaning, other.meaning) else { return 4.0 };
        let same = [one[0] == other[0], one[1] == other[1], one[2..] == other[2..]];
        let same = same.into_iter().filter(|same| *same).count();
        2.0 * (3 - same) as f64
    }

    /// Says whether two letters share a reading or are confused with each other.
    fn is_like(&self, other: &Known<'_>) -> bool {
        let is_chinese = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
        if !is_chinese(self.letter) || !is_chinese(other.letter) {
            return false;
        }
        let confused = |one: &Known<'_>, other: char| one.confusions.binary_search(&other).is_ok();
        self.readings.iter().any(|reading| other.readings.contains(reading))
            || confused(self, other.letter)
            || confused(other, self.letter)
    }
}

/// The letter of a word that has only one.
fn single(word: &str) -> Option<char> {
    let mut letters = word.chars();
    letters.next().filter(|_| letters.next().is_none())
}

fn without_tone(reading: &str) -> String {
    let plain = |letter: char| {
        let tone = TONES.iter().find(|(marked, _)| marked.contains(letter));
        tone.map_or(letter, |(_, plain)| *plain)
    };
    reading.chars().filter(|letter| !TONE_MARKS.contains(letter)).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Letters {
        let files = BTreeMap::from([
            ("cilin".to_owned(), b"Aa01A01= \xd6\xda \xc8\xcb\nAa02B01= \xce\xd2\n".to_vec()),
            ("confusions".to_owned(), "诉 述 素\n".as_bytes().to_vec()),
            (
                "letters".to_owned(),
                "U+5B9E\t实\tshí;sat6\t⿱\nU+4E8B\t事\tshì,zì;si6\t丨\n".as_bytes().to_vec(),
            ),
        ]);
        Letters::read(&files)
    }

    #[test]
    fn costs_follow_meaning_likeness_and_kind() {
        let letters = letters();
        for (one, other, expected) in [
            ('众', '人', 0.5 + 0.25),
            ('人', '我', 2.0 / 6.0 + 0.5 + 0.25),
            ('诉', '述', 4.0 / 6.0 + 0.25),
            ('述', '诉', 4.0 / 6.0 + 0.25),
            ('实', '事', 4.0 / 6.0 + 0.25),
            ('，', '。', 4.0 / 6.0 + 0.5 + 0.499),
            ('，', '、', 4.0 / 6.0 + 0.5),
            ('a', '人', 4.0 / 6.0 + 0.5 + 0.25),
        ] {
            let cost = letters.known(one).replacement(&letters.known(other));
            assert!((cost - expected).abs() < 1e-12, "{one} {other}");
        }
    }
}
