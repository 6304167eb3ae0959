//! [`NormalizeConfig`]: which characters are replaced or removed.

use serde::{Deserialize, Serialize};

/// Settings of `normalize`. WanJuan-CC normalizes characters before it filters (arXiv 2402.19282) and does not say
/// how: all defaults are ours.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct NormalizeConfig {
    /// Unicode normalization form. Default `nfc`; `nfkc` also replaces ligatures, circled numbers and full-width
    /// forms.
    pub form: UnicodeForm,
    /// CR, CRLF, VT, FF, FS, GS, RS, NEL, LS and PS become line feeds when `replace` (default).
    pub line_separators: Replacement,
    /// Control characters other than tab and line feed are removed when `remove` (default).
    pub control_characters: Removal,
    /// Zero-width spaces, soft hyphens, direction marks, byte order marks and invisible operators are removed when
    /// `remove` (default). Zero-width joiners and non-joiners always stay: Persian, Indic scripts and emoji need them.
    pub zero_width: Removal,
    /// Spaces of other widths, no-break ones included, become U+0020 when `replace` (default).
    pub spaces: Replacement,
    /// Full-width ASCII, default `keep`: it is right in Chinese text.
    pub full_width: FullWidth,
    /// Maximum number of empty lines in a row. Default 1.
    pub max_empty_lines: usize,
}

/// A Unicode normalization form.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnicodeForm {
    /// Characters stay as they are encoded.
    None,
    /// Canonical composition: a letter and its accent become one character.
    #[default]
    Nfc,
    /// Compatibility composition: ligatures and circled numbers become plain characters too.
    Nfkc,
}

/// Whether characters are removed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// The characters stay as they are.
    Keep,
    /// The characters are removed.
    #[default]
    Remove,
}

/// Whether characters are replaced by a plain one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replacement {
    /// The characters stay as they are.
    Keep,
    /// A plain character replaces each of them.
    #[default]
    Replace,
}

/// What happens to the full-width forms of ASCII, U+FF01 to U+FF5E, and to the ideographic space.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FullWidth {
    /// The characters stay as they are.
    #[default]
    Keep,
    /// Letters and digits become ASCII; punctuation and space stay full-width.
    Alphanumeric,
    /// All of them become ASCII, the space included.
    Ascii,
}

impl Default for NormalizeConfig {
    fn default() -> Self {
        Self {
            form: UnicodeForm::default(),
            line_separators: Replacement::default(),
            control_characters: Removal::default(),
            zero_width: Removal::default(),
            spaces: Replacement::default(),
            full_width: FullWidth::default(),
            max_empty_lines: 1,
        }
    }
}
