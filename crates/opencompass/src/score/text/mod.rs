//! Similarity of texts and comparisons of labels: ROUGE, BLEU, F1, containment, edit distance, correlation.

mod answers;
mod bleu;
mod bleu_tokens;
mod bootstrap;
pub(super) mod edit;
mod groups;
pub(super) mod jieba;
mod labels;
pub(super) mod lcs;
mod options;
mod perplexity;
mod rouge;
pub(super) mod rouge_score;
pub(super) mod rouge_words;
pub(super) mod sequence_matcher;
mod table;
mod table_answer;
mod tagged_number;
mod truthful;
pub(super) mod words;

pub(super) use answers::{first_reference, long_answer};
pub(super) use table::{ENTRIES, judged, plain, scored};
