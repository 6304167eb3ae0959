//! The config of a whole pipeline: where documents come from, which stages they pass, how they are tokenized.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use crate::dedup::{ExactDedupConfig, NearDedupConfig, RepeatedLinesConfig};
use crate::extract::ExtractConfig;
use crate::filter::{
    AbnormalCharactersConfig, BadWordsConfig, C4Config, C4ParagraphsConfig, FineWebConfig,
    GopherQualityConfig, GopherRepetitionConfig, LanguageConfig, PunctuationConfig, RefinedWebConfig,
    SeparatorsConfig,
};
use crate::normalize::NormalizeConfig;
use crate::read::Selection;
use crate::tokenize::TokenizeConfig;

/// `1-data.toml`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PipelineConfig {
    /// Output folder.
    pub output: PathBuf,
    /// Write dropped documents to `rejected/<stage>/`. Default true.
    #[serde(default = "yes")]
    pub write_rejected: bool,
    /// Where documents come from.
    pub import: ImportConfig,
    /// What happens to them, in this order.
    pub stages: Vec<StageConfig>,
    /// Tokenizer training and shards.
    pub tokenize: TokenizeConfig,
}

fn yes() -> bool {
    true
}

/// One entry of `[[stages]]`: a closed list, chosen by the key `stage`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StageConfig {
    /// Captures to text.
    Extract(ExtractConfig),
    /// One spelling for what looks the same.
    Normalize(NormalizeConfig),
    /// Language identification.
    Language(LanguageConfig),
    /// Gopher's document statistics.
    GopherQuality(GopherQualityConfig),
    /// Gopher's repetition rules.
    GopherRepetition(GopherRepetitionConfig),
    /// C4's line and document rules.
    C4(C4Config),
    /// mC4's three long lines.
    C4Paragraphs(C4ParagraphsConfig),
    /// C4's bad words.
    C4BadWords(BadWordsConfig),
    /// FineWeb's line statistics.
    #[serde(rename = "fineweb")]
    FineWeb(FineWebConfig),
    /// RefinedWeb's lines.
    #[serde(rename = "refinedweb")]
    RefinedWeb(RefinedWebConfig),
    /// Anomalies of separators and line breaks.
    Separators(SeparatorsConfig),
    /// Frequency of abnormal characters.
    AbnormalCharacters(AbnormalCharactersConfig),
    /// Distribution of punctuation.
    Punctuation(PunctuationConfig),
    /// Exact duplicates (whole corpus).
    ExactDedup(ExactDedupConfig),
    /// Near duplicates (whole corpus).
    NearDedup(NearDedupConfig),
    /// Lines that many documents share (whole corpus).
    RepeatedLines(RepeatedLinesConfig),
}

/// Where documents come from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportConfig {
    /// `rust-docs`: the documentation of the installed Rust toolchain, or `fallback` when it is not
    /// installed. `folder`: pages below `dir`. `warc`: the archives `files`.
    pub source: ImportSource,
    /// The folder, for `source = "folder"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// The archives, for `source = "warc"`.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Name of the crawl, part of every document id; of duplicates the greatest name wins.
    pub dump: String,
    /// Put before the path to make the address of a page. Default `file:///`.
    #[serde(default = "file_url")]
    pub base_url: String,
    /// `WARC-Date` of imported pages. Fixed, so that archives do not depend on the day.
    #[serde(default = "epoch")]
    pub date: String,
    /// Pages per archive: the unit of work. Default 128.
    #[serde(default = "pages_per_file")]
    pub pages_per_file: usize,
    /// Bytes of an archive that are one unit of work, for several workers and for resuming inside of a file:
    /// larger archives, plain or gzip, are read in parts. Default 16 MiB.
    #[serde(default = "split_bytes")]
    pub split_bytes: u64,
    /// Which pages to take; default all of `.html`, `.htm`, `.md`, `.txt`.
    #[serde(default)]
    pub select: Vec<Selection>,
    /// Globs of pages and folders to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// For `rust-docs`: what to take from the sources in Cargo's registry when there is no documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackConfig>,
}

/// What to take from `$CARGO_HOME/registry/src`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FallbackConfig {
    /// Which files to take.
    pub select: Vec<Selection>,
    /// Globs of files and folders to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// The kinds of sources.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportSource {
    /// `share/doc/rust/html` of the active toolchain.
    RustDocs,
    /// A folder of pages.
    Folder,
    /// Existing archives.
    Warc,
}

fn file_url() -> String {
    "file:///".to_owned()
}

fn epoch() -> String {
    "2000-01-01T00:00:00Z".to_owned()
}

fn split_bytes() -> u64 {
    1 << 24
}

fn pages_per_file() -> usize {
    128
}

impl Validate for PipelineConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.import.problems();
        match self.stages.first() {
            None => problems.push("stages: found none, expected at least `extract`".to_owned()),
            Some(StageConfig::Extract(_)) => {}
            Some(_) => problems.push("stages[0]: found another stage, expected `extract`".to_owned()),
        }
        for (index, stage) in self.stages.iter().enumerate() {
            problems.extend(stage.problems().into_iter().map(|problem| format!("stages[{index}].{problem}")));
        }
        problems.extend(self.tokenize.problems().into_iter().map(|problem| format!("tokenize.{problem}")));
        problems
    }
}

impl ImportConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.source == ImportSource::Folder && self.dir.is_none() {
            problems.push("import.dir: found nothing, expected a folder for source = \"folder\"".to_owned());
        }
        if self.source == ImportSource::Warc && self.files.is_empty() {
            problems.push("import.files: found none, expected archives for source = \"warc\"".to_owned());
        }
        if self.dump.is_empty() {
            problems.push("import.dump: found \"\", expected a name".to_owned());
        }
        if self.pages_per_file == 0 {
            problems.push("import.pages-per-file: found 0, expected at least 1".to_owned());
        }
        if self.split_bytes == 0 {
            problems.push("import.split-bytes: found 0, expected at least 1".to_owned());
        }
        problems
    }
}

impl StageConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |good: bool, text: String| {
            if !good {
                problems.push(text);
            }
        };
        match self {
            Self::NearDedup(config) => {
                let threshold = config.threshold;
                let valid = (0.0..=1.0).contains(&threshold) && threshold > 0.0;
                check(valid, format!("threshold: found {threshold}, expected a number above 0, at most 1"));
                check(config.bands > 0, "bands: found 0, expected at least 1".to_owned());
                check(config.rows > 0, "rows: found 0, expected at least 1".to_owned());
                check(config.shingle_words > 0, "shingle-words: found 0, expected at least 1".to_owned());
            }
            Self::Language(LanguageConfig { min_score: Some(found), .. }) => {
                check((0.0..=1.0).contains(found), format!("min-score: found {found}, expected 0 to 1"));
            }
            Self::GopherRepetition(config) => {
                let chinese = config.chinese.top_n_grams.iter().chain(&config.chinese.duplicate_n_grams);
                let limits = config.top_n_grams.iter().chain(&config.duplicate_n_grams).chain(chinese);
                check(
                    limits.into_iter().all(|limit| limit.n > 0),
                    "n: found 0, expected at least 1".to_owned(),
                );
            }
            Self::RepeatedLines(config) => {
                let found = config.min_documents;
                check(found >= 2, format!("min-documents: found {found}, expected at least 2"));
            }
            _ => {}
        }
        problems
    }
}
