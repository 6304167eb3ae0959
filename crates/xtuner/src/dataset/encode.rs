//! Conversations -> ids and labels, through the model's chat template.
//!
//! The loss is on what the assistant says: its text, its calls and the closing mark of the turn. Samples are cut at
//! `max_length` from the right; those that have no label left are dropped and counted.

use internlm_model::chat::{ChatTemplate, Loss};
use internlm_model::{TokenId, Tokenizer};
use internlm_train::Row;

use super::Conversation;
use crate::{Error, Result};

/// One conversation as ids with loss.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sample {
    /// Ids of the whole conversation, `<s>` included.
    pub ids: Vec<TokenId>,
    /// Whether the model learns to produce the id at the same place.
    pub loss: Vec<Loss>,
}

impl Sample {
    /// The sample as a row of its own: labels are shifted, those without loss are absent.
    #[must_use]
    pub fn row(&self) -> Row {
        let next = self.ids.iter().zip(&self.loss).skip(1);
        let labels = next.map(|(id, loss)| (*loss == Loss::Keep).then_some(*id)).chain([None]);
        Row {
            ids: self.ids.clone(),
            labels: labels.collect(),
            cu_seqlens: vec![0, self.ids.len()],
            weights: None,
        }
    }

    /// Number of ids that the model learns to produce.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.loss.iter().skip(1).filter(|loss| **loss == Loss::Keep).count()
    }
}

/// What became of the conversations.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EncodeStats {
    /// Number of conversations that were encoded.
    pub conversations: usize,
    /// Number of samples that were cut at the maximum length.
    pub truncated: usize,
    /// Number of samples that had no label left after that.
    pub dropped: usize,
    /// Number of ids of the samples that are kept.
    pub tokens: usize,
    /// Number of these ids that carry loss.
    pub labels: usize,
    /// Length of the longest sample before it was cut, in ids.
    pub longest: usize,
}

/// The samples, and counts of what became of all conversations.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Encoded {
    /// Kept samples in the order of their conversations.
    pub samples: Vec<Sample>,
    /// Counts over all conversations.
    pub stats: EncodeStats,
}

/// Encodes conversations and cuts them at `max_length` ids.
///
/// # Errors
/// A vocabulary that lacks the template's tokens, and no sample at all.
pub fn encode(
    conversations: &[Conversation],
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    max_length: usize,
) -> Result<Encoded> {
    let mut encoded = Encoded::default();
    for conversation in conversations {
        let mut sample = encode_one(conversation, tokenizer, template)?;
        let stats = &mut encoded.stats;
        stats.conversations += 1;
        stats.longest = stats.longest.max(sample.ids.len());
        if sample.ids.len() > max_length {
            sample.ids.truncate(max_length);
            sample.loss.truncate(max_length);
            stats.truncated += 1;
        }
        if sample.labels() == 0 {
            stats.dropped += 1;
            continue;
        }
        stats.tokens += sample.ids.len();
        stats.labels += sample.labels();
        encoded.samples.push(sample);
    }
    if encoded.samples.is_empty() {
        let found = format!(
            "no sample to learn from ({} conversations, {} without a label in their first {max_length} tokens)",
            encoded.stats.conversations, encoded.stats.dropped
        );
        return Err(Error::mismatch("dataset.paths", found, "at least one conversation with an answer"));
    }
    Ok(encoded)
}

fn encode_one(conversation: &Conversation, tokenizer: &Tokenizer, template: &ChatTemplate) -> Result<Sample> {
    let loss = |index: usize| conversation.turns[index].loss;
    let pairs = template.encode_with_loss(tokenizer, &conversation.messages(), loss)?;
    let (ids, loss) = pairs.into_iter().unzip();
    Ok(Sample { ids, loss })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_shifted_and_masked() {
        let ids = [1, 5, 6, 7].map(TokenId);
        let sample = Sample { ids: ids.to_vec(), loss: vec![Loss::Skip, Loss::Skip, Loss::Keep, Loss::Keep] };
        let row = sample.row();
        assert_eq!(row.labels, [None, Some(TokenId(6)), Some(TokenId(7)), None]);
        assert_eq!((sample.labels(), row.cu_seqlens), (2, vec![0, 4]));
    }
}
