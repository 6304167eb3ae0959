//! Held-out loss and bits per byte: whole documents, so that bytes are those of the documents' texts.

use std::path::{Path, PathBuf};

use internlm_model::TokenId;
use internlm_model::decoder::Decoder;
use internlm_model::tokenizer::{Special, Tokenizer};
use wanjuan_data::shard::{Shard, ShardFolder};

use crate::batch::{push_piece, read_document};
use crate::{Error, Evaluation, Result, Row, TrainerConfig, evaluate};

/// Which held-out text a model is measured on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ValidationConfig {
    /// Folder of shards with one subfolder per data type, such as `en/`.
    pub dir: PathBuf,
    /// Maximum number of tokens, in whole documents and file order; default 100000.
    pub tokens: usize,
    /// Maximum length of a piece, default 256: longer documents are read in pieces, each without sight of the one
    /// before.
    pub seq_len: usize,
    /// Maximum number of tokens of one forward pass, default [`TrainerConfig::PASS_TOKENS`].
    pub pass_tokens: usize,
    /// Number of ids that the model has embeddings for: larger ids are errors.
    pub vocab: usize,
}

impl ValidationConfig {
    /// The documents in `dir` for a model with `vocab` embeddings.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, vocab: usize) -> Self {
        let pass_tokens = TrainerConfig::PASS_TOKENS;
        Self { dir: dir.into(), tokens: 100_000, seq_len: 256, pass_tokens, vocab }
    }

    /// The same text, at most `tokens` tokens of it.
    #[must_use]
    pub fn with_tokens(self, tokens: usize) -> Self {
        Self { tokens, ..self }
    }

    /// The same text in pieces of at most `seq_len` tokens.
    #[must_use]
    pub fn with_seq_len(self, seq_len: usize) -> Self {
        Self { seq_len, ..self }
    }

    /// The same text in forward passes of at most `pass_tokens` tokens.
    #[must_use]
    pub fn with_pass_tokens(self, pass_tokens: usize) -> Self {
        Self { pass_tokens, ..self }
    }
}

/// Rows of whole held-out documents, and the number of bytes of their text.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationSet {
    rows: Vec<Row>,
    documents: usize,
    bytes: u64,
    pass_tokens: usize,
}

/// What a model was measured to know about held-out text.
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
    /// Reads whole documents up to `config.tokens`, at least one. With a tokenizer their bytes are counted by decoding.
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

    /// Number of documents that were taken.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.documents
    }

    /// Measures loss and bits per byte of `decoder`.
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
        weights: row.weights.as_ref().map(|weights| weights[pair[0]..pair[1]].to_vec()),
    })
}

fn empty(dir: &Path) -> Error {
    Error::mismatch(dir.display().to_string(), "no documents", "at least one held-out document")
}
