//! [`DepthLimit`]: a filter between tokenizer and tree builder that bounds nesting, as browsers do.
//!
//! The tree builder looks through the stack of open elements at almost every tag, so 100,000 nested elements
//! would cost 10^10 steps. Blink stops nesting at 512 and puts deeper elements side by side; here deeper
//! container tags are left out, their text stays.

use std::cell::Cell;

use html5ever::tokenizer::{TagKind, Token, TokenSink, TokenSinkResult};

/// Blink's `kMaximumHTMLParserDOMTreeDepth`.
const MAX_DEPTH: usize = 512;

/// A token sink that passes on what is not too deep.
pub(super) struct DepthLimit<S> {
    pub(super) sink: S,
    open: Cell<usize>,
    left_out: Cell<usize>,
}

impl<S> DepthLimit<S> {
    pub(super) fn new(sink: S) -> Self {
        Self { sink, open: Cell::new(0), left_out: Cell::new(0) }
    }

    /// Whether the tag goes to the tree builder; keeps count.
    fn admit(&self, kind: TagKind) -> bool {
        let (open, left_out) = (self.open.get(), self.left_out.get());
        match kind {
            TagKind::StartTag if open >= MAX_DEPTH => {
                self.left_out.set(left_out + 1);
                false
            }
            TagKind::StartTag => {
                self.open.set(open + 1);
                true
            }
            TagKind::EndTag if left_out > 0 => {
                self.left_out.set(left_out - 1);
                false
            }
            TagKind::EndTag => {
                self.open.set(open.saturating_sub(1));
                true
            }
        }
    }
}

/// Elements that nest until they are closed by name. Those whose end tags may be left out (`p`, `li`, cells)
/// are not counted: thousands of them in a row are normal. Nor are those that switch the tokenizer.
fn nests(tag: &str) -> bool {
    matches!(
        tag,
        "div"
            | "span"
            | "section"
            | "article"
            | "main"
            | "aside"
            | "header"
            | "footer"
            | "nav"
            | "center"
            | "blockquote"
            | "ul"
            | "ol"
            | "dl"
            | "details"
            | "figure"
            | "fieldset"
            | "address"
            | "font"
            | "b"
            | "i"
            | "u"
            | "em"
            | "strong"
            | "small"
            | "big"
            | "s"
            | "strike"
            | "tt"
            | "code"
            | "nobr"
            | "bdo"
    )
}

impl<S: TokenSink> TokenSink for DepthLimit<S> {
    type Handle = S::Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<S::Handle> {
        if let Token::TagToken(tag) = &token
            && nests(&tag.name)
            && !self.admit(tag.kind)
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
