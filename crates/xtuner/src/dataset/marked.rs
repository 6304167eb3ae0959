//! [`MarkedPart`]: a part of a dialogue that brings marks of its own, which no chat template is put around.

use internlm_model::Tokenizer;
use internlm_model::chat::Piece;

use super::Sample;

/// What of a part the model learns to produce.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Learned {
    /// The part is context only.
    Nothing,
    /// The marks around the words; the words come from elsewhere, such as results of tools.
    Marks,
    /// The words and the marks around them.
    All,
}

/// Words between the marks of their format, which are read at once: no token spans two parts.
///
/// ```
/// use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
/// use xtuner::dataset::{Document, Learned, MarkedPart, encode};
/// use xtuner::template::Template;
///
/// let tokenizer = train_bpe(["hello".to_owned()].into_iter(), &BpeTrainConfig::new(265))?;
/// let part = |begin: &str, words: &str, learned: Learned| MarkedPart {
///     begin: begin.to_owned(),
///     words: words.to_owned(),
///     end: "\n".to_owned(),
///     learned,
/// };
/// let parts = vec![part("Q:", "hello", Learned::Nothing), part("A:", "hello", Learned::All)];
/// let template = Template::named("default", &tokenizer)?;
/// let encoded = encode(&[Document::Marked(parts)], &tokenizer, &template, 64)?;
/// assert_eq!(encoded.samples[0].labels(), tokenizer.encode("A:hello\n").len());
/// # Ok::<(), xtuner::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MarkedPart {
    /// Text of the format before the words, in which names of special tokens stand for these.
    pub begin: String,
    /// What was said, thought or found; names of special tokens are plain text here.
    pub words: String,
    /// Text of the format behind the words, read as `begin`.
    pub end: String,
    /// What of the part is learned.
    pub learned: Learned,
}

impl MarkedPart {
    /// Adds the ids of the part and what of them is learned.
    pub(super) fn append_to(&self, sample: &mut Sample, tokenizer: &Tokenizer) {
        let format = |text: &str| Piece::Format(text.to_owned());
        let (begin, end) = (format(&self.begin), format(&self.end));
        let start = sample.ids.len();
        let ids = Piece::encode(&[begin.clone(), Piece::Words(self.words.clone()), end.clone()], tokenizer);
        sample.extend(&ids, if self.learned == Learned::Nothing { 0.0 } else { 1.0 });
        if self.learned == Learned::Marks {
            // As many ids as the marks have alone, which is how XTuner finds them.
            let [before, behind] = [begin, end].map(|mark| Piece::encode(&[mark], tokenizer).len());
            let words = start + before.min(ids.len())..sample.ids.len().saturating_sub(behind);
            if let Some(weights) = sample.weights.get_mut(words) {
                weights.fill(0.0);
            }
        }
    }
}
