//! Documents to InternEvo shards, train and held out, with the index and the baselines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use internlm_kit::file::{AtPath, AtomicFile};
use internlm_kit::reporter::Reporter;
use internlm_model::{TokenId, Tokenizer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::baseline::{UnigramCounts, gzip_bytes};
use super::config::TokenizeConfig;
use super::split::{Split, split_of};
use crate::jsonl::{read_documents, write_line};
use crate::run_folder::RunFolder;
use crate::shard::ShardWriter;
use crate::{Document, Result};

/// Totals of one side of the split.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SplitTotals {
    /// Number of documents on this side.
    pub documents: u64,
    /// Bytes of text, UTF-8.
    pub bytes: u64,
    /// Tokens, begin and end tokens included.
    pub tokens: u64,
}

/// What tokenization did, with the baselines.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TokenizeReport {
    /// Documents that the model learns from.
    pub train: SplitTotals,
    /// Documents that the model is measured on.
    pub valid: SplitTotals,
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Bits per byte of the held-out text under the unigram model of the training tokens: text and end
    /// tokens, what a language model predicts after the begin token.
    pub unigram_bits_per_byte: f64,
    /// Bits per byte of the held-out text, concatenated, after `gzip -9`.
    pub gzip_bits_per_byte: f64,
}

/// A line of `documents.jsonl`: where the tokens of a kept document are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenizedDocument {
    /// Id of the document, see [`crate::document_id`].
    pub id: String,
    /// Side of the split: `train` or `valid`.
    pub split: String,
    /// Language of the document, which is also its type folder in the shards.
    pub language: String,
    /// Number of the document among those of its split and language, counted from 0 over all their shards.
    pub index: u64,
    /// Tokens, begin and end tokens included.
    pub tokens: u64,
    /// Length of the text in bytes.
    pub bytes: u64,
    /// URL of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A line of `heldout.jsonl`.
#[derive(Serialize)]
struct HeldOut<'a> {
    id: &'a str,
    content: &'a str,
}

struct Outputs<'a> {
    tokenizer: &'a Tokenizer,
    folder: &'a RunFolder,
    writers: BTreeMap<(Split, String), (ShardWriter, u64)>,
    index: AtomicFile,
    held_out: AtomicFile,
    report: TokenizeReport,
    unigram: UnigramCounts,
    valid_tokens: Vec<TokenId>,
    valid_text: Vec<u8>,
}

/// Tokenizes the documents of `files` in order and writes `shards/`, `heldout.jsonl` and `documents.jsonl`
/// into `folder`. Returns the report and the files written, sorted.
pub(crate) fn write_shards(
    files: &[PathBuf],
    tokenizer: &Tokenizer,
    config: &TokenizeConfig,
    folder: &RunFolder,
    reporter: &dyn Reporter,
) -> Result<(TokenizeReport, Vec<PathBuf>)> {
    let mut outputs = Outputs {
        tokenizer,
        folder,
        writers: BTreeMap::new(),
        index: AtomicFile::create(folder.document_index())?,
        held_out: AtomicFile::create(folder.held_out())?,
        report: TokenizeReport { vocab_size: tokenizer.vocab_size(), ..TokenizeReport::default() },
        unigram: UnigramCounts::new(tokenizer.vocab_size()),
        valid_tokens: Vec::new(),
        valid_text: Vec::new(),
    };
    let progress = reporter.start("tokenize", "files", files.len() as u64);
    for file in files {
        let documents: Vec<Document> = read_documents(file)?.collect::<Result<_>>()?;
        let encoded: Vec<Vec<TokenId>> =
            documents.par_iter().map(|document| outputs.encode(&document.content)).collect();
        for (document, tokens) in documents.iter().zip(&encoded) {
            let split = split_of(&document.id, config.seed, config.held_out_per_mille);
            outputs.push(document, tokens, split)?;
        }
        progress.advance(1);
    }
    outputs.finish()
}

impl Outputs<'_> {
    /// Begin token, text, end token, as InternEvo's tool writes documents.
    fn encode(&self, text: &str) -> Vec<TokenId> {
        let ids = self.tokenizer.encode(text);
        self.tokenizer.bos().into_iter().chain(ids).chain(self.tokenizer.eos()).collect()
    }

    fn push(&mut self, document: &Document, tokens: &[TokenId], split: Split) -> Result<()> {
        let language = document.language.clone().unwrap_or_else(|| "und".to_owned());
        let folder = self.folder.shards().join(split.folder()).join(&language);
        let writer = match self.writers.entry((split, language.clone())) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert((ShardWriter::create(&folder, "part")?, 0))
            }
        };
        let ids: Vec<i32> = tokens.iter().map(|token| token.0 as i32).collect();
        writer.0.push(&ids)?;
        let line = TokenizedDocument {
            id: document.id.clone(),
            split: split.folder().to_owned(),
            language,
            index: writer.1,
            tokens: tokens.len() as u64,
            bytes: document.content.len() as u64,
            url: document.url.clone(),
        };
        writer.1 += 1;
        write_line(&mut self.index, &line).at(self.folder.document_index(), "write")?;
        let predicted = &tokens[usize::from(self.tokenizer.bos().is_some())..];
        let totals = match split {
            Split::Train => {
                predicted.iter().for_each(|token| self.unigram.add(token.0));
                &mut self.report.train
            }
            Split::Valid => {
                let line = HeldOut { id: &document.id, content: &document.content };
                write_line(&mut self.held_out, &line).at(self.folder.held_out(), "write")?;
                self.valid_tokens.extend(predicted);
                self.valid_text.extend_from_slice(document.content.as_bytes());
                &mut self.report.valid
            }
        };
        totals.documents += 1;
        totals.bytes += document.content.len() as u64;
        totals.tokens += tokens.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<(TokenizeReport, Vec<PathBuf>)> {
        let mut files = vec![self.folder.document_index(), self.folder.held_out()];
        for (writer, _) in std::mem::take(&mut self.writers).into_values() {
            for shard in writer.finish()? {
                files.extend([shard.meta_path(), shard.path]);
            }
        }
        let bytes = self.valid_text.len().max(1) as f64;
        let bits: f64 = self.valid_tokens.iter().map(|token| self.unigram.bits(token.0)).sum();
        self.report.unigram_bits_per_byte = bits / bytes;
        self.report.gzip_bits_per_byte = gzip_bytes(&self.valid_text) as f64 * 8.0 / bytes;
        self.index.commit()?;
        self.held_out.commit()?;
        files.sort();
        Ok((self.report, files))
    }
}
