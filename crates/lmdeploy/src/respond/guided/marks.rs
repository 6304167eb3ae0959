//! [`Marks`]: the marks of a model in the notation of Lark, as special tokens where the vocabulary has them as such.

use internlm_model::Tokenizer;

use crate::decode::quoted;

/// Writes the marks of one vocabulary.
#[derive(Clone, Copy)]
pub(super) struct Marks<'a> {
    tokenizer: &'a Tokenizer,
}

impl<'a> Marks<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer }
    }

    /// A mark: its id when it is a special token, its text otherwise.
    pub(super) fn mark(self, mark: &str) -> String {
        self.special(mark).unwrap_or_else(|| quoted(mark))
    }

    /// The rule `name`: any text up to and with a mark.
    pub(super) fn text_until(self, name: &str, mark: &str) -> String {
        match self.special(mark) {
            Some(id) => {
                let text = name.to_uppercase();
                format!("{name}: {text} {id}\n{text}: /(?s:.*)/\n")
            }
            None => format!("{name}[suffix={}]: /(?s:.*)/\n", quoted(mark)),
        }
    }

    fn special(self, mark: &str) -> Option<String> {
        let id = self.tokenizer.special(mark).filter(|id| self.tokenizer.is_special(*id))?;
        Some(format!("<[{}]>", id.0))
    }
}
