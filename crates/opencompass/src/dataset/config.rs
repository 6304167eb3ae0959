//! The tables of a dataset file. Keys are OpenCompass' own words in its snake case; unknown keys are errors.

use std::path::Path;

use indexmap::IndexMap;
use internlm_kit::config::ConfigError;
use serde::{Deserialize, Serialize};

use super::{ContinuationChoices, InferConfig, Named, RowRange, with_nearest};
use crate::Result;
use crate::prompt::PromptConfig;

/// A dataset file: where its rows are, how the model is asked and how its answers are scored.
///
/// ```
/// let dataset = opencompass::dataset::DatasetConfig::parse(
///     r#"
///     name = "capitals"
///     [source]
///     files = ["capitals.jsonl"]
///     [reader]
///     input = ["country"]
///     output = "capital"
///     [prompt]
///     rounds = [{ role = "HUMAN", prompt = "Capital of {country}?" }]
///     [infer]
///     mode = "gen"
///     [score]
///     evaluator = "em"
///     "#,
///     "capitals.toml",
/// )?;
/// assert_eq!(opencompass::dataset::version(&dataset).len(), 6);
/// # Ok::<(), opencompass::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DatasetConfig {
    /// Name in tables and file names, without slashes.
    pub name: String,
    /// Files of the rows.
    pub source: SourceConfig,
    /// Part of the rows that is used. Default: all.
    #[serde(default)]
    pub split: SplitConfig,
    /// Columns that prompts use, and how they are computed.
    pub reader: ReaderConfig,
    /// Worked examples in the prompt. Default: none.
    #[serde(default)]
    pub few_shot: FewShotConfig,
    /// Templates of the question and the examples. Not used in mode `rolling`.
    #[serde(default)]
    pub prompt: PromptConfig,
    /// Mode and limits of the requests.
    pub infer: InferConfig,
    /// Evaluator and post-processors of the answers.
    pub score: ScoreConfig,
    /// Facts about the set that change nothing.
    #[serde(default)]
    pub meta: MetaConfig,
    /// Several sets from one file. The keys of each table replace `${key}` in every string above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subset: Vec<SubsetTable>,
}

impl DatasetConfig {
    /// Parses the text of a dataset file with a single set. `name` is the file's name in messages.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with the line and, for an unknown key, the nearest known one.
    pub fn parse(text: &str, name: impl AsRef<Path>) -> Result<Self> {
        internlm_kit::config::parse_unchecked(text, name, &[""; 0]).map_err(|error| match error {
            ConfigError::Parse { path, message } => {
                ConfigError::Parse { path, message: with_nearest(&message) }.into()
            }
            other => other.into(),
        })
    }
}

/// The values of one subset by key, `name` among them.
pub type SubsetTable = IndexMap<String, String>;

/// The `[source]` table: the files of a dataset.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SourceConfig {
    /// Files of the scored rows, relative to a data folder of the run. `archive.zip!member` reads a member, also of
    /// `.tar`, `.tar.gz` and `.tar.zst`; files that end with `.gz` or `.zst` are unpacked.
    pub files: Vec<String>,
    /// Files of the rows that examples are taken from. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub train_files: Vec<String>,
    /// Format of the files. Default: `jsonl`.
    #[serde(default)]
    pub format: Format,
    /// Column names of a csv or tsv file without a header row. Default: the first row has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// sha256 of each file of `files`, or of its member. A file that differs by one byte is refused. Default: not
    /// checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sha256: Vec<String>,
    /// JSON pointer to the rows inside of a `json` file, such as `/examples`. Default: the file is the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// Rules that turn the rows of the files into the rows of the set, applied in order. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loader: Vec<Named>,
    /// The same for the rows of `train_files`. Default: `loader`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_loader: Option<Vec<Named>>,
    /// Files that the evaluator reads: its name for each -> file. Default: none.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub resources: IndexMap<String, String>,
    /// Turns documents into multiple-choice rows. Default: rows are used as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation_choices: Option<ContinuationChoices>,
}

/// The format of data files.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object per line.
    #[default]
    Jsonl,
    /// One JSON list of objects, or an object of objects.
    Json,
    /// Comma-separated values with a header row, or without one and with `columns`.
    Csv,
    /// Tab-separated values, otherwise like csv.
    Tsv,
    /// One row per line that is not empty, whose only column is `text`.
    Txt,
    /// One row per line, empty ones included, whose only column is `text` without white space around it.
    Lines,
    /// One row per file, whose only column is `text`.
    Whole,
    /// Not read; the message says how to convert it.
    Parquet,
}

