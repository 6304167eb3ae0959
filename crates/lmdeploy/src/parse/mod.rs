//! From the text of a reply to content, reasoning and tool calls, in every format that models write them in.
//!
//! ```text
//! pieces -> buffer (characters and marks) -> parser (where is what) -> calls of one format -> output (deltas)
//! ```
//!
//! One state machine reads streamed and whole replies, one symbol at a time: how a reply is cut into pieces changes
//! nothing about what its deltas add up to. Names of formats are those of LMDeploy (`lmdeploy/serve/parsers`).
//!
//! - Marks that are special tokens of the vocabulary count as special tokens only: text that spells them is text. Other
//!   marks are found in the text. No part of a mark is ever in the content; what only looked like one is released as
//!   soon as it does not match.
//! - A call begins once its name and the beginning of its arguments are known; arguments are passed on as far as they
//!   are well-formed JSON, without white space between their parts. Whatever turns out not to be a call is content,
//!   with its marks: nothing is lost.
//! - White space alone between marks is not content, and neither is white space around `<think>` and `</think>`.
//!
//! ```
//! use lmdeploy::parse::{Delta, FormatParser, ParseOptions, Parser, ToolFormat};
//! # let tokenizer = lmdeploy::testing::tokenizer();
//!
//! let mut parser = FormatParser::new(&tokenizer, ParseOptions::new(ToolFormat::Qwen));
//! let mut deltas = parser.push("<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}}</tool", &[]);
//! deltas.extend(parser.push("_call>", &[]));
//! deltas.extend(parser.finish());
//! let start = Delta::CallStart { index: 0, name: "add".to_owned(), id: None };
//! assert_eq!(deltas, [start, Delta::CallArguments { index: 0, text: "{\"a\":1}".to_owned() }]);
//! ```

mod arguments;
mod buffer;
mod call_json;
mod calls;
mod delta;
mod dsml;
mod functions;
mod glm;
mod json;
mod kimi;
mod loose_json;
mod output;
mod parser;
mod qwen_coder;
mod reasoning_format;
mod tagged_json;
mod tool_format;

pub use delta::{Delta, Section};
pub use functions::Functions;
pub use parser::{FormatParser, ParseOptions, Parser};
pub use reasoning_format::ReasoningFormat;
pub(crate) use reasoning_format::{THINK, THINK_END, never_opens};
pub use tool_format::ToolFormat;
