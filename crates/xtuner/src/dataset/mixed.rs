//! [`MixedRows`]: conversations and pre-training text in every step, so that tuning does not cost the language.
//!
//! A model that is tuned on nothing but short conversations forgets how prose continues. Rehearsal (Scialom et al.:
//! "Fine-tuned language models are continual learners", EMNLP 2022) keeps it: a share of the tokens of each step
//! comes from the shards of pre-training, with loss on every token. InternLM2's report does the same in its third
//! stage by a pre-training gradient.

use internlm_train::batch::{ShardRows, ShardRowsConfig};
use internlm_train::{Row, RowSource};

use super::{PretrainTextConfig, SftRows};

/// The rows of a step: conversations first, then the text, when there is any.
#[derive(Debug)]
pub struct MixedRows {
    conversations: SftRows,
    text: Option<ShardRows>,
    fingerprint: String,
}

impl MixedRows {
    /// A source of conversations without text.
    #[must_use]
    pub fn conversations(conversations: SftRows) -> Self {
        let fingerprint = conversations.fingerprint();
        Self { conversations, text: None, fingerprint }
    }

    /// Adds text of the shards in `text` to every step: `step_tokens` is what the conversations of a step may fill (with
    /// one sample per row they fill less, which is taken into account), `vocab` the model's vocabulary, `seed` decides
    /// the order of documents and rows.
    ///
    /// # Errors
    /// A missing or empty folder, damaged shards, and too few tokens for one row.
    pub fn with_text(
        self,
        text: &PretrainTextConfig,
        step_tokens: usize,
        vocab: usize,
        seed: u64,
    ) -> internlm_train::Result<Self> {
        let tokens = text.tokens_of_step(step_tokens.min(self.conversations.step_tokens()));
        let rows = tokens.div_ceil(text.seq_len);
        let config =
            ShardRowsConfig::new(&text.shards, tokens / rows, vocab).with_micro_num(rows).with_seed(seed);
        let text = ShardRows::open(&config)?;
        let fingerprint = format!("{} with text {}", self.fingerprint, text.fingerprint());
        Ok(Self { text: Some(text), fingerprint, ..self })
    }

    /// The packed conversations, for sizes and counts.
    #[must_use]
    pub fn packed(&self) -> &SftRows {
        &self.conversations
    }
}

impl RowSource for MixedRows {
    fn batch(&mut self, step: u64) -> internlm_train::Result<Vec<Row>> {
        let mut rows = self.conversations.batch(step)?;
        if let Some(text) = &mut self.text {
            rows.extend(text.batch(step)?);
        }
        Ok(rows)
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// Passes over the conversations: they decide the length of a run.
    fn epoch(&self, step: u64) -> f64 {
        self.conversations.epoch(step)
    }
}
