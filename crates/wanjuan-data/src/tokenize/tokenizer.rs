//! Trains the tokenizer on the training documents, or loads the configured one.

use std::path::{Path, PathBuf};

use internlm_model::Tokenizer;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};

use super::config::TokenizeConfig;
use super::split::{Split, split_of};
use crate::jsonl::read_documents;
use crate::{Error, Result};

/// Trains on the training side of `files` (jsonl) or loads the configured tokenizer, and saves to `folder`.
pub(crate) fn train_tokenizer(
    files: &[PathBuf],
    config: &TokenizeConfig,
    folder: &Path,
) -> Result<Tokenizer> {
    let tokenizer = match &config.tokenizer {
        Some(path) => Tokenizer::load(path)?,
        None => {
            let mut failure = None;
            let texts = training_texts(files, config, &mut failure);
            let settings = BpeTrainConfig::new(config.vocab_size).with_min_frequency(config.min_frequency);
            let tokenizer = train_bpe(texts, &settings);
            if let Some(error) = failure {
                return Err(error);
            }
            tokenizer?
        }
    };
    tokenizer.save(folder)?;
    Ok(tokenizer)
}

/// The training texts, one file in memory at a time. The trainer takes plain strings: the first read error
/// ends the iteration and is left in `failure`.
fn training_texts<'a>(
    files: &'a [PathBuf],
    config: &'a TokenizeConfig,
    failure: &'a mut Option<Error>,
) -> impl Iterator<Item = String> + Send + 'a {
    let documents = files.iter().flat_map(|file| {
        let documents: Result<Vec<_>> = read_documents(file).and_then(Iterator::collect);
        match documents {
            Ok(documents) => documents.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }
    });
    documents
        .map_while(move |document| match document {
            Ok(document) => Some(document),
            Err(error) => {
                *failure = Some(error);
                None
            }
        })
        .filter(|document| split_of(&document.id, config.seed, config.held_out_per_mille) == Split::Train)
        .map(|document| document.content)
}
