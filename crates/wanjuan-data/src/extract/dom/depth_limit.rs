//! [`DepthLimit`]: a filter between tokenizer and tree builder that bounds nesting, as browsers do.
//!
//! The tree builder searches the stack of open elements at almost every tag, so 100,000 nested elements would cost
//! 10^10 steps. Blink stops nesting at 512 levels and makes deeper elements siblings. Here the tags of deeper
//! elements are dropped and their text is kept.

use std::cell::Cell;
use std::rc::Rc;

use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};
use html5ever::{LocalName, local_name};

/// Blink's `kMaximumHTMLParserDOMTreeDepth`.
const MAX_DEPTH: u32 = 512;

/// A token sink that drops start tags below the limit, with their end tags.
pub(crate) struct DepthLimit<S> {
    pub(crate) sink: S,
    /// Depth of the node inserted last; the builder of the tree writes it.
    depth: Rc<Cell<u32>>,
    /// Number of dropped start tags whose end tags have not come yet.
    left_out: Cell<usize>,
}

impl<S> DepthLimit<S> {
    pub(crate) fn new(sink: S, depth: Rc<Cell<u32>>) -> Self {
        Self { sink, depth, left_out: Cell::new(0) }
    }

    /// Whether the tag is passed to the tree builder. End tags of dropped elements are dropped too.
    fn admit(&self, tag: &Tag) -> bool {
        let left_out = self.left_out.get();
        match tag.kind {
            TagKind::StartTag if self.depth.get() >= MAX_DEPTH && nests(&tag.name) => {
                self.left_out.set(left_out + 1);
                false
            }
            TagKind::EndTag if left_out > 0 && nests(&tag.name) => {
                self.left_out.set(left_out - 1);
                false
            }
            _ => true,
        }
    }
}

/// Whether an element can contain others. Void elements cannot. Elements that switch the tokenizer must be passed
/// on, because otherwise their text would be read as markup.
fn nests(name: &LocalName) -> bool {
    !matches!(
        *name,
        local_name!("script")
            | local_name!("style")
            | local_name!("title")
            | local_name!("textarea")
            | local_name!("xmp")
            | local_name!("iframe")
            | local_name!("noembed")
            | local_name!("noframes")
            | local_name!("plaintext")
            | local_name!("html")
            | local_name!("head")
            | local_name!("body")
            | local_name!("br")
            | local_name!("img")
            | local_name!("hr")
            | local_name!("input")
            | local_name!("meta")
            | local_name!("link")
            | local_name!("wbr")
    )
}

impl<S: TokenSink> TokenSink for DepthLimit<S> {
    type Handle = S::Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<S::Handle> {
        if let Token::TagToken(tag) = &token
            && !self.admit(tag)
        {
            return TokenSinkResult::Continue;
        }
        self.sink.process_token(token, line)
    }

    fn end(&self) {
        self.sink.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.sink.adjusted_current_node_present_but_not_in_html_namespace()
    }
}
