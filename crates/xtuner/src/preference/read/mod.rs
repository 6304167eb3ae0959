//! Files of comparisons: one JSON object per line, one JSON list of them, or a Parquet table.
//!
//! | form | keys |
//! |---|---|
//! | XTuner, TRL | `prompt` (messages or text), `chosen`, `rejected` (messages, one message or text) |
//! | whole conversations | `chosen`, `rejected` (messages from the first one on); the prompt is what both begin with |
//! | LLaMA-Factory, ShareGPT | `conversations` (`from`, `value`), `chosen`, `rejected` |
//! | LLaMA-Factory, Alpaca | `instruction`, `input`, `history`, `chosen`, `rejected` |
//! | HH-RLHF | `chosen`, `rejected`: transcripts of `Human:` and `Assistant:` |
//! | single answers, TRL | `prompt`, `completion`, `label` |
//! | single answers, LLaMA-Factory | `conversations`, `messages`, or `instruction` and `output`; `kto_tag` or `label` |
//!
//! Messages have OpenAI's or ShareGPT's form. `system` and `tools` next to them are understood in every form; other
//! keys are not read, which `load_preferences` warns of.

mod messages;
mod opinion;
mod prompt;
mod read_file;
mod row;
mod transcript;
mod with_fields;

pub use opinion::Preference;
pub use read_file::read_preferences;
pub use row::parse_preference;
pub(crate) use with_fields::read_with_fields;
