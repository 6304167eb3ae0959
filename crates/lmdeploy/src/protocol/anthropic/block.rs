//! [`ContentBlock`]: what a message is made of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One block of a message, in the order in which the model said it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock {
    /// What the model thought before it answered.
    Thinking {
        /// The thoughts so far.
        thinking: String,
        /// Proves to Anthropic's servers that they wrote the thoughts. Here it is only a name, and is not checked when
        /// the block comes back.
        signature: String,
    },
    /// What the model said.
    Text {
        /// The text so far.
        text: String,
    },
    /// A call of one of the client's functions.
    ToolUse {
        /// Name of the call, by which a `tool_result` answers it.
        id: String,
        /// Name of the function.
        name: String,
        /// The arguments; empty while they are streamed.
        input: Map<String, Value>,
    },
}

/// The next piece of a block.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockDelta {
    /// More text of a text block.
    TextDelta {
        /// The characters that follow those already sent.
        text: String,
    },
    /// More text of a thinking block.
    ThinkingDelta {
        /// The characters that follow those already sent.
        thinking: String,
    },
    /// The end of the thoughts.
    SignatureDelta {
        /// The whole signature of the block.
        signature: String,
    },
    /// More arguments of a call, as JSON.
    InputJsonDelta {
        /// The next characters of the JSON object; those of all pieces are joined.
        partial_json: String,
    },
}
