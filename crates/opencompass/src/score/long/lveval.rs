//! LV-Eval: F1 and ROUGE-L with the first reference, also with the keywords of the answer.
//! OpenCompass 0.5.4 `datasets/lveval/evaluators.py` (Apache-2.0).

use super::abandoned;
use super::longbench::Language;
use crate::score::ScoredItem;
use crate::score::text::first_reference;
use crate::score::text::jieba::cut;
use crate::score::text::rouge_words::rouge_l;
use crate::score::text::words::{answer_words, f1, normalize_chinese, shared};

impl Language {
    fn is_counted(self, word: &str) -> bool {
        let abandoned = match self {
            Self::En => abandoned::ENGLISH,
            Self::Zh => abandoned::CHINESE,
        };
        !abandoned.contains(&word)
    }

    /// The smallest share of the keywords that an answer has to have.
    fn least_recall(self) -> f64 {
        match self {
            Self::En => 0.2,
            Self::Zh => 0.4,
        }
    }
}

/// `LVEvalF1Evaluator`: the F1 with the first reference.
pub(super) fn bag_f1(item: &ScoredItem<'_>, language: Language) -> f64 {
    f1(&language.words(&item.pred_text()), &language.words(&first_reference(item)))
}

/// `LVEvalOPTF1Evaluator`: the F1 with the first reference if enough keywords are in the answer. The last reference holds
/// the keywords; in Chinese an empty one stands for the first reference.
pub(super) fn keyword_f1(item: &ScoredItem<'_>, language: Language) -> f64 {
    let answer = language.words(&item.pred_text());
    let reference = first_reference(item);
    let mut keywords = item.references().pop().unwrap_or_default();
    if keywords.is_empty() && language == Language::Zh {
        keywords.clone_from(&reference);
    }
    let keywords = language.words(&keywords);
    if !keywords.is_empty() {
        let same = shared(&answer, &keywords, |word| language.is_counted(word));
        if (same as f64 / keywords.len() as f64) < language.least_recall() {
            return 0.0;
        }
    }
    f1(&answer, &language.words(&reference))
}

/// `LVEvalOPTRougeEvaluator`: ROUGE-L with the first reference, without the words that do not count.
pub(super) fn rouge(item: &ScoredItem<'_>, language: Language) -> f64 {
    let counted = |text: &str| {
        let words: Vec<String> = match language {
            Language::En => answer_words(text),
            // Words that are empty in normal form stay, as upstream; they only add spaces.
            Language::Zh => cut(text).into_iter().map(normalize_chinese).collect(),
        };
        let words: Vec<String> = words.into_iter().filter(|word| language.is_counted(word)).collect();
        words.join(" ")
    };
    rouge_l(&counted(&item.pred_text()), &counted(&first_reference(item))).unwrap_or(0.0)
}
