//! Preference learning: a model learns which of two answers people prefer, or which single answers they like.
//!
//! | file | holds |
//! |---|---|
//! | `read/` | files of comparisons, tables too, in the forms of XTuner, LLaMA-Factory, HH-RLHF and TRL |
//! | `encode`, `data` | comparisons -> ids with loss on the answers, cut, counted, split |
//! | `rows` | both answers of a comparison in one packed row; the row source of the training loop |
//! | `loss/` | the losses as functions of log-probabilities, in f64, with their derivatives |
//! | `reference`, `stored` | log-probabilities of the model before training: in every step, or once into a file |
//! | `objective`, `measured`, `held_out` | the loss of a step for the trainer; rewards, accuracy, margin |
//! | `run` | a config -> a tuned model |
//!
//! The loss of one comparison, without a model:
//!
//! ```
//! use xtuner::preference::{Answer, Compared, ExampleKind, PreferenceConfig, PreferenceLoss, grade};
//!
//! let answer = |log_prob, reference| Answer { log_prob, reference, tokens: 4 };
//! let answers = [answer(-10.0, -12.0), answer(-9.0, -8.0)];
//! let pair = Compared { kind: ExampleKind::Pair, answers };
//! let graded = grade(&PreferenceConfig::new(PreferenceLoss::Sigmoid), &[pair]);
//! // -log s(0.1 * ((-10 + 12) - (-9 + 8)))
//! assert!((graded[0].loss - (1.0 + (-0.3_f64).exp()).ln()).abs() < 1e-12);
//! ```

mod config;
mod data;
mod encode;
mod example;
mod held_out;
mod loss;
mod measured;
mod objective;
mod read;
mod reference;
mod rows;
mod run;
mod stored;

pub use config::{PreferenceConfig, PreferenceLoss, ReferenceConfig};
pub use data::{PreferenceData, load_preferences};
pub(crate) use data::{pack_examples, row_tokens};
pub use encode::{EncodedPreferences, PreferenceEncoder, PreferenceStats};
pub use example::{Example, ExampleKind};
pub use loss::{Answer, Compared, Graded, grade};
pub use objective::PreferenceObjective;
#[cfg(feature = "cli")]
pub(crate) use read::read_with_fields;
pub use read::{Preference, parse_preference, read_preferences};
pub use reference::Reference;
pub use rows::{PackedExamples, PreferenceRows, RowSums};
pub use run::run;
