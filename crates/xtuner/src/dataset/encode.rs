//! Documents -> ids and the weights of their labels, through a chat template.
//!
//! The loss is on what the assistant says: its text, its calls and the end of the turn; text of pre-training is learned
//! as a whole, and text with marks of its own as its format says. Samples are cut at `max_length` from the right; those
//! that have no label left are dropped and counted.

use internlm_model::Tokenizer;

use super::sample::{Sample, check_weights};
use super::{Document, MarkedPart};
use crate::template::Template;
use crate::{Error, Result};

/// What became of the documents.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EncodeStats {
    /// Number of documents that were encoded.
    pub conversations: usize,
    /// Number of samples that were made of them. A conversation is several when the template shows earlier answers
    /// otherwise in a longer conversation.
    pub samples: usize,
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

impl EncodeStats {
    /// Adds the counts of more documents.
    pub fn add(&mut self, other: &Self) {
        self.conversations += other.conversations;
        self.samples += other.samples;
        self.truncated += other.truncated;
        self.dropped += other.dropped;
        self.tokens += other.tokens;
        self.labels += other.labels;
        self.longest = self.longest.max(other.longest);
    }
}

/// The samples, and counts of what became of all documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Encoded {
    /// Kept samples in the order of their documents.
    pub samples: Vec<Sample>,
    /// Counts over all documents.
    pub stats: EncodeStats,
}

impl Encoded {
    fn push(&mut self, mut sample: Sample, max_length: usize) {
        let stats = &mut self.stats;
        stats.samples += 1;
        stats.longest = stats.longest.max(sample.ids.len());
        if sample.ids.len() > max_length {
            sample.truncate(max_length);
            stats.truncated += 1;
        }
        if sample.labels() == 0 {
            stats.dropped += 1;
            return;
        }
        stats.tokens += sample.ids.len();
        stats.labels += sample.labels();
        self.samples.push(sample);
    }
}

/// Encodes documents and cuts them at `max_length` ids.
///
/// # Errors
/// Conversations that do not fit the template, with their number; a vocabulary that lacks the template's tokens; ids
/// that do not fit the vocabulary; and no sample at all.
pub fn encode(
    documents: &[Document],
    tokenizer: &Tokenizer,
    template: &Template,
    max_length: usize,
) -> Result<Encoded> {
    let mut encoded = Encoded::default();
    for (number, document) in (1..).zip(documents) {
        encoded.stats.conversations += 1;
        let samples = samples(document, tokenizer, template).map_err(|error| at_document(error, number))?;
        samples.into_iter().for_each(|sample| encoded.push(sample, max_length));
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

/// `error` with the number of its document, from 1.
fn at_document(error: Error, number: usize) -> Error {
    match error {
        Error::Mismatch { place, found, expected } => {
            Error::mismatch(format!("conversation {number}: {place}"), found, expected)
        }
        Error::Model(internlm_model::Error::Chat(problem)) => {
            Error::Model(internlm_model::Error::Chat(format!("conversation {number}: {problem}")))
        }
        error => error,
    }
}

fn samples(document: &Document, tokenizer: &Tokenizer, template: &Template) -> Result<Vec<Sample>> {
    match document {
        Document::Chat(conversation) => template.samples(tokenizer, conversation),
        Document::Text(text) => Ok(vec![text_sample(text, tokenizer)]),
        Document::Marked(parts) => Ok(vec![marked_sample(parts, tokenizer)]),
        Document::Tokens(sample) => {
            check_tokens(sample, tokenizer)?;
            Ok(vec![sample.clone()])
        }
    }
}

/// Text of pre-training as XTuner reads it: the first token of the vocabulary, then the text; nothing ends it.
fn text_sample(text: &str, tokenizer: &Tokenizer) -> Sample {
    let mut sample = Sample::default();
    sample.extend(tokenizer.bos().as_slice(), 0.0);
    sample.extend(&tokenizer.encode(text), 1.0);
    sample
}

/// A dialogue in its own marks behind the first token of the vocabulary; no token spans two parts.
fn marked_sample(parts: &[MarkedPart], tokenizer: &Tokenizer) -> Sample {
    let mut sample = Sample::default();
    sample.extend(tokenizer.bos().as_slice(), 0.0);
    parts.iter().for_each(|part| part.append_to(&mut sample, tokenizer));
    sample
}

/// Ids of another program must be ids of this vocabulary.
fn check_tokens(sample: &Sample, tokenizer: &Tokenizer) -> Result<()> {
    let vocab = tokenizer.vocab_size();
    if let Some(id) = sample.ids.iter().find(|id| id.index() >= vocab) {
        return Err(Error::mismatch("ids", id.to_string(), format!("ids below {vocab}")));
    }
    if sample.weights.len() != sample.ids.len() {
        let found = format!("{} weights", sample.weights.len());
        return Err(Error::mismatch("ids", found, format!("one for each of the {} ids", sample.ids.len())));
    }
    check_weights(sample.weights.iter())
}
