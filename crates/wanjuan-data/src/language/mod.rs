//! Language identification: the trait [`LanguageId`] with two methods, [`Whatlang`] (built in) and fastText's lid.176
//! ([`LidModel`], reads a file).
//!
//! Both give the same labels: ISO 639-1 where a language has two letters, else ISO 639-3 or 639-2, and `und`
//! when undetermined. Chinese is `zh` in either script. Compared with CLD2's labels (pycld2), `iw` is our `he`, `jw`
//! our `jv`, `zh-Hant` our `zh` and `un` our `und`.

mod identifier;
mod lid;
mod whatlang;

pub use identifier::{DetectedLanguage, LanguageId};
pub use lid::LidModel;
pub use whatlang::Whatlang;
