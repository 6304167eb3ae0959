//! The evaluators of this folder by name.

use super::longbench::{self, Language};
use super::longbench_v2::ByGroup;
use super::recall::{self, Rounded};
use super::{infinitebench, lveval};
use crate::Result;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::text::{judged, long_answer, plain, scored};
use crate::score::verdict::mean_of;
use crate::score::{Evaluate, ScoredItem, Scores};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "longbench_f1",
        upstream: &["LongBenchF1Evaluator"],
        has_fixed: false,
        make: |setup| in_language(setup, "score", longbench::bag_f1),
    },
    EvaluatorEntry {
        name: "longbench_rouge",
        upstream: &["LongBenchRougeEvaluator"],
        has_fixed: false,
        make: |setup| in_language(setup, "score", longbench::rouge),
    },
    EvaluatorEntry {
        name: "longbench_count",
        upstream: &["LongBenchCountEvaluator"],
        has_fixed: false,
        make: |setup| scored(setup, "score", longbench::count),
    },
    EvaluatorEntry {
        name: "longbench_retrieval",
        upstream: &["LongBenchRetrievalEvaluator"],
        has_fixed: false,
        make: |setup| in_language(setup, "score", longbench::retrieval),
    },
    EvaluatorEntry {
        name: "longbench_code_sim",
        upstream: &["LongBenchCodeSimEvaluator"],
        has_fixed: false,
        make: |setup| scored(setup, "score", longbench::code_similarity),
    },
    EvaluatorEntry {
        name: "longbench_classification",
        upstream: &["LongBenchClassificationEvaluator"],
        has_fixed: false,
        make: |setup| scored(setup, "score", longbench::classification),
    },
    EvaluatorEntry {
        name: "longbench_v2",
        upstream: &["LongBenchv2Evaluator"],
        has_fixed: false,
        make: |setup| plain(setup, ByGroup),
    },
    EvaluatorEntry {
        name: "lveval_f1",
        upstream: &["LVEvalF1Evaluator"],
        has_fixed: false,
        make: |setup| in_language(setup, "f1", lveval::bag_f1),
    },
    EvaluatorEntry {
        name: "lveval_keyword_f1",
        upstream: &["LVEvalOPTF1Evaluator"],
        has_fixed: false,
        make: |setup| in_language(setup, "LVEval_f1", lveval::keyword_f1),
    },
    EvaluatorEntry {
        name: "lveval_rouge",
        upstream: &["LVEvalOPTRougeEvaluator"],
        has_fixed: false,
        make: |setup| in_language(setup, "LVEval_rouge", lveval::rouge),
    },
    EvaluatorEntry {
        name: "leval_em",
        upstream: &["LEvalEMEvaluator"],
        has_fixed: false,
        make: |setup| judged(setup, "score", |item, _| long_answer(item)),
    },
    EvaluatorEntry {
        name: "infinitebench_dialogue",
        upstream: &["InfiniteBenchendiaEvaluator"],
        has_fixed: false,
        make: |setup| judged(setup, "score", |item, _| infinitebench::dialogue(item)),
    },
    EvaluatorEntry {
        name: "infinitebench_key_value",
        upstream: &["InfiniteBenchretrievekvEvaluator"],
        has_fixed: false,
        make: |setup| judged(setup, "score", |item, _| infinitebench::key_value(item)),
    },
    EvaluatorEntry {
        name: "infinitebench_calculation",
        upstream: &["InfiniteBenchmathcalcEvaluator"],
        has_fixed: false,
        make: |setup| scored(setup, "score", infinitebench::calculation),
    },
    EvaluatorEntry {
        name: "ruler",
        upstream: &["RulerNiahEvaluator", "RulerVtEvaluator", "RulerCweEvaluator", "RulerFweEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Rounded { score: recall::share }),
    },
    EvaluatorEntry {
        name: "ruler_qa",
        upstream: &["RulerQaEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Rounded { score: recall::any }),
    },
    EvaluatorEntry {
        name: "babilong",
        upstream: &["BabiLongEvaluator"],
        has_fixed: false,
        make: |setup| plain(setup, Rounded { score: recall::first_sentence }),
    },
    EvaluatorEntry {
        name: "mrcr",
        upstream: &["MRCREvaluator"],
        has_fixed: false,
        make: |setup| scored(setup, "score", recall::message),
    },
];

/// An evaluator that gives each item a number by the rules of a language.
struct InLanguage {
    metric: &'static str,
    language: Language,
    score: fn(&ScoredItem<'_>, Language) -> f64,
}

impl Evaluate for InLanguage {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        mean_of(self.metric, items, |item| (self.score)(item, self.language))
    }
}

/// An evaluator with the argument `language`; its metric is the mean of the items' scores in percent.
fn in_language(
    setup: &Setup<'_>,
    metric: &'static str,
    score: fn(&ScoredItem<'_>, Language) -> f64,
) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(InLanguage { metric, language: Language::of(setup)?, score }))
}
