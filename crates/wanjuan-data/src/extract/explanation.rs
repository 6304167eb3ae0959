//! [`ExtractedPage`] and [`Explanation`]: what extraction answers.

use super::judge::PageType;
use super::metadata::Metadata;

/// The main text of a page and what the page says about itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExtractedPage {
    /// The main text. Empty if the page has none, which is a correct answer.
    pub text: String,
    /// Title, author, date and other statements of the page.
    pub metadata: Metadata,
    /// The kind of page. `None` for a page that was not looked at.
    pub page_type: Option<PageType>,
}

/// The text of a page, and what became of each of its blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The answer of [`extract_html`](super::extract_html).
    pub page: ExtractedPage,
    /// The blocks of text of the page, in document order.
    pub blocks: Vec<BlockReport>,
}

/// A block: the text between two borders of block-level elements, kept or dropped as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockReport {
    /// The elements around it, like `html>body>div.content>p`.
    pub path: String,
    /// Its text, white space collapsed.
    pub text: String,
    /// Whether it is part of the main text.
    pub kept: bool,
    /// Why it was dropped; empty for a block that was kept.
    pub reason: String,
    /// Probability that it is content. `None` for a fragment, which the model does not judge.
    pub score: Option<f64>,
}
