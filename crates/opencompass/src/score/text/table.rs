//! The evaluators of this folder by name.

use super::answers;
use super::bleu::Bleu;
use super::groups::{AttackDrop, ByContamination};
use super::labels::{AreaUnderRoc, LetterSets, Matthews, NearestCandidate};
use super::options::OptionSimilarity;
use super::perplexity::Measure;
use super::rouge::{AverageRouge, JiebaRouge, Rouge};
use super::table_answer;
use super::tagged_number::TaggedNumber;
use super::truthful::Truthful;
use super::words::two_decimals;
use crate::Result;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::verdict::{detail, mean_of, verdicts};
use crate::score::{Detail, Evaluate, Metrics, Reading, ScoredItem, Scores};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry { name: "rouge", upstream: &["RougeEvaluator"], has_fixed: true, make: Rouge::make },
    EvaluatorEntry {
        name: "jieba_rouge",
        upstream: &["JiebaRougeEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, JiebaRouge),
    },
    EvaluatorEntry {
        name: "average_rouge",
        upstream: &["AverageRougeEvaluator", "AverageRougeScoreEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, AverageRouge),
    },
    EvaluatorEntry { name: "bleu", upstream: &["BleuEvaluator"], has_fixed: false, make: Bleu::make },
    EvaluatorEntry {
        name: "bleu_flores",
        upstream: &["BleuFloresEvaluator"],
        has_fixed: false,
        make: Bleu::flores,
    },
    EvaluatorEntry {
        name: "nq",
        upstream: &["NQEvaluator"],
        has_fixed: true,
        make: |setup| judged(setup, "score", answers::natural_question),
    },
    EvaluatorEntry {
        name: "triviaqa",
        upstream: &["TriviaQAEvaluator"],
        has_fixed: true,
        make: |setup| judged(setup, "score", answers::trivia),
    },
    EvaluatorEntry {
        name: "nq_cn",
        upstream: &["NQEvaluatorCN"],
        has_fixed: false,
        make: |setup| judged(setup, "score", |item, _| answers::natural_question_cn(item)),
    },
    EvaluatorEntry {
        name: "squad20",
        upstream: &["SQuAD20Evaluator"],
        has_fixed: false,
        make: |setup| judged(setup, "score", |item, _| answers::squad20(item)),
    },
    EvaluatorEntry {
        name: "squad_f1",
        upstream: &["SquadEvaluator"],
        has_fixed: false,
        make: |setup| scored(setup, "f1", answers::squad_f1),
    },
    EvaluatorEntry {
        name: "tydiqa",
        upstream: &["TydiQAEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, TydiQa),
    },
    EvaluatorEntry {
        name: "drop",
        upstream: &["DropOpenAIEvaluator"],
        has_fixed: false,
        make: |setup| judged(setup, "accuracy", |item, _| answers::drop(item)),
    },
    EvaluatorEntry {
        name: "openfindata_keywords",
        upstream: &["OpenFinDataKWEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Keywords),
    },
    EvaluatorEntry {
        name: "contained",
        upstream: &["AccScoreStrEvaluator", "AccScoreStr_Evaluator"],
        has_fixed: false,
        make: |setup| judged(setup, "ACCStrScore", |item, _| answers::contained(item)),
    },
    EvaluatorEntry {
        name: "letter_sets",
        upstream: &["F1Evaluator", "F1ScoreEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, LetterSets),
    },
    EvaluatorEntry {
        name: "s3eval",
        upstream: &["S3EvalEvaluator"],
        has_fixed: false,
        make: |setup| {
            scored(setup, "score", |item| {
                table_answer::score(&item.pred_text(), &answers::first_reference(item))
            })
        },
    },
    EvaluatorEntry {
        name: "edacc",
        upstream: &["EDAccEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, NearestCandidate),
    },
    EvaluatorEntry {
        name: "option_similarity",
        upstream: &["OptionSimAccEvaluator"],
        has_fixed: true,
        make: OptionSimilarity::make,
    },
    EvaluatorEntry {
        name: "truthfulqa",
        upstream: &["TruthfulQAEvaluator"],
        has_fixed: false,
        make: Truthful::make,
    },
    EvaluatorEntry {
        name: "acc_contamination",
        upstream: &["AccContaminationEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, ByContamination),
    },
    EvaluatorEntry {
        name: "acc_drop",
        upstream: &["AccDropEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, AttackDrop),
    },
    EvaluatorEntry {
        name: "tagged_number",
        upstream: &["RMSEEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, TaggedNumber::First),
    },
    EvaluatorEntry {
        name: "last_tagged_number",
        upstream: &["MAEEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, TaggedNumber::Last),
    },
    EvaluatorEntry {
        name: "mcc",
        upstream: &["MccEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Matthews),
    },
    EvaluatorEntry {
        name: "auc_roc",
        upstream: &["AUCROCEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, AreaUnderRoc),
    },
    EvaluatorEntry {
        name: "average_ppl",
        upstream: &["AveragePPLEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Measure::Perplexity),
    },
    EvaluatorEntry {
        name: "average_mink",
        upstream: &["AverageMinKEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Measure::MinK),
    },
    EvaluatorEntry {
        name: "average_inference_ppl",
        upstream: &["AverageInferencePPLEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Measure::PerToken),
    },
    EvaluatorEntry {
        name: "bpc",
        upstream: &["BPCEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Measure::BitsPerCharacter),
    },
];

/// An evaluator without arguments.
pub(in crate::score) fn plain(
    setup: &Setup<'_>,
    evaluator: impl Evaluate + 'static,
) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(evaluator))
}

/// An evaluator that judges each item by itself.
struct Judged {
    metric: &'static str,
    reading: Reading,
    correct: fn(&ScoredItem<'_>, Reading) -> bool,
}

impl Evaluate for Judged {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts(self.metric, items, |item| (self.correct)(item, self.reading))
    }
}

/// An evaluator whose metric is the share of items that are `correct`.
pub(in crate::score) fn judged(
    setup: &Setup<'_>,
    metric: &'static str,
    correct: fn(&ScoredItem<'_>, Reading) -> bool,
) -> Result<Box<dyn Evaluate>> {
    plain(setup, Judged { metric, reading: setup.reading, correct })
}

/// An evaluator that gives each item a number by itself.
struct Scored {
    metric: &'static str,
    score: fn(&ScoredItem<'_>) -> f64,
}

impl Evaluate for Scored {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        mean_of(self.metric, items, self.score)
    }
}

/// An evaluator whose metric is the mean of the items' scores in percent.
pub(in crate::score) fn scored(
    setup: &Setup<'_>,
    metric: &'static str,
    score: fn(&ScoredItem<'_>) -> f64,
) -> Result<Box<dyn Evaluate>> {
    plain(setup, Scored { metric, score })
}

/// `OpenFinDataKWEvaluator`: the share of answers with all keywords, rounded to two decimals.
struct Keywords;

impl Evaluate for Keywords {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut scores = verdicts("accuracy", items, answers::keywords);
        for value in scores.metrics.values_mut() {
            *value = two_decimals(*value);
        }
        scores
    }
}

/// `TydiQAEvaluator`: exact match and F1 in percent.
struct TydiQa;

impl Evaluate for TydiQa {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let (equal, score) = if item.is_answered() { answers::tydiqa(item) } else { (false, 0.0) };
            Detail { correct: Some(equal), score: Some(score), ..detail(item) }
        };
        let details: Vec<Detail> = items.iter().map(judge).collect();
        let correct = details.iter().filter(|detail| detail.correct == Some(true)).count();
        let sum: f64 = details.iter().filter_map(|detail| detail.score).sum();
        let mut metrics = Metrics::new();
        if !details.is_empty() {
            metrics.insert("exact_match".to_owned(), 100.0 * correct as f64 / details.len() as f64);
            metrics.insert("f1".to_owned(), 100.0 * sum / details.len() as f64);
        }
        let answered = items.iter().filter(|item| item.is_answered()).count();
        Scores { metrics, details, answered, correct: Some(correct), ..Scores::default() }
    }
}
