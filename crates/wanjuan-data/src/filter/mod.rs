//! Rules that keep or drop one document: language, Gopher, C4, FineWeb, RefinedWeb, the three families of InternLM2
//! (separators, abnormal characters, punctuation), and what test sets contain.
//!
//! Inside a rule set the first rule that fails is the reason. Thresholds are config; their defaults and
//! sources are documented at the fields. Each rule set has its own counterparts for Chinese text, which apply when
//! the document's language is Chinese or, without a language, when its script is.

mod abnormal;
mod bad_words;
mod c4;
mod citations;
mod compat;
mod decontaminate;
mod fineweb;
mod grams;
mod language;
mod marks;
mod paragraphs;
mod punctuation;
mod python;
mod quality;
mod refinedweb;
mod repetition;
mod rule_set;
mod separators;
mod view;
mod words;

pub use abnormal::{AbnormalCharacters, AbnormalCharactersConfig, ChineseAbnormalConfig};
pub use bad_words::{BadWords, BadWordsConfig};
pub use c4::{C4, C4Config, ChineseC4Config, LineWhitespace};
pub use compat::Compat;
pub use decontaminate::{Decontaminate, DecontaminateConfig};
pub use fineweb::{ChineseFineWebConfig, FineWeb, FineWebConfig};
pub use language::{Language, LanguageConfig};
pub use paragraphs::{C4Paragraphs, C4ParagraphsConfig};
pub use punctuation::{ChinesePunctuationConfig, Punctuation, PunctuationConfig};
pub use quality::{ChineseQualityConfig, GopherQuality, GopherQualityConfig};
pub use refinedweb::{RefinedWeb, RefinedWebConfig};
pub use repetition::{ChineseRepetitionConfig, GopherRepetition, GopherRepetitionConfig, NGramLimit};
pub use rule_set::{Decision, RuleSet};
pub use separators::{ChineseSeparatorsConfig, Separators, SeparatorsConfig};
pub use view::{Sentences, View, Writing};
pub use words::{is_punctuation, words};
