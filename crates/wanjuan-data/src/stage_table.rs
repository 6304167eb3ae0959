//! The table of stages: one row gives a stage its name, its config and how it is built.
//!
//! To add a stage, write its config and its [`Stage`], `RuleSet` or [`Pass`] in a file of its own and add a row
//! here. Everything else (parsing, validation, labels, cutting at passes, the verb `filter`) reads the table.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::corpus_pass::CorpusPass;
use crate::dedup::{
    ExactDedup, ExactDedupConfig, NearDedup, NearDedupConfig, RepeatedLines, RepeatedLinesConfig,
};
use crate::extract::{Extract, ExtractConfig};
use crate::filter::{
    AbnormalCharacters, AbnormalCharactersConfig, BadWords, BadWordsConfig, C4, C4Config, C4Paragraphs,
    C4ParagraphsConfig, Decontaminate, DecontaminateConfig, FineWeb, FineWebConfig, GopherQuality,
    GopherQualityConfig, GopherRepetition, GopherRepetitionConfig, Language, LanguageConfig, Punctuation,
    PunctuationConfig, RefinedWeb, RefinedWebConfig, RuleSet, Separators, SeparatorsConfig,
};
use crate::normalize::{NormalizeCharacters, NormalizeConfig};
use crate::stage::Stage;

/// What a row builds. The kind decides how the executor runs it.
pub(crate) enum BuiltStage {
    /// Decides about one document at a time.
    Stage(Box<dyn Stage>),
    /// A stage that the verb `filter` can also ask about a bare text.
    Rules(Box<dyn RuleSet>),
    /// Decides about the whole corpus.
    Pass(Box<dyn CorpusPass>),
}

/// The kinds of [`BuiltStage`], known without building anything: building may read models and word lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StageKind {
    Stage,
    Rules,
    Pass,
}

