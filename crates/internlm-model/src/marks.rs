//! The special tokens of InternLM2's chat format, by the names that they have in its vocabulary.

/// Opens a turn; the role follows as text.
pub const IM_START: &str = "<|im_start|>";
/// Closes a turn, and ends a reply.
pub const IM_END: &str = "<|im_end|>";
/// Opens a call; the mark of its channel follows.
pub const ACTION_START: &str = "<|action_start|>";
/// Closes the call that [`ACTION_START`] opened; the body is between the two.
pub const ACTION_END: &str = "<|action_end|>";
/// Channel of functions that are described as JSON.
pub const PLUGIN: &str = "<|plugin|>";
/// Channel of a Python notebook.
pub const INTERPRETER: &str = "<|interpreter|>";
/// Opens the whole sequence; used where a vocabulary does not name its own first token.
pub(crate) const BOS: &str = "<s>";
