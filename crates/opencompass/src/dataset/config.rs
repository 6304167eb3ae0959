//! The tables of a dataset file. Keys are OpenCompass' own words in its snake case; unknown keys are errors.

use std::path::Path;

use indexmap::IndexMap;
use internlm_kit::config::ConfigError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ContinuationChoices, RowRange, with_nearest};
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

impl PostStep {
    /// Creates a post-processor of this name without arguments.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// The values of one subset by key, `name` among them.
pub type SubsetTable = IndexMap<String, String>;

/// The `[source]` table: the files of a dataset.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SourceConfig {
    /// Files of the scored rows, relative to a data folder of the run. `archive.zip!member` reads a member.
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
    /// sha256 of each file of `files`. A file that differs by one byte is refused. Default: not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sha256: Vec<String>,
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
    /// One JSON list of objects.
    Json,
    /// Comma-separated values with a header row, or without one and with `columns`.
    Csv,
    /// Tab-separated values, otherwise like csv.
    Tsv,
    /// One row per line, whose only column is `text`.
    Txt,
}

/// The `[split]` table: the part of the rows that is used.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SplitConfig {
    /// Python slice of the scored rows, such as `[:100]`. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_range: Option<RowRange>,
    /// Python slice of the rows that examples are taken from. Default: all.
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
    pub map: IndexMap<String, String>,
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
    /// Text between examples of a text template. Default: a newline.
    pub separator: String,
    /// Text after the last example of a text template. Default: a newline.
    pub eos: String,
}

impl Default for FewShotConfig {
    fn default() -> Self {
        Self { retriever: Retriever::Zero, ids: Vec::new(), separator: "\n".to_owned(), eos: "\n".to_owned() }
    }
}

/// The rule that chooses examples.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retriever {
    /// No examples in the prompt.
    #[default]
    Zero,
    /// The same rows in front of every question.
    Fixk,
}

/// The `[infer]` table: mode and limits of the requests.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct InferConfig {
    /// What is asked of the model.
    pub mode: Mode,
    /// Maximum number of tokens of an answer. Default: the model's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_out_len: Option<u32>,
    /// Strings that end an answer. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// `chat`: tools on offer, each `{ name, description, parameters }`. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// `rolling`: maximum number of bytes of a document that are measured. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_document_bytes: Option<usize>,
}

/// What is asked of the model. Upstream's inferencers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// The model answers a prompt (`GenInferencer`).
    Gen,
    /// The model answers messages and may call tools (`ChatInferencer`).
    Chat,
    /// The label whose whole prompt has the lowest perplexity wins (`PPLInferencer`).
    Ppl,
    /// A text is measured from its first to its last token (`SWCELossInferencer`).
    Rolling,
}

impl Mode {
    /// Returns the word for the column `mode` of tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gen | Self::Chat => "gen",
            Self::Ppl | Self::Rolling => "ppl",
        }
    }

    /// Says whether the model has to return log-probabilities of the prompt.
    #[must_use]
    pub const fn needs_log_probs(self) -> bool {
        matches!(self, Self::Ppl | Self::Rolling)
    }
}

/// The `[score]` table: how answers are scored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ScoreConfig {
    /// The comparison of an answer with the expected one.
    pub evaluator: Evaluator,
    /// Post-processors that extract the answer, applied in order. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<PostConfig>,
    /// `tool_call`: name of the argument that is compared with the column of the same name. Default: only the
    /// form of the call is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
}

/// The comparison of an answer with the expected one. Upstream's evaluators.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evaluator {
    /// The strings are equal (`AccEvaluator`).
    Acc,
    /// Both are equal after `general`, for any of several references (`EMEvaluator`).
    Em,
    /// The numbers are equal up to 1e-6 (`Gsm8kEvaluator`).
    Gsm8k,
    /// Both are numbers of the same value; used with the post-processor `last_number`.
    Number,
    /// The first words are equal (`LambadaEvaluator`).
    Lambada,
    /// The answer is exactly one well-formed call of an offered tool.
    ToolCall,
    /// The text is measured in bits per byte; nothing is compared.
    BitsPerByte,
}

/// One post-processor, written as its name or as a table with arguments.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a name or a table with `name`")]
#[non_exhaustive]
pub enum PostConfig {
    /// A name without arguments.
    Name(String),
    /// A table with arguments.
    Step(PostStep),
}

/// A post-processor with arguments.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PostStep {
    /// Name of the post-processor.
    pub name: String,
    /// `first_option_postprocess`, `last_option_postprocess`: the option letters, such as `ABCD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
    /// `first_option_postprocess`: whether to take any option letter if no pattern matches. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cushion: Option<bool>,
    /// `first_option_postprocess`, `last_option_postprocess`, `first_number_postprocess`, `gsm8k`: whether to read
    /// what a person reads instead of repeating the faults of OpenCompass 0.5.4. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired: Option<bool>,
    /// `match_answer_pattern`, `think_pred`: a regular expression whose group 1 is the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// `specific-xml-tag`: a tag such as `<answer>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
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
