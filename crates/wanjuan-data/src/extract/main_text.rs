//! [`extract_html`]: from the bytes of a page to its main text and metadata.

use super::charset::decode;
use super::config::ExtractConfig;
use super::dom::Dom;
use super::metadata::Metadata;
use super::render::render;
use super::selection::Selection;

/// What a page says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExtractedPage {
    /// The main text; empty when the page has none, which is a correct answer.
    pub text: String,
    /// What the page says about itself.
    pub metadata: Metadata,
}

/// Decodes, parses and extracts. `charset` is the label of the transport, if any. Never fails.
#[must_use]
pub fn extract_html(bytes: &[u8], charset: Option<&str>, config: &ExtractConfig) -> ExtractedPage {
    let dom = Dom::parse(&decode(bytes, charset));
    let selection = Selection::of(&dom, config);
    let text = dom
        .body()
        .map_or_else(String::new, |body| render(&dom, |id| selection.keeps(id), body, config.format));
    ExtractedPage { text, metadata: Metadata::of(&dom) }
}