/// Expands the rows into [`StageConfig`] and its methods. A row is
/// `NAME Variant(Config) = Kind CONSTRUCTOR [check CHECK];`, where the constructor gives a `Result` and the optional
/// check lists every problem of the config as `key: found X, expected Y`.
macro_rules! stage_table {
    ($($(#[$doc:meta])* $name:literal $variant:ident($config:ty) = $kind:ident $build:expr $(, check $check:path)?;)+) => {
        /// One entry of `[[stages]]` in a pipeline: a closed list, chosen by the key `stage`.
        #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
        #[serde(tag = "stage")]
        #[non_exhaustive]
        pub enum StageConfig {
            $($(#[$doc])* #[serde(rename = $name)] $variant($config),)+
        }

        impl StageConfig {
            /// Name in configs, reports and folders; known without building the stage.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            /// The names of all rule sets, in the order of the table.
            #[cfg(feature = "cli")]
            pub(crate) fn rule_sets() -> Vec<&'static str> {
                let rows = [$(($name, StageKind::$kind),)+];
                rows.into_iter().filter(|(_, kind)| *kind == StageKind::Rules).map(|(name, _)| name).collect()
            }

            pub(crate) fn kind(&self) -> StageKind {
                match self {
                    $(Self::$variant(_) => StageKind::$kind,)+
                }
            }

            /// Builds the stage from its config; some read a model or word lists.
            pub(crate) fn build(&self) -> Result<BuiltStage> {
                match self.clone() {
                    $(Self::$variant(config) => {
                        let build: fn($config) -> Result<_> = $build;
                        Ok(BuiltStage::$kind(Box::new(build(config)?)))
                    })+
                }
            }

            /// Every problem of the config as `key: found X, expected Y`.
            pub(crate) fn problems(&self) -> Vec<String> {
                match self {
                    $(Self::$variant(_config) => {
                        std::iter::empty()$(.chain($check(_config)))?.collect()
                    })+
                }
            }
        }
    };
}

stage_table! {
    /// Turns captured pages into their main text and metadata. Has to come first.
    "extract" Extract(ExtractConfig) = Stage |config| Ok(Extract::new(config));
    /// Gives characters that look the same one spelling.
    "normalize" Normalize(NormalizeConfig) = Stage |config| Ok(NormalizeCharacters::new(config));
    /// Identifies the language and keeps the wanted ones.
    "language" Language(LanguageConfig) = Stage Language::new, check LanguageConfig::problems;
    /// Applies Gopher's document statistics.
    "gopher-quality" GopherQuality(GopherQualityConfig) = Rules |config| Ok(GopherQuality::new(config));
    /// Applies Gopher's limits on repeated lines, paragraphs and n-grams.
    "gopher-repetition" GopherRepetition(GopherRepetitionConfig) = Rules |config| Ok(GopherRepetition::new(config)),
        check GopherRepetitionConfig::problems;
    /// Applies C4's line and document rules.
    "c4" C4(C4Config) = Rules |config| Ok(C4::new(config));
    /// Applies mC4's rule of three long lines.
    "c4-paragraphs" C4Paragraphs(C4ParagraphsConfig) = Rules |config| Ok(C4Paragraphs::new(config));
    /// Drops documents that hold a word of C4's list.
    "c4-bad-words" C4BadWords(BadWordsConfig) = Rules BadWords::load;
    /// Applies FineWeb's line statistics.
    "fineweb" FineWeb(FineWebConfig) = Rules |config| Ok(FineWeb::new(config));
    /// Removes RefinedWeb's undesirable lines.
    "refinedweb" RefinedWeb(RefinedWebConfig) = Rules |config| Ok(RefinedWeb::new(config));
    /// Limits separators and line breaks, the first family of InternLM2's heuristics.
    "separators" Separators(SeparatorsConfig) = Rules |config| Ok(Separators::new(config));
    /// Limits abnormal characters, the second family of InternLM2's heuristics.
    "abnormal-characters" AbnormalCharacters(AbnormalCharactersConfig) = Rules
        |config| Ok(AbnormalCharacters::new(config));
    /// Limits the distribution of punctuation, the third family of InternLM2's heuristics.
    "punctuation" Punctuation(PunctuationConfig) = Rules |config| Ok(Punctuation::new(config));
    /// Drops documents that share n-grams with test sets.
    "decontaminate" Decontaminate(DecontaminateConfig) = Rules Decontaminate::load,
        check DecontaminateConfig::problems;
    /// Removes documents with the same content or address (whole corpus).
    "exact-dedup" ExactDedup(ExactDedupConfig) = Pass |config| Ok(ExactDedup::new(config));
    /// Removes near duplicates by MinHash-LSH (whole corpus).
    "near-dedup" NearDedup(NearDedupConfig) = Pass |config| Ok(NearDedup::new(config)),
        check NearDedupConfig::problems;
    /// Removes lines that many documents share (whole corpus).
    "repeated-lines" RepeatedLines(RepeatedLinesConfig) = Pass |config| Ok(RepeatedLines::new(config)),
        check RepeatedLinesConfig::problems;
}

impl StageConfig {
    /// Builds the stage; `None` for a pass, which decides about a whole corpus.
    ///
    /// # Errors
    /// A model or word list that cannot be read.
    pub fn build_stage(&self) -> Result<Option<Box<dyn Stage>>> {
        Ok(match self.build()? {
            BuiltStage::Stage(stage) => Some(stage),
            BuiltStage::Rules(rules) => Some(rules),
            BuiltStage::Pass(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of the table, in order, with a config of each that needs no file.
    fn rows() -> Vec<StageConfig> {
        let text = include_str!("stage_table.rs");
        let table = text.split("\nstage_table! {").nth(1).and_then(|rest| rest.split("\n}").next());
        let names = table.expect("the table is in this file").lines().filter_map(|line| {
            let (name, _) = line.trim_start().strip_prefix('"')?.split_once('"')?;
            Some(name.to_owned())
        });
        let files = |name: &str| match name {
            "c4-bad-words" => "lists = \"nowhere\"",
            "decontaminate" => "index = \"nowhere\"",
            _ => "",
        };
        names
            .map(|name| toml::from_str(&format!("stage = \"{name}\"\n{}", files(&name))).expect("parses"))
            .collect()
    }

    #[test]
    fn stages_call_themselves_what_the_table_calls_them() {
        let rows = rows();
        assert_eq!(rows.len(), 17);
        for row in &rows {
            let (name, kind) = match row.build() {
                Ok(BuiltStage::Stage(stage)) => (stage.name(), StageKind::Stage),
                Ok(BuiltStage::Rules(rules)) => (rules.name(), StageKind::Rules),
                Ok(BuiltStage::Pass(pass)) => (pass.name(), StageKind::Pass),
                Err(error) => {
                    assert!(error.to_string().contains("nowhere: "), "{error}");
                    (row.name(), StageKind::Rules)
                }
            };
            assert_eq!((name, kind), (row.name(), row.kind()));
        }
    }

    #[test]
    fn defaults_are_valid_and_survive_being_written() {
        for row in rows() {
            assert_eq!(row.problems(), Vec::<String>::new(), "{}", row.name());
            let text = toml::to_string(&row).expect("writes");
            assert_eq!(toml::from_str::<StageConfig>(&text).expect("parses"), row);
        }
    }

    #[test]
    fn every_problem_of_a_stage_is_named() {
        for (toml, problems) in [
            (
                "stage = \"near-dedup\"\nthreshold = 1.5\nbands = 0\nrows = 0\nshingle-words = 0",
                &[
                    "threshold: found 1.5, expected a number above 0, at most 1",
                    "bands: found 0, expected at least 1",
                    "rows: found 0, expected at least 1",
                    "shingle-words: found 0, expected at least 1",
                ][..],
            ),
            (
                "stage = \"near-dedup\"\nthreshold = nan",
                &["threshold: found NaN, expected a number above 0, at most 1"],
            ),
            ("stage = \"language\"\nmin-score = -0.1", &["min-score: found -0.1, expected 0 to 1"]),
            (
                "stage = \"gopher-repetition\"\nchinese.top-n-grams = [{ n = 0, max = 0.1 }]",
                &["n: found 0, expected at least 1"],
            ),
            (
                "stage = \"repeated-lines\"\nmin-documents = 1",
                &["min-documents: found 1, expected at least 2"],
            ),
            (
                "stage = \"decontaminate\"\nindex = \"tests.ngrams\"\nmin-matches = 0",
                &["min-matches: found 0, expected at least 1"],
            ),
        ] {
            assert_eq!(toml::from_str::<StageConfig>(toml).expect("parses").problems(), problems);
        }
    }
}
