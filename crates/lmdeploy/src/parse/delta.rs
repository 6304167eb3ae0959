//! [`Delta`]: the next certain part of a reply.

/// The next certain part of a reply. Texts of the same kind, and arguments of the same call, are joined.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Delta {
    /// Text of the answer.
    Content(String),
    /// Text that the model thought before it answered.
    Reasoning(String),
    /// A call begins; its arguments follow.
    CallStart {
        /// Which call of the reply, from 0.
        index: usize,
        /// The function's name, as the model wrote it.
        name: String,
        /// The call's name, in formats where the model gives it one.
        id: Option<String>,
    },
    /// The next characters of the arguments: JSON without white space between its parts.
    CallArguments {
        /// The call that they belong to.
        index: usize,
        /// Characters that follow those of the earlier deltas.
        text: String,
    },
}

/// Which part of a reply text belongs to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Section {
    /// The next text of the answer.
    #[default]
    Content,
    /// What is between `<think>` and `</think>`.
    Reasoning,
}
