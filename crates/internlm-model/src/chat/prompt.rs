//! [`Prompt`] and [`Loss`]: what an encoded conversation ends with, and which of its tokens are learned.

/// Whether the encoded conversation ends with the start of the assistant's answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// Ends with `<|im_start|>assistant\n`, so that the model writes the answer next.
    Generate,
    /// Ends with the last message.
    None,
}

/// Whether a token counts in the training loss.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// The model learns to produce it.
    Keep,
    /// It is context only.
    Skip,
}
