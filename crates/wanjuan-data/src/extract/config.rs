//! [`ExtractConfig`]: the settings of extraction.

use serde::{Deserialize, Serialize};

/// How main text is extracted.
///
/// ```
/// use wanjuan_data::extract::{ExtractConfig, Links, TextFormat};
///
/// let config = ExtractConfig::default().with_format(TextFormat::Markdown).with_links(Links::Inline);
/// assert_eq!(config.max_page_bytes, 20_000_000);
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ExtractConfig {
    /// `precision`, `balanced` (default) or `recall`, as in trafilatura.
    pub mode: Mode,
    /// `text` (default) or `markdown`.
    pub format: TextFormat,
    /// `none` (default) or `inline`: whether markdown keeps the addresses of links.
    pub links: Links,
    /// Maximum size of a page in bytes, default 20,000,000. Larger pages are dropped as `too-large`.
    pub max_page_bytes: usize,
    /// Elements to leave out with everything below them, as `tag.class`, `.class` or `#id`. For a corpus whose
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

impl ExtractConfig {
    /// Sets what to prefer in doubt.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the form of the extracted text.
    #[must_use]
    pub fn with_format(mut self, format: TextFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets whether markdown keeps the addresses of links.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Sets the maximum size of a page, in bytes.
    #[must_use]
    pub fn with_max_page_bytes(mut self, bytes: usize) -> Self {
        self.max_page_bytes = bytes;
        self
    }

    /// Sets the elements to leave out, each as `tag.class`, `.class` or `#id`.
    #[must_use]
    pub fn with_excluded_elements(mut self, selectors: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.exclude_elements = selectors.into_iter().map(Into::into).collect();
        self
    }
}

/// What to prefer when a block may or may not be content.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Less text with less boilerplate; no comments outside of forums.
    Precision,
    /// The best F-measure on the public page sets.
    #[default]
    Balanced,
    /// More text with more boilerplate; comments that read like sentences are kept.
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

/// Whether markdown keeps the addresses of links. Plain text never does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// Keep only the text of a link.
    #[default]
    None,
    /// Write `[text](address)`, with the address as the page gives it.
    Inline,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_use_kebab_case_and_defaults() {
        let config: ExtractConfig = toml::from_str("").expect("an empty table is enough");
        assert_eq!(config, ExtractConfig::default());
        let text = "mode = 'recall'\nformat = 'markdown'\nlinks = 'inline'\nmax-page-bytes = 5\nexclude-elements = ['#x']";
        let expected = ExtractConfig::default()
            .with_mode(Mode::Recall)
            .with_format(TextFormat::Markdown)
            .with_links(Links::Inline)
            .with_max_page_bytes(5)
            .with_excluded_elements(["#x"]);
        assert_eq!(toml::from_str::<ExtractConfig>(text).expect("reads"), expected);
    }

    #[test]
    fn unknown_settings_and_values_are_refused() {
        for text in [
            "modes = 'recall'",
            "mode = 'Recall'",
            "max_page_bytes = 5",
            "links = true",
            "max-page-bytes = -1",
        ] {
            assert!(toml::from_str::<ExtractConfig>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let config =
            ExtractConfig::default().with_mode(Mode::Precision).with_excluded_elements([".a", "b.c"]);
        let text = toml::to_string(&config).expect("writes");
        assert_eq!(toml::from_str::<ExtractConfig>(&text).expect("reads"), config);
    }
}
