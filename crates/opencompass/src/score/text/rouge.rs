//! `rouge`, `jieba_rouge` and `average_rouge`: how much of a reference text an answer repeats.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::rouge_score::{MEASURES, best_measures};
use super::rouge_words::{ChineseRouge, chinese, rouge_l};
use super::words::built_in;
use super::{bootstrap, jieba};
use crate::score::entry::Setup;
use crate::score::post::general;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, Reading, ScoredItem, Scores};

/// `RougeEvaluator`: English, four F-measures in percent.
///
/// Upstream's numbers are the medians of 1,000 resampled means (NumPy seed 0), which the reading `Compat` computes from
/// the same draws; the reading `Fixed` has the plain means.
pub(super) struct Rouge {
    reading: Reading,
}

impl Rouge {
    pub(super) fn make(setup: &Setup<'_>) -> crate::Result<Box<dyn Evaluate>> {
        setup.named.no_arguments()?;
        Ok(Box::new(Self { reading: setup.reading }))
    }
}

impl Evaluate for Rouge {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let measure = |item: &ScoredItem<'_>| match item.is_answered() {
            true => best_measures(&item.pred_text(), &item.references()),
            false => [0.0; 4],
        };
        let rows: Vec<[f64; 4]> = items.iter().map(measure).collect();
        let columns: Vec<Vec<f64>> =
            (0..MEASURES.len()).map(|place| rows.iter().map(|row| row[place]).collect()).collect();
        let totals = match self.reading {
            Reading::Compat => bootstrap::medians(&columns),
            Reading::Fixed => columns.iter().map(mean).collect(),
        };
        let rows: Vec<Vec<f64>> = rows.iter().map(|row| row.to_vec()).collect();
        measured(items, &MEASURES, &rows, &totals)
    }
}

/// `JiebaRougeEvaluator`: Chinese, three F-measures in percent.
pub(super) struct JiebaRouge;

impl Evaluate for JiebaRouge {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let measure = |item: &ScoredItem<'_>| {
            if !item.is_answered() {
                return vec![0.0; 3];
            }
            let reference = item.references().into_iter().next().unwrap_or_default();
            let found = jieba_rouge(&item.pred_text(), &reference);
            vec![found.rouge1, found.rouge2, found.rouge_l]
        };
        let rows: Vec<Vec<f64>> = items.iter().map(measure).collect();
        let totals: Vec<f64> = (0..3).map(|place| mean(rows.iter().map(|row| &row[place]))).collect();
        measured(items, &["rouge1", "rouge2", "rougeL"], &rows, &totals)
    }
}

/// Compares two Chinese texts as `JiebaRougeEvaluator` of OpenCompass does: the normal forms of [`general`], divided into
/// words by jieba. A side without words counts as a placeholder.
fn jieba_rouge(prediction: &str, reference: &str) -> ChineseRouge {
    let words = |text: &str, placeholder: &str| {
        let words = jieba::spaced(&general(text));
        if words.is_empty() { placeholder.to_owned() } else { words }
    };
    let prediction = words(prediction, "__PREDPLACEHOLDER__");
    let reference = words(reference, "__REFRPLACEHOLDER__");
    chinese(&prediction, &reference).unwrap_or_default()
}

/// `AverageRougeEvaluator` of SeedBench: the mean of ROUGE-L over the blanks of a text, which commas divide.
pub(super) struct AverageRouge;

static ANSWER_MARK: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)(正确答案[:：]|correct answer[:：])"));
/// What stands for an empty answer.
const NOTHING: &str = "无内容";

impl Evaluate for AverageRouge {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let measure = |item: &ScoredItem<'_>| {
            if !item.is_answered() {
                return vec![0.0];
            }
            let reference = item.references().into_iter().next().unwrap_or_default();
            vec![average_rouge(&item.pred_text(), &reference)]
        };
        let rows: Vec<Vec<f64>> = items.iter().map(measure).collect();
        let total = mean(rows.iter().map(|row| &row[0]));
        measured(items, &["AvgRougeScore"], &rows, &[total])
    }
}

fn average_rouge(prediction: &str, reference: &str) -> f64 {
    let plain = ANSWER_MARK.replace_all(prediction, "");
    let reference = reference.replace('，', ",");
    let references: Vec<&str> = reference.split(',').map(str::trim).collect();
    let mut blanks: Vec<&str> = match references.len() {
        1 => vec![plain.trim()],
        _ => plain.trim().split(',').map(str::trim).collect(),
    };
    blanks.resize(references.len(), NOTHING);
    let score = |(blank, reference): (&&str, &&str)| {
        let words = jieba::spaced(blank);
        let words = if words.trim().is_empty() { NOTHING.to_owned() } else { words };
        rouge_l(&words, &jieba::spaced(reference)).unwrap_or(0.0)
    };
    let scores: Vec<f64> = blanks.iter().zip(&references).map(score).collect();
    mean(&scores)
}

/// The mean; 0 of nothing.
fn mean<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values {
        sum += value;
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// Builds scores from shares: one row per item with a value per metric, and one total per metric. The first metric is the
/// item's own score, the others are named in its detail.
fn measured(items: &[ScoredItem<'_>], names: &[&str], rows: &[Vec<f64>], totals: &[f64]) -> Scores {
    let mut metrics = Metrics::new();
    if !items.is_empty() {
        metrics.extend(names.iter().zip(totals).map(|(name, total)| ((*name).to_owned(), 100.0 * total)));
    }
    let judged = |(item, row): (&ScoredItem<'_>, &Vec<f64>)| {
        let mut detail = Detail { score: row.first().copied(), ..detail(item) };
        let others = names.iter().zip(row).skip(1);
        detail.extra.extend(others.map(|(name, value)| ((*name).to_owned(), json!(value))));
        detail
    };
    let details = items.iter().zip(rows).map(judged).collect();
    Scores { metrics, details, answered: answered(items), ..Scores::default() }
}
