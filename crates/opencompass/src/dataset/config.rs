//! What a dataset file says. Keys are OpenCompass' own words, in its snake case; unknown ones are errors.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ContinuationChoices, RowRange};
use crate::prompt::PromptConfig;

/// A dataset: where its rows are, how it is asked, how it is scored.
///
/// ```
/// let dataset: opencompass::dataset::DatasetConfig = internlm_kit::config::parse(
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
/// assert_eq!(opencompass::prompt::version(&dataset).len(), 6);
/// # Ok::<(), internlm_kit::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetConfig {
    /// Name in tables and file names.
    pub name: String,
    /// Where the rows are.
    pub source: Source,
    /// Which rows.
    #[serde(default)]
    pub split: Split,
    /// Which columns, and how they are made.
    pub reader: Reader,
    /// Shots in the prompt.
    #[serde(default)]
    pub few_shot: FewShot,
    /// Templates.
    #[serde(default)]
    pub prompt: PromptConfig,
    /// How the model is asked.
    pub infer: Infer,
    /// How answers are scored.
    pub score: ScoreConfig,
    /// About the set.
    #[serde(default)]
    pub meta: Meta,
    /// Several sets from one file: each table's keys replace `${key}` in every string above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subset: Vec<SubsetTable>,
}

/// Values of one subset; `name` is one of them.
pub type SubsetTable = IndexMap<String, String>;

/// Where rows are.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Files of the scored rows, below one of the run's data folders; `archive.zip!member` reads a member.
    pub files: Vec<String>,
    /// Files of the rows that shots are taken from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub train_files: Vec<String>,
    /// How rows are written.
    #[serde(default)]
    pub format: Format,
    /// Column names of a table without a header row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// sha256 of each file of `files`; a file that differs by one byte is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sha256: Vec<String>,
    /// Makes multiple-choice rows out of documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation_choices: Option<ContinuationChoices>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object per line.
    #[default]
    Jsonl,
    /// A JSON list of objects.
    Json,
    /// Comma-separated with a header row, or with `columns` and none.
    Csv,
    /// The same with tabs.
    Tsv,
    /// One row per line, in the column `text`.
    Txt,
}

/// Which rows.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// A Python slice of the scored rows, as `[:100]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_range: Option<RowRange>,
    /// A Python slice of the rows that shots are taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_range: Option<RowRange>,
}

/// Which columns, and how they are made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// Columns that prompts may use, in the order in which their marks are replaced.
    pub input: Vec<String>,
    /// Column of the expected answer; none for text that is only measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// New columns from places inside a row, as JSON pointers: `textA = "/choices/text/0"`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub fields: IndexMap<String, String>,
    /// Turns an answer into a letter by its place among the row's labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_key: Option<AnswerKey>,
    /// Post-processors of columns, as `answer = "gsm8k_dataset"`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub map: IndexMap<String, String>,
}

/// An answer by its place among the row's labels: `"3"` of `["1", "2", "3", "4"]` is `C`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerKey {
    /// Column of the answer, which is replaced.
    pub column: String,
    /// JSON pointer of the row's labels. Rows with another number of labels than `letters` are left out.
    pub labels: String,
    /// The letters.
    pub letters: String,
}

/// Shots in the prompt.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FewShot {
    /// How shots are chosen.
    pub retriever: Retriever,
    /// Rows of the train files, for `fixk`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<usize>,
    /// Between text shots.
    pub separator: String,
    /// After the last text shot.
    pub eos: String,
}

impl Default for FewShot {
    fn default() -> Self {
        Self { retriever: Retriever::Zero, ids: Vec::new(), separator: "\n".to_owned(), eos: "\n".to_owned() }
    }
}

/// How shots are chosen.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retriever {
    /// None.
    #[default]
    Zero,
    /// The same rows for every question.
    Fixk,
}

/// How the model is asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Infer {
    /// The inferencer.
    pub mode: Mode,
    /// Most tokens of an answer; the model's default without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_out_len: Option<u32>,
    /// Strings that end an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Tools offered in `chat` mode: `{ name, description, parameters }`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// `rolling`: at most this many bytes of a document are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_document_bytes: Option<usize>,
}

/// The inferencer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The model answers a prompt.
    Gen,
    /// The model answers messages, with tools if there are any.
    Chat,
    /// The label whose whole prompt has the lowest perplexity wins.
    Ppl,
    /// A text is measured from its first to its last token.
    Rolling,
}

impl Mode {
    /// The word of the table's column `mode`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gen | Self::Chat => "gen",
            Self::Ppl | Self::Rolling => "ppl",
        }
    }

    /// Whether the model must give log-probabilities of the prompt.
    #[must_use]
    pub const fn needs_log_probs(self) -> bool {
        matches!(self, Self::Ppl | Self::Rolling)
    }
}

/// How answers are scored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreConfig {
    /// The evaluator.
    pub evaluator: Evaluator,
    /// Post-processors of the answer, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<PostConfig>,
    /// `tool_call`: column of the argument that counts as right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
}

/// The evaluator.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evaluator {
    /// Equal strings.
    Acc,
    /// Equal after `general`, with any reference.
    Em,
    /// The number of a GSM8K answer.
    Gsm8k,
    /// The last number of the answer equals the expected one.
    Number,
    /// LAMBADA's last word.
    Lambada,
    /// The answer is one well-formed call of an offered tool.
    ToolCall,
    /// Information content per byte of text.
    BitsPerByte,
}

/// One post-processor: its name, or a table with arguments.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a name or a table with `name`")]
pub enum PostConfig {
    /// Without arguments.
    Name(String),
    /// With arguments.
    Step(PostStep),
}

/// A post-processor with arguments.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PostStep {
    /// Which.
    pub name: String,
    /// Option letters, for `first_option_postprocess` and `last_option_postprocess`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
    /// `first_option_postprocess`: take any option letter when no pattern matches; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cushion: Option<bool>,
    /// A regular expression, for `match_answer_pattern` and `think_pred`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A tag as `<answer>`, for `specific-xml-tag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// About the set.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Meta {
    /// Group of the leader boards.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Language tag.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// Licence of the questions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// Scored rows of the whole set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// Where the set and its templates come from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}
