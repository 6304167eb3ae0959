//! `ruler_fwe`: which made-up words are the most frequent ones of a text (`RulerFweDataset`).

use serde_json::json;

use super::pairs::sorted;
use super::search::SEED;
use crate::dataset::columns::Columns;
use crate::needle::Tokens;
use crate::random::PythonRandom;

const TEMPLATE: (&str, &str) = (
    "Read the following coded text and track the frequency of each coded word. Find the three most frequently appeared \
     coded words. ",
    "\nQuestion: Do not provide any explanation. Please ignore the dots '....'. What are the three most frequently appeared \
     words in the above coded text? Answer: According to the coded text above, the three most frequently appeared words are:",
);

/// Letters of a word.
const LETTERS: usize = 6;

/// Makes the rows of a set. The word at place k of the vocabulary appears in proportion to 1 / k²; the first one is noise.
pub(super) fn rows(tokens: &Tokens, length: usize, samples: usize) -> Result<Vec<Columns>, String> {
    let vocabulary = length / 50;
    let step = length / 32;
    if vocabulary < 4 {
        return Err(format!("max_seq_length: found {length}, expected at least 200"));
    }
    let mut random = PythonRandom::new(SEED);
    let words = coded_words(&mut random, vocabulary);
    let mut count = length / LETTERS;
    while tokens.count(&text(&words, count)) < length {
        count += step;
    }
    let count = count - step;
    let row = |_| {
        let words = coded_words(&mut random, vocabulary);
        let mut count = count;
        let mut prompt = text(&words, count);
        while tokens.count(&prompt) > length {
            let fewer = count.checked_sub(step).filter(|fewer| *fewer > 0);
            count = fewer.ok_or_else(|| format!("max_seq_length: found {length}, expected more"))?;
            prompt = text(&words, count);
        }
        let answer = json!(words[1..4]);
        let columns = [("prompt".to_owned(), prompt.into()), ("answer".to_owned(), answer)];
        Ok::<Columns, String>(Columns::from_iter(columns))
    };
    (0..samples).map(row).collect()
}

/// Draws different words of random letters; the first one is replaced by dots.
fn coded_words(random: &mut PythonRandom, count: usize) -> Vec<String> {
    let mut word = || (0..LETTERS).map(|_| char::from(b'a' + random.index(26) as u8)).collect::<String>();
    let mut words: Vec<String> = (0..count).map(|_| word()).collect();
    let mut known: std::collections::HashSet<String> = words.iter().cloned().collect();
    while known.len() < count {
        let word = word();
        known.insert(word.clone());
        words.push(word);
    }
    let mut words = sorted(words);
    PythonRandom::new(SEED).shuffle(&mut words);
    words[0] = "...".to_owned();
    words
}

/// The text with about `count` words.
fn text(words: &[String], count: usize) -> String {
    // The Riemann zeta function at 2.
    let zeta = std::f64::consts::PI.powi(2) / 6.0;
    let mut all: Vec<&str> = Vec::with_capacity(count.min(1 << 24));
    for (place, word) in words.iter().enumerate() {
        let rank = (place + 1) as f64;
        let times = (count as f64 * (1.0 / (rank * rank)) / zeta) as usize;
        all.extend(std::iter::repeat_n(word.as_str(), times));
    }
    PythonRandom::new(SEED).shuffle(&mut all);
    format!("{}{}{}", TEMPLATE.0, all.join(" "), TEMPLATE.1)
}
