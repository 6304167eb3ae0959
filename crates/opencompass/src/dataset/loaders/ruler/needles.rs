//! `ruler_niah`: keys with values hidden in essays, in a repeated text, or among other keys (`RulerNiahDataset`).

use std::borrow::Cow;

use serde::Deserialize;

use super::pairs::WordPairs;
use super::search::{SEED, Sample, Task, Unfit};
use crate::random::PythonRandom;

/// The question. `{type}` is the kind of the values.
const TEMPLATE: &str = "Some special magic {type} are hidden within the following text. Make sure to memorize it. I will \
    quiz you about the {type} afterwards.\n{context}\nWhat are all the special magic {type} for {query} mentioned in the \
    provided text? The special magic {type} for {query} mentioned in the provided text are";

/// A sentence of the haystack `repeat`.
const REPEATED: &str =
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

/// Number of depths from 0 to 100 percent at which a needle may be.
const DEPTHS: usize = 40;

/// What keys and values are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Seven digits.
    Numbers,
    /// An adjective and a noun.
    Words,
    /// 32 hexadecimal digits.
    Uuids,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Words => "words",
            Self::Uuids => "uuids",
        }
    }
}

/// What needles are hidden in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum HaystackKind {
    /// The words of essays.
    Essay,
    /// One text again and again.
    Repeat,
    /// Other needles.
    Needle,
}

/// Which needles are hidden and how many are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hidden {
    /// Where they are hidden.
    pub(super) haystack: HaystackKind,
    /// What their keys are.
    pub(super) key: Kind,
    /// What their values are.
    pub(super) value: Kind,
    /// Number of keys.
    pub(super) keys: usize,
    /// Number of values of each key.
    pub(super) values: usize,
    /// Number of keys that are asked for.
    pub(super) queries: usize,
}

/// The task with its sources and random numbers.
#[derive(Clone)]
pub(super) struct Needles<'a> {
    hidden: Hidden,
    /// The words of the essays; none for other haystacks.
    essays: &'a [&'a str],
    pairs: &'a WordPairs,
    random: PythonRandom,
}

impl<'a> Needles<'a> {
    /// Starts with upstream's seed.
    pub(super) fn new(hidden: Hidden, essays: &'a [&'a str], pairs: &'a WordPairs) -> Self {
        let hidden = Hidden { keys: hidden.keys.max(hidden.queries), ..hidden };
        Self { hidden, essays, pairs, random: PythonRandom::new(SEED) }
    }

    fn draw(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Numbers => (1_000_000 + self.random.below(9_000_000)).to_string(),
            Kind::Words => self.pairs.text(self.random.below(self.pairs.count)),
            Kind::Uuids => {
                let low = u128::from(self.random.random_bits(64));
                uuid(low | (u128::from(self.random.random_bits(64)) << 64))
            }
        }
    }

    fn needle(&self, key: &str, value: &str) -> String {
        format!("One of the special magic {} for {key} is: {value}.", self.hidden.value.name())
    }

    /// Needles between the sentences of the first `size` words of the essays.
    fn in_essays(&mut self, size: usize, needles: &[String]) -> Result<String, Unfit> {
        let text = self.essays[..size.min(self.essays.len())].join(" ");
        let sentences: Vec<&str> =
            text.split(". ").filter(|sentence| !sentence.is_empty()).map(str::trim).collect();
        let depths: Vec<f64> = (0..DEPTHS).map(depth).collect();
        let depths = self.random.sample(&depths, needles.len()).ok_or(Unfit::Size)?;
        let place = |depth: &f64| (sentences.len() as f64 * (depth / 100.0)) as usize;
        let mut places: Vec<usize> = depths.iter().map(place).collect();
        places.sort_unstable();
        let mut parts = Vec::with_capacity(2 * needles.len() + 1);
        let mut last = 0;
        for (place, needle) in places.into_iter().zip(needles) {
            parts.push(sentences[last..place].join(" "));
            parts.push(needle.clone());
            last = place;
        }
        parts.push(sentences[last..].join(" "));
        Ok(parts.join(" "))
    }

    /// Needles between `size` sentences, one per line.
    fn in_lines(&mut self, size: usize, needles: &[String]) -> Result<String, Unfit> {
        let mut lines: Vec<Cow<'_, str>> = Vec::with_capacity(size + needles.len());
        for _ in 0..size {
            lines.push(match self.hidden.haystack {
                HaystackKind::Needle => {
                    let key = self.draw(self.hidden.key);
                    let value = self.draw(self.hidden.value);
                    self.needle(&key, &value).into()
                }
                HaystackKind::Essay | HaystackKind::Repeat => REPEATED.into(),
            });
        }
        let places: Vec<usize> = (0..size).collect();
        let mut places = self.random.sample(&places, needles.len()).ok_or(Unfit::Size)?;
        places.sort_unstable_by(|one, other| other.cmp(one));
        for (place, needle) in places.into_iter().zip(needles) {
            lines.insert(place, needle.into());
        }
        Ok(lines.join("\n"))
    }

    fn prompt(&self, context: &str, query: &str) -> String {
        let kind = self.hidden.value.name();
        let (template, kind) = if self.hidden.queries * self.hidden.values == 1 {
            let singular = TEMPLATE.replace("Some", "A").replace("are all", "is").replace("are", "is");
            (singular, &kind[..kind.len() - 1])
        } else {
            (TEMPLATE.to_owned(), kind)
        };
        let template = template.replace("{type}", kind).replace("{query}", query);
        template.replace("{context}", context)
    }
}