/// The `[split]` table: the part of the rows that is used.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SplitConfig {
    /// Python slice of the scored rows, such as `[:100]`, or the size of a random subset. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_range: Option<RowRange>,
    /// The same for the rows that examples are taken from. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_range: Option<RowRange>,
}

/// The `[reader]` table: the columns that prompts use, and how they are computed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReaderConfig {
    /// Columns that prompts may use, in the order in which their marks are replaced.
    pub input: Vec<String>,
    /// Column of the expected answer. Absent for text that is only measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// New columns, taken from inside a row by JSON pointers: `textA = "/choices/text/0"`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, String>,
    /// Turns an answer into a letter by its position among the labels of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_key: Option<AnswerKey>,
    /// Post-processors that rewrite columns, such as `answer = "gsm8k_dataset"`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub map: IndexMap<String, Named>,
}

/// Converts an answer into a letter by its position among the labels of the row: `"3"` among `["1", "2", "3",
/// "4"]` becomes `C`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerKey {
    /// Column of the answer, whose value is replaced.
    pub column: String,
    /// JSON pointer to the labels of the row. Rows with more or fewer labels than `letters` are left out.
    pub labels: String,
    /// The letters in order, such as `ABCD`.
    pub letters: String,
}

/// The `[few_shot]` table: worked examples (shots) in front of the question.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FewShotConfig {
    /// The rule that chooses examples. Default: `zero`.
    pub retriever: Retriever,
    /// `fixk`: indices of rows in the train files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<usize>,
    /// Number of examples, for all rules but `zero` and `fixk`. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// `random`, `mdl`, `votek`: seed of the choice. Default: upstream's, 43 for `random` and 1 for the others. `dpp` takes
    /// it for the prompt hash and draws nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// `mdl`, `dpp`: number of candidates before the choice. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<usize>,
    /// `mdl`: number of random sets of candidates that are tried. Default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select_time: Option<usize>,
    /// Text between examples of a text template. Default: a newline.
    pub separator: String,
    /// Text after the last example of a text template. Default: a newline.
    pub eos: String,
}

impl Default for FewShotConfig {
    fn default() -> Self {
        Self {
            retriever: Retriever::Zero,
            ids: Vec::new(),
            count: None,
            seed: None,
            candidates: None,
            select_time: None,
            separator: "\n".to_owned(),
            eos: "\n".to_owned(),
        }
    }
}

/// The rule that chooses examples.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Retriever {
    /// No examples in the prompt.
    #[default]
    Zero,
    /// The same rows in front of every question.
    Fixk,
    /// Random rows, drawn anew for every question (`RandomRetriever`).
    Random,
    /// The rows before the question's own (`SlidingWindowRetriever`).
    SlidingK,
    /// The rows whose words are most like the question's (`BM25Retriever`).
    Bm25,
    /// The rows whose sentence vectors are nearest (`TopkRetriever`).
    Topk,
    /// Of the nearest rows, the set that makes the answer most likely (`MDLRetriever`).
    Mdl,
    /// Rows that many others are near to, spread over the set (`VotekRetriever`).
    Votek,
    /// Near rows that differ from each other (`DPPRetriever`).
    Dpp,
    /// The rows of the question's own field of knowledge (`XiezhiRetriever`).
    Xiezhi,
}

/// The `[score]` table: how answers are scored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ScoreConfig {
    /// The comparison of an answer with the expected one, upstream's evaluator.
    pub evaluator: Named,
    /// Post-processors that extract the answer, applied in order. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<Named>,
    /// Post-processors of the expected answer, applied in order. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_post: Vec<Named>,
    /// Whether the headline repeats OpenCompass 0.5.4 with its faults, or reads what a person reads. Both are
    /// computed in every run. Default: true.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub compat: bool,
}

fn yes() -> bool {
    true
}

/// The `[meta]` table: facts about the set. They change neither requests nor scores.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MetaConfig {
    /// Group of the set in leader boards, such as `reasoning`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Language of the questions, such as `en`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// License of the questions. The spelling `licence` is read too.
    #[serde(alias = "licence", skip_serializing_if = "String::is_empty")]
    pub license: String,
    /// Number of scored rows of the whole set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// Origin of the set and of its templates.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}
