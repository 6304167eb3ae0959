//! `ruler_cwe`: which words are the most frequent ones of a list (`RulerCweDataset`).

use super::search::{SEED, Sample, Task, Unfit};
use crate::random::PythonRandom;

const TEMPLATE: &str = "Below is a numbered list of words. In these words, some appear more often than others. Memorize \
    the ones that appear most often.\n{context}\nQuestion: What are the 10 most common words in the above list? Answer: The \
    top 10 words that appear most often in the list are:";

/// From this length on lists are long and words frequent.
const LONG: usize = 4096;

/// How often words appear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frequencies {
    /// Number of words that are asked for.
    pub(super) asked: usize,
    /// How often each of them appears.
    pub(super) common: usize,
    /// How often each of the others appears.
    pub(super) uncommon: usize,
}

/// The task with its words and random numbers.
#[derive(Clone)]
pub(super) struct CommonWords<'a> {
    words: &'a [&'a str],
    /// Number of words of the worked example, and their frequencies.
    example: (usize, Frequencies),
    question: Frequencies,
    random: PythonRandom,
}

impl<'a> CommonWords<'a> {
    /// Starts with upstream's seed. Short sets have frequencies of their own.
    pub(super) fn new(words: &'a [&'a str], length: usize, frequencies: Frequencies) -> Self {
        let often = |common, uncommon| Frequencies { common, uncommon, ..frequencies };
        let (example, question) =
            if length < LONG { ((20, often(3, 1)), often(6, 1)) } else { ((40, often(10, 3)), frequencies) };
        Self { words, example, question, random: PythonRandom::new(SEED) }
    }

    /// A numbered list of so many different words, and the most frequent ones.
    fn list(&mut self, count: usize, frequencies: Frequencies) -> Result<(String, Vec<&'a str>), Unfit> {
        let mut common = self.random.sample(self.words, count).ok_or(Unfit::Size)?;
        let uncommon = common.split_off(frequencies.asked.min(common.len()));
        let mut all = common.repeat(frequencies.common);
        all.extend(uncommon.repeat(frequencies.uncommon));
        PythonRandom::new(SEED).shuffle(&mut all);
        Ok((numbered(&all), common))
    }
}

impl Task for CommonWords<'_> {
    fn example(&mut self, _index: usize, size: usize) -> Result<Sample, Unfit> {
        let (count, frequencies) = self.example;
        let (list, words) = self.list(count, frequencies)?;
        let shown = TEMPLATE.replace("{context}", &list) + &numbered(&words);
        let (list, words) = self.list(size, self.question)?;
        let prompt = format!("{shown}\n{}", TEMPLATE.replace("{context}", &list));
        let closing = format!(" {}", numbered(&words));
        Ok(Sample { prompt, answer: words.into_iter().map(str::to_owned).collect(), closing })
    }
}

/// Words as `1. one 2. two`.
fn numbered(words: &[&str]) -> String {
    let numbered = words.iter().enumerate().map(|(place, word)| format!("{}. {word}", place + 1));
    numbered.collect::<Vec<_>>().join(" ")
}
