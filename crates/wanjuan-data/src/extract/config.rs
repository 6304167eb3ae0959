//! Settings of extraction.

use serde::{Deserialize, Serialize};

/// How main text is extracted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ExtractConfig {
    /// `precision`, `balanced` (default) or `recall`, as in trafilatura.
    pub mode: Mode,
    /// `text` (default) or `markdown`.
    pub format: TextFormat,
    /// `none` (default) or `inline`: whether markdown keeps the addresses of links.
    pub links: Links,
    /// Larger pages are dropped as `too-large`. Bytes, default 20,000,000.
    pub max_page_bytes: usize,
    /// Text below these elements is left out, as `tag.class`, `.class` or `#id`; for a corpus whose
    /// boilerplate is known. Default: none.
    pub exclude_elements: Vec<String>,
}

impl Default for ExtractConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Balanced,
            format: TextFormat::Text,
            links: Links::None,
            max_page_bytes: 20_000_000,
            exclude_elements: Vec::new(),
        }
    }
}

/// What to prefer when in doubt.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Less text, less boilerplate.
    Precision,
    /// In between.
    #[default]
    Balanced,
    /// More text, more boilerplate.
    Recall,
}

/// Form of the extracted text.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextFormat {
    /// Plain text: one line per paragraph, list item or table row.
    #[default]
    Text,
    /// Markdown: headings, emphasis, lists, code fences, tables, images.
    Markdown,
}

/// What becomes of the addresses of links, in markdown.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// Only the text of a link is kept.
    #[default]
    None,
    /// `[text](address)`, the address as the page gives it.
    Inline,
}
