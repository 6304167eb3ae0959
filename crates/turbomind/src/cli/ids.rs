//! [`Ids`]: token ids from the command line, out of files and texts.

use std::path::Path;

use internlm_kit::file;
use internlm_model::{ModelConfig, Tokenizer};

use crate::{Error, Result};

/// Token ids, and where they come from for messages.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) ids: Vec<u32>,
    source: String,
}

impl Ids {
    /// Reads the ids of a file: a JSON array, or numbers between white space.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = file::read_to_string(path)?;
        let source = path.display().to_string();
        if text.trim_start().starts_with('[') {
            let ids = serde_json::from_str(&text).map_err(|source| Error::Json {
                path: path.to_path_buf(),
                expected: "a JSON array of ids",
                source,
            })?;
            return Ok(Self { ids, source });
        }
        let id = |(index, word): (usize, &str)| {
            let wrong = |_| Error::argument(format!("{source}: word {index}"), format!("{word:?}"), "an id");
            word.parse().map_err(wrong)
        };
        let ids = text.split_whitespace().enumerate().map(id).collect::<Result<_>>()?;
        Ok(Self { ids, source })
    }

    /// The ids of a prompt as every binary reads it: marks are special tokens, and the begin-of-sequence token comes
    /// first where the vocabulary adds it.
    pub(super) fn prompt(text: &str, tokenizer: &Tokenizer) -> Self {
        let ids = tokenizer.encode_prompt(text).into_iter().map(u32::from).collect();
        Self { ids, source: "--prompt".to_owned() }
    }

    /// The ids of a text in which nothing is special, after the begin-of-sequence token where the model has one.
    pub(super) fn tokenize(
        text: &str,
        source: impl Into<String>,
        tokenizer: &Tokenizer,
        config: &ModelConfig,
    ) -> Self {
        let bos = config.bos.filter(|_| tokenizer.adds_bos());
        let ids = bos.into_iter().chain(tokenizer.encode(text)).map(u32::from).collect();
        Self { ids, source: source.into() }
    }

    /// Refuses fewer than `min` ids, and ids that are not in the vocabulary.
    pub(super) fn check(&self, config: &ModelConfig, min: usize) -> Result<()> {
        if self.ids.len() < min {
            let found = format!("{} ids", self.ids.len());
            return Err(Error::argument(&self.source, found, format!("at least {min}")));
        }
        match self.ids.iter().position(|id| *id as usize >= config.vocab) {
            None => Ok(()),
            Some(index) => {
                let name = format!("{}: id number {index}", self.source);
                let expected = format!("less than the vocabulary's {}", config.vocab);
                Err(Error::argument(name, self.ids[index], expected))
            }
        }
    }
}
