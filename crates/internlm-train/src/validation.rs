//! Held-out loss and bits per byte: whole documents, so that bytes are those of the documents' texts.

use std::path::{Path, PathBuf};

use internlm_model::TokenId;
use internlm_model::decoder::Decoder;
use internlm_model::tokenizer::{Special, Tokenizer};
use wanjuan_data::shard::{Shard, ShardFolder};

use crate::batch::{push_piece, read_document};
use crate::{Error, Evaluation, Result, Row, evaluate};

/// What to validate on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidationConfig {
    /// Folder of type folders of shards.
    pub dir: PathBuf,
    /// Most tokens taken: whole documents, in file order.
    pub tokens: usize,
    /// Longer documents are read in pieces of this length, each without sight of the one before.
    pub seq_len: usize,
    /// Tokens of one forward pass.
    pub pass_tokens: usize,
    /// The model's vocabulary: larger ids are errors.
    pub vocab: usize,
}

/// Rows of whole held-out documents and the bytes they stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationSet {
    rows: Vec<Row>,
    documents: usize,
    bytes: u64,
    pass_tokens: usize,
}

/// What a validation measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validation {
    /// Loss over all predicted tokens.
    pub evaluation: Evaluation,
    /// Bits per byte of text; `None` when nothing decodes the ids.
    pub bits_per_byte: Option<f64>,
}

impl Validation {
    /// The numbers under their names in `metrics.jsonl`.
    #[must_use]
    pub fn named(&self) -> Vec<(String, f64)> {
        let bits = self.bits_per_byte.map(|bits| ("valid_bits_per_byte".to_owned(), bits));
        [("valid_loss".to_owned(), self.evaluation.loss())].into_iter().chain(bits).collect()
    }
}

impl ValidationSet {
    /// Reads documents until `config.tokens`; at least one. With a tokenizer their bytes are counted by decoding.
    ///
    /// # Errors
    /// A missing or empty folder, a damaged shard, an id outside the vocabulary.
    pub fn open(config: &ValidationConfig, tokenizer: Option<&Tokenizer>) -> Result<Self> {
        let folder = ShardFolder::open(&config.dir)?;
        let mut set = Self { rows: Vec::new(), documents: 0, bytes: 0, pass_tokens: config.pass_tokens };
        let mut left = config.tokens;
        for (_, path) in folder.files() {
            let shard = Shard::open(path)?;
            for document in 0..shard.documents() {
                let count = shard.token_count(document);
                if set.documents > 0 && count > left {
                    return Ok(set);
                }
                left = left.saturating_sub(count);
                let tokens = read_document(&shard, document, config.vocab)?;
                set.push(&tokens, config.seq_len, tokenizer);
            }
        }
        if set.documents == 0 {
            return Err(empty(&config.dir));
        }
        Ok(set)
    }

    fn push(&mut self, tokens: &[i32], seq_len: usize, tokenizer: Option<&Tokenizer>) {
        let mut row = Row { cu_seqlens: vec![0], ..Row::default() };
        push_piece(&mut row, tokens, 0, tokens.len(), seq_len);
        if let Some(tokenizer) = tokenizer {
            let ids: Vec<TokenId> = row.ids.clone();
            self.bytes += tokenizer.decode(&ids, Special::Skip).len() as u64;
        }
        self.documents += 1;
        self.rows.extend(split_samples(&row));
    }

    /// Number of documents.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.documents
    }

    /// Loss and bits per byte of `decoder`.
    ///
    /// # Errors
    /// An id that the model has no embedding for.
    pub fn measure(&self, decoder: &Decoder) -> Result<Validation> {
        let evaluation = evaluate(decoder, &self.rows, self.pass_tokens)?;
        let bits = evaluation.loss_sum / std::f64::consts::LN_2;
        let bits_per_byte = (self.bytes > 0).then(|| bits / self.bytes as f64);
        Ok(Validation { evaluation, bits_per_byte })
    }
}

/// One row per sample, so that long documents spread over several passes.
fn split_samples(row: &Row) -> impl Iterator<Item = Row> + '_ {
    row.cu_seqlens.windows(2).map(|pair| Row {
        ids: row.ids[pair[0]..pair[1]].to_vec(),
        labels: row.labels[pair[0]..pair[1]].to_vec(),
        cu_seqlens: vec![0, pair[1] - pair[0]],
    })
}

fn empty(dir: &Path) -> Error {
    Error::mismatch(dir.display().to_string(), "no documents", "at least one held-out document")
}
