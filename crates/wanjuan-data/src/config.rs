//! [`PipelineConfig`]: where documents come from, which stages they pass, how they are tokenized.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

use crate::StageConfig;
use crate::extract::ExtractConfig;
use crate::read::Selection;
use crate::tokenize::TokenizeConfig;

/// A whole pipeline, as `1-data.toml` describes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PipelineConfig {
    /// Output folder; created when absent.
    pub output: PathBuf,
    /// Write dropped documents to `rejected/<stage>/`. Default true.
    #[serde(default = "yes")]
    pub write_rejected: bool,
    /// Where documents come from.
    pub import: ImportConfig,
    /// The stages in the order in which documents pass them; the first is `extract`.
    pub stages: Vec<StageConfig>,
    /// Tokenizer training and token shards.
    pub tokenize: TokenizeConfig,
}

impl PipelineConfig {
    /// A pipeline into the folder `output` that only extracts the text of pages; [`with_stages`] adds filters.
    ///
    /// [`with_stages`]: Self::with_stages
    #[must_use]
    pub fn new(output: impl Into<PathBuf>, import: ImportConfig) -> Self {
        Self {
            output: output.into(),
            write_rejected: yes(),
            import,
            stages: vec![StageConfig::Extract(ExtractConfig::default())],
            tokenize: TokenizeConfig::default(),
        }
    }

    /// Adds stages after those that are there.
    #[must_use]
    pub fn with_stages(mut self, stages: impl IntoIterator<Item = StageConfig>) -> Self {
        self.stages.extend(stages);
        self
    }

    /// Replaces the settings of tokenizer and shards.
    #[must_use]
    pub fn with_tokenize(self, tokenize: TokenizeConfig) -> Self {
        Self { tokenize, ..self }
    }
}

fn yes() -> bool {
    true
}

/// Where documents come from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ImportConfig {
    /// `rust-docs`: the documentation of the installed Rust toolchain, or `fallback` when it is not
    /// installed. `folder`: pages below `dir`. `warc`: the archives `files`.
    pub source: ImportSource,
    /// Folder of pages, for `source = "folder"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Archives in order, for `source = "warc"`.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Name of the crawl, part of every document id; among duplicates the document with the lexicographically
    /// greatest crawl name is kept.
    pub dump: String,
    /// Prefix that turns the path of a page into its URL. Default `file:///`.
    #[serde(default = "file_url")]
    pub base_url: String,
    /// `WARC-Date` of imported pages. Default 2000-01-01: fixed, so that archives do not depend on the day.
    #[serde(default = "epoch")]
    pub date: String,
    /// Pages per archive, so also per part of the first segment. Default 128.
    #[serde(default = "pages_per_file")]
    pub pages_per_file: usize,
    /// Size in bytes above which a plain or gzip archive is read in several parts, by several threads or workers; a
    /// killed run then resumes inside of the archive. Default 16 MiB.
    #[serde(default = "split_bytes")]
    pub split_bytes: u64,
    /// Which pages to take. Default: all `.html`, `.htm`, `.md` and `.txt` files.
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
#[non_exhaustive]
pub struct FallbackConfig {
    /// Which files to take; an earlier selection wins.
    pub select: Vec<Selection>,
    /// Globs of files and folders to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Kinds of sources, the key `import.source`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImportSource {
    /// `share/doc/rust/html` of the active toolchain.
    RustDocs,
    /// Pages below a folder.
    Folder,
    /// WARC or ARC archives.
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
            Some(stage) => problems.push(format!("stages[0]: found `{}`, expected `extract`", stage.name())),
        }
        for (index, stage) in self.stages.iter().enumerate() {
            problems.extend(stage.problems().into_iter().map(|problem| format!("stages[{index}].{problem}")));
        }
        problems.extend(self.tokenize.problems().into_iter().map(|problem| format!("tokenize.{problem}")));
        problems
    }
}

impl ImportConfig {
    /// Pages below `dir`, which belong to the crawl `dump`.
    #[must_use]
    pub fn folder(dir: impl Into<PathBuf>, dump: &str) -> Self {
        Self { dir: Some(dir.into()), ..Self::new(ImportSource::Folder, dump) }
    }

    /// The archives `files`, which belong to the crawl `dump`.
    #[must_use]
    pub fn archives(files: impl IntoIterator<Item = impl Into<PathBuf>>, dump: &str) -> Self {
        Self { files: files.into_iter().map(Into::into).collect(), ..Self::new(ImportSource::Warc, dump) }
    }

    fn new(source: ImportSource, dump: &str) -> Self {
        Self {
            source,
            dir: None,
            files: Vec::new(),
            dump: dump.to_owned(),
            base_url: file_url(),
            date: epoch(),
            pages_per_file: pages_per_file(),
            split_bytes: split_bytes(),
            select: Vec::new(),
            exclude: Vec::new(),
            fallback: None,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::NearDedupConfig;

    #[test]
    fn all_problems_are_named_at_once() {
        let mut config = PipelineConfig::new("out", ImportConfig::folder("pages", ""));
        config.import.dir = None;
        config.import.pages_per_file = 0;
        config.import.split_bytes = 0;
        config.stages =
            vec![StageConfig::NearDedup(NearDedupConfig { bands: 0, ..NearDedupConfig::default() })];
        config.tokenize.vocab_size = 264;
        config.tokenize.held_out_per_mille = 1000;
        assert_eq!(
            config.problems(),
            [
                "import.dir: found nothing, expected a folder for source = \"folder\"",
                "import.dump: found \"\", expected a name",
                "import.pages-per-file: found 0, expected at least 1",
                "import.split-bytes: found 0, expected at least 1",
                "stages[0]: found `near-dedup`, expected `extract`",
                "stages[0].bands: found 0, expected at least 1",
                "tokenize.vocab-size: found 264, expected at least 265 (9 special tokens, 256 bytes)",
                "tokenize.held-out-per-mille: found 1000, expected less than 1000",
            ]
        );
        config.stages.clear();
        config.tokenize.tokenizer = Some("tokenizer".into());
        let problems = config.problems();
        assert!(problems.contains(&"stages: found none, expected at least `extract`".to_owned()));
        assert!(
            !problems.iter().any(|problem| problem.contains("vocab-size")),
            "a given tokenizer has its own"
        );
    }

    #[test]
    fn constructors_have_the_defaults_of_the_file_and_are_valid() {
        let archives = ImportConfig::archives(["a.warc.gz"], "crawl");
        let config = PipelineConfig::new("out", archives);
        assert_eq!(config.problems(), Vec::<String>::new());
        let text = "output = \"out\"\n[import]\nsource = \"warc\"\nfiles = [\"a.warc.gz\"]\ndump = \"crawl\"\n\
                    [[stages]]\nstage = \"extract\"\n[tokenize]\n";
        assert_eq!(toml::from_str::<PipelineConfig>(text).expect("parses"), config);
        let error = ImportConfig { files: Vec::new(), ..config.import }.problems();
        assert_eq!(error, ["import.files: found none, expected archives for source = \"warc\""]);
    }
}