impl Task for Needles<'_> {
    fn example(&mut self, _index: usize, size: usize) -> Result<Sample, Unfit> {
        let hidden = self.hidden;
        let (mut keys, mut values, mut needles) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..hidden.keys {
            let key = self.draw(hidden.key);
            let drawn: Vec<String> = (0..hidden.values).map(|_| self.draw(hidden.value)).collect();
            needles.extend(drawn.iter().map(|value| self.needle(&key, value)));
            keys.push(key);
            values.push(drawn);
        }
        PythonRandom::new(SEED).shuffle(&mut needles);
        let context = match hidden.haystack {
            HaystackKind::Essay => self.in_essays(size, &needles)?,
            HaystackKind::Repeat | HaystackKind::Needle => self.in_lines(size, &needles)?,
        };
        let places: Vec<usize> = (0..hidden.keys).collect();
        let asked = self.random.sample(&places, hidden.queries).ok_or(Unfit::Size)?;
        let queries: Vec<&str> = asked.iter().map(|place| keys[*place].as_str()).collect();
        let query = match &queries[..] {
            [others @ .., last] if !others.is_empty() => format!("{}, and {last}", others.join(", ")),
            only => only.concat(),
        };
        let answer: Vec<String> = asked.iter().flat_map(|place| values[*place].clone()).collect();
        Ok(Sample { prompt: self.prompt(&context, &query), closing: answer.join(" "), answer })
    }
}

/// One of the steps from 0 to 100 percent: `round(linspace(0, 100, 40))`. None of them is half a number.
fn depth(step: usize) -> f64 {
    (step as f64 * (100.0 / (DEPTHS - 1) as f64)).round()
}

/// 128 random bits as a UUID of version 4: `uuid.UUID(int=.., version=4)`.
fn uuid(bits: u128) -> String {
    let bits = (bits & !(0xc000 << 48)) | (0x8000 << 48);
    let bits = (bits & !(0xf000 << 64)) | (4 << 76);
    let digits = format!("{bits:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_and_uuids_are_pythons() {
        let depths: Vec<f64> = (0..DEPTHS).map(depth).collect();
        assert_eq!(depths[..5], [0.0, 3.0, 5.0, 8.0, 10.0]);
        assert_eq!((depths[19], depths[39]), (49.0, 100.0));
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
