//! Token ids on the command line: files and texts.

use std::path::Path;

use internlm_model::{ModelConfig, Tokenizer};

use crate::{Error, Result};

/// Token ids and where they come from, for messages.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) ids: Vec<u32>,
    source: String,
}

impl Ids {
    /// The ids of a file: a JSON array, or numbers between white space.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = read(path)?;
        let source = path.display().to_string();
        let wrong = |problem: String| Error::Invalid(format!("{source}: {problem}"));
        if text.trim_start().starts_with('[') {
            let ids = serde_json::from_str(&text)
                .map_err(|error| wrong(format!("expected a JSON array of ids: {error}")))?;
            return Ok(Self { ids, source });
        }
        let id = |(index, word): (usize, &str)| {
            word.parse().map_err(|_| wrong(format!("word {index}: found {word:?}, expected an id")))
        };
        let ids = text.split_whitespace().enumerate().map(id).collect::<Result<_>>()?;
        Ok(Self { ids, source })
    }

    /// The ids of a text, after the begin-of-sequence token where the model has one.
    pub(super) fn tokenize(text: &str, source: &str, model: &Path, config: &ModelConfig) -> Result<Self> {
        let tokenizer = Tokenizer::load(model)?;
        let bos = config.bos.filter(|_| tokenizer.adds_bos());
        let ids = bos.into_iter().chain(tokenizer.encode(text)).map(u32::from).collect();
        Ok(Self { ids, source: source.to_owned() })
    }

    /// An error unless there are at least `least` ids, all in the vocabulary.
    pub(super) fn check(&self, config: &ModelConfig, least: usize) -> Result<()> {
        let (source, found) = (&self.source, self.ids.len());
        if found < least {
            return Err(Error::Invalid(format!("{source}: found {found} ids, expected at least {least}")));
        }
        match self.ids.iter().position(|id| *id as usize >= config.vocab) {
            None => Ok(()),
            Some(index) => Err(Error::Invalid(format!(
                "{source}: id number {index}: found {}, expected less than the vocabulary's {}",
                self.ids[index], config.vocab
            ))),
        }
    }
}

/// A text file.
pub(super) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_path_buf(), source })
}
