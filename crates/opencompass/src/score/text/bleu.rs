//! `bleu`: sacreBLEU 2 over all answers of a set.
//!
//! Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", 2002; Post, "A Call for Clarity in
//! Reporting BLEU Scores", 2018. Smoothing is `exp`, as in mteval-v13a.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;

use super::bleu_tokens::Tokenize;
use super::words::words;
use crate::score::entry::Setup;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};
use crate::{Error, Result};

/// The longest n-grams that are compared.
const ORDER: usize = 4;

/// Arguments of `bleu`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Name of sacreBLEU's tokenizer. Default: 13a, sacreBLEU's own.
    #[serde(default)]
    tokenize: Option<String>,
    /// Whether case is ignored. Default: false.
    #[serde(default)]
    lowercase: bool,
}

/// `BleuEvaluator`: BLEU of the whole set, 0 to 100. The score of an item is its own BLEU, which is only for reading.
pub(super) struct Bleu {
    tokenize: Tokenize,
    lowercase: bool,
}

impl Bleu {
    pub(super) fn make(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let Arguments { tokenize, lowercase } = setup.named.arguments()?;
        let name = tokenize.unwrap_or_else(|| "13a".to_owned());
        Ok(Box::new(Self { tokenize: tokenizer(setup, &name)?, lowercase }))
    }

    /// `BleuFloresEvaluator`, whose tokenizer is a SentencePiece model that nobody has given.
    pub(super) fn flores(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        Ok(Box::new(Self { tokenize: tokenizer(setup, "flores200")?, lowercase: false }))
    }

    fn words(&self, text: &str) -> String {
        if self.lowercase { self.tokenize.apply(&text.to_lowercase()) } else { self.tokenize.apply(text) }
    }
}

fn tokenizer(setup: &Setup<'_>, name: &str) -> Result<Tokenize> {
    Tokenize::named(name).ok_or_else(|| Error::Value {
        place: format!("{}.tokenize", setup.named.name()),
        found: format!("`{name}`"),
        expected:
            "`13a`, `zh`, `intl`, `char` or `none`; the others need a model that is not part of this program"
                .to_owned(),
    })
}

impl Evaluate for Bleu {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut total = Statistics::default();
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let prediction = self.words(&item.pred_text());
            let references: Vec<String> = item.references().iter().map(|text| self.words(text)).collect();
            let own = Statistics::of(&prediction, &references);
            let score = if item.is_answered() { own.bleu().score } else { 0.0 };
            details.push(Detail { score: Some(score), ..detail(item) });
            total.add(&own);
        }
        let mut scores = Scores { details, answered: answered(items), ..Scores::default() };
        if !items.is_empty() {
            total.report(&mut scores);
        }
        scores
    }
}

/// What BLEU is computed from; sums over items are those of the set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Statistics {
    /// Number of predicted words.
    predicted: usize,
    /// Number of words of the references that are nearest in length.
    expected: usize,
    correct: [usize; ORDER],
    total: [usize; ORDER],
}

/// A score with its parts.
struct BleuScore {
    /// 0 to 100.
    score: f64,
    precisions: [f64; ORDER],
    brevity: f64,
}

impl Statistics {
    /// Counts the n-grams of one prediction, all with spaces between their words.
    pub(super) fn of(prediction: &str, references: &[String]) -> Self {
        let ours: Vec<&str> = words(prediction).collect();
        let theirs: Vec<Vec<&str>> = references.iter().map(|text| words(text).collect()).collect();
        let mut found = Self { predicted: ours.len(), ..Self::default() };
        let distance = |length: usize| (length.abs_diff(ours.len()), length);
        found.expected = theirs.iter().map(Vec::len).min_by_key(|length| distance(*length)).unwrap_or(0);
        for size in 1..=ORDER {
            let mut most: HashMap<&[&str], usize> = HashMap::new();
            for reference in &theirs {
                for (ngram, count) in counted(reference, size) {
                    let known = most.entry(ngram).or_default();
                    *known = count.max(*known);
                }
            }
            let own = counted(&ours, size);
            let common = own.iter().map(|(ngram, count)| (*count).min(most.get(ngram).copied().unwrap_or(0)));
            found.correct[size - 1] = common.sum();
            found.total[size - 1] = (ours.len() + 1).saturating_sub(size);
        }
        found
    }

    fn add(&mut self, other: &Self) {
        self.predicted += other.predicted;
        self.expected += other.expected;
        for size in 0..ORDER {
            self.correct[size] += other.correct[size];
            self.total[size] += other.total[size];
        }
    }

    /// Computes the score.
    fn bleu(&self) -> BleuScore {
        let mut precisions = [0.0; ORDER];
        let brevity = match (self.predicted, self.expected) {
            (ours, theirs) if ours >= theirs => 1.0,
            (0, _) => 0.0,
            (ours, theirs) => (1.0 - theirs as f64 / ours as f64).exp(),
        };
        if self.correct.iter().all(|correct| *correct == 0) {
            return BleuScore { score: 0.0, precisions, brevity };
        }
        let mut smooth = 1.0;
        for (precision, (correct, total)) in precisions.iter_mut().zip(self.correct.iter().zip(&self.total)) {
            if *total == 0 {
                break;
            }
            *precision = if *correct == 0 {
                smooth *= 2.0;
                100.0 / (smooth * *total as f64)
            } else {
                100.0 * *correct as f64 / *total as f64
            };
        }
        // sacreBLEU's logarithm of 0, which makes the score 0.
        let logarithm = |precision: &f64| if *precision == 0.0 { -9_999_999_999.0 } else { precision.ln() };
        let mean = precisions.iter().map(logarithm).sum::<f64>() / ORDER as f64;
        BleuScore { score: brevity * mean.exp(), precisions, brevity }
    }

    /// Computes the score without smoothing, from 0 to 1, as Hugging Face's metric `bleu` does.
    pub(super) fn unsmoothed(&self) -> f64 {
        if self.correct.contains(&0) {
            return 0.0;
        }
        self.bleu().score / 100.0
    }

    /// Writes the results under upstream's names and in upstream's order.
    fn report(&self, scores: &mut Scores) {
        let BleuScore { score, precisions, brevity } = self.bleu();
        let numbers = [
            ("score", score),
            ("bp", brevity),
            ("sys_len", self.predicted as f64),
            ("ref_len", self.expected as f64),
        ];
        scores.metrics =
            numbers.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Metrics>();
        scores.extra.insert("counts".to_owned(), json!(self.correct));
        scores.extra.insert("totals".to_owned(), json!(self.total));
        scores.extra.insert("precisions".to_owned(), json!(precisions));
    }
}

fn counted<'a, 'b>(words: &'b [&'a str], size: usize) -> HashMap<&'b [&'a str], usize> {
    let mut counts = HashMap::new();
    for ngram in words.windows(size) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}
