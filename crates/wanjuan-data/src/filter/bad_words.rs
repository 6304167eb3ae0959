//! The stage `c4-bad-words`: drops documents that hold a word of the list of their language (arXiv 1910.10683,
//! section 2.2), as `C4BadWordsFilter` of huggingface/datatrove@a649de7. The lists (LDNOOBW) are files that the user provides.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use aho_corasick::AhoCorasick;
use internlm_kit::file::AtPath;
use serde::{Deserialize, Serialize};

use super::python::is_word;
use super::{Compat, Decision, RuleSet, View, rule_set};
use crate::{Document, Error, Reason, Result, Stage, Verdict};

/// Settings of `c4-bad-words`; the lists are files on disk.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BadWordsConfig {
    /// Folder with a file per language, named by its code: `en`, `zh`, ...; one word or phrase per line.
    pub lists: PathBuf,
    /// Language whose list applies to documents without a language. datatrove: `en`.
    #[serde(default = "english")]
    pub default_language: String,
    /// Whose decisions to reproduce. datatrove takes a list's capitals literally, so that words with capitals are
    /// never found. Default `none`.
    #[serde(default)]
    pub compat: Compat,
}

impl BadWordsConfig {
    /// The lists in the folder `lists`; English for documents that name no language.
    #[must_use]
    pub fn new(lists: impl Into<PathBuf>) -> Self {
        Self { lists: lists.into(), default_language: english(), compat: Compat::None }
    }
}

fn english() -> String {
    "en".to_owned()
}

/// Languages without spaces between words: a listed word also counts inside of other words.
const UNSPACED: [&str; 3] = ["ja", "th", "zh"];
/// Parts of harmless words in languages without spaces.
const ALLOWED: [&str; 4] = ["sm", "グロ", "女の子", "性"];
/// Codes of the languages that LDNOOBW has lists for, which are the names of its files.
const LANGUAGES: [&str; 28] = [
    "ar",
    "cs",
    "da",
    "de",
    "en",
    "eo",
    "es",
    "fa",
    "fi",
    "fil",
    "fr",
    "fr-CA-u-sd-caqc",
    "hi",
    "hu",
    "it",
    "ja",
    "kab",
    "ko",
    "nl",
    "no",
    "pl",
    "pt",
    "ru",
    "sv",
    "th",
    "tlh",
    "tr",
    "zh",
];

/// Drops texts with a word of the list of their language.
#[derive(Clone, Debug)]
pub struct BadWords {
    config: BadWordsConfig,
    lists: BTreeMap<&'static str, AhoCorasick>,
}

impl BadWords {
    /// Reads every list in the folder whose name is the code of a language.
    ///
    /// # Errors
    /// A list that cannot be read; a folder without lists.
    pub fn load(config: BadWordsConfig) -> Result<Self> {
        let mut lists = BTreeMap::new();
        for language in LANGUAGES {
            let path = config.lists.join(language);
            if !path.is_file() {
                continue;
            }
            let text = fs::read_to_string(&path).at(&path, "read")?;
            let spell = |word: &str| match config.compat {
                Compat::None => word.to_lowercase(),
                Compat::Datatrove => word.to_owned(),
            };
            let words = text.lines().map(|line| spell(line.trim()));
            let words = words.filter(|word| !word.is_empty() && !ALLOWED.contains(&word.as_str()));
            let finder = AhoCorasick::new(words).map_err(|error| Error::Format {
                path: path.clone(),
                offset: 0,
                found: error.to_string(),
                expected: "a list of words that fits an automaton".to_owned(),
            })?;
            lists.insert(language, finder);
        }
        if lists.is_empty() {
            let expected = format!("a list of words named by its language: {}", LANGUAGES.join(", "));
            return Err(Error::Unexpected { path: config.lists, found: "no list".to_owned(), expected });
        }
        Ok(Self { config, lists })
    }

    /// The first listed word in `text` that stands alone, or in unspaced languages anywhere.
    fn find(&self, text: &str, language: &str) -> Option<String> {
        let finder = self.lists.get(language)?;
        let text = text.to_lowercase();
        let spaced = !UNSPACED.contains(&language);
        finder
            .find_overlapping_iter(&text)
            .map(|found| found.range())
            .find(|range| {
                let before = text[..range.start].chars().next_back();
                let after = text[range.end..].chars().next();
                !spaced || ![before, after].into_iter().flatten().any(is_word)
            })
            .map(|range| text[range].to_owned())
    }
}

impl RuleSet for BadWords {
    fn decide(&self, view: &View<'_>) -> Decision {
        let language = view.language().unwrap_or(&self.config.default_language);
        let found = self.find(view.text(), language);
        let reason = found.map(|word| Reason::new("bad-words").with_detail(word));
        Decision::from_reason(reason.map(|reason| self.config.compat.name(self.name(), reason)))
    }
}

impl Stage for BadWords {
    fn name(&self) -> &'static str {
        "c4-bad-words"
    }

    fn apply(&self, document: Document) -> Verdict {
        rule_set::apply(self, document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(compat: Compat) -> BadWords {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join("en"), "darn\nDrat\nblue pig\n\n").expect("writes");
        fs::write(folder.path().join("zh"), "性\n坏词\n").expect("writes");
        fs::write(folder.path().join("README.md"), "the").expect("writes");
        let config = BadWordsConfig { lists: folder.path().into(), default_language: english(), compat };
        BadWords::load(config).expect("loads")
    }

    #[test]
    fn words_stand_alone_except_in_chinese() {
        let stage = stage(Compat::None);
        let found = |text: &str, language| {
            let decision = stage.decide(&View::new(text).with_language(language));
            decision.reason().and_then(|reason| reason.detail.clone())
        };
        assert_eq!(found("Oh DARN, a Blue Pig", "en").as_deref(), Some("darn"));
        assert_eq!(found("a blue pig", "en").as_deref(), Some("blue pig"));
        assert_eq!(found("darned undarn darn_ darn1 édarn the", "en"), None);
        assert_eq!(found("drat!", "en").as_deref(), Some("drat"));
        assert_eq!(found("这是坏词吗", "zh").as_deref(), Some("坏词"));
        assert_eq!(found("可能性", "zh"), None);
        assert_eq!(found("darn", "de"), None);
    }

    #[test]
    fn capitals_are_literal_in_compat_and_english_is_the_default() {
        let stage = stage(Compat::Datatrove);
        assert_eq!(stage.decide(&View::new("drat!")), Decision::Keep);
        let decision = stage.decide(&View::new("darn"));
        assert_eq!(
            decision.reason().map(|reason| reason.rule.as_ref()),
            Some("document_removed_with_badwords")
        );
    }

    #[test]
    fn a_folder_without_lists_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let lists = folder.path().to_path_buf();
        let error =
            BadWords::load(BadWordsConfig { lists, default_language: english(), compat: Compat::None });
        assert!(error.expect_err("fails").to_string().contains("found no list, expected a list of words"));
    }
}
