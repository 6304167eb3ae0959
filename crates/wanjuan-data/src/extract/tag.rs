//! What HTML elements mean for text.

/// How an element takes part in the layout of text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flow {
    /// Never text: scripts, forms' controls, pictures.
    Never,
    /// Starts and ends a paragraph.
    Block,
    /// Part of a line.
    Inline,
}

/// The flow of a tag, HTML's default rendering (standard, section 15).
pub(super) fn flow(tag: &str) -> Flow {
    match tag {
        "script" | "style" | "noscript" | "template" | "svg" | "iframe" | "object" | "embed" | "canvas"
        | "button" | "input" | "select" | "textarea" | "datalist" | "option" | "progress" | "meter"
        | "head" | "audio" | "video" | "map" | "area" | "dialog" | "menu" | "frameset" | "noframes" => {
            Flow::Never
        }
        "address" | "article" | "aside" | "blockquote" | "body" | "center" | "dd" | "details" | "dir"
        | "div" | "dl" | "dt" | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "h1" | "h2"
        | "h3" | "h4" | "h5" | "h6" | "header" | "hgroup" | "hr" | "html" | "legend" | "li" | "main"
        | "nav" | "ol" | "p" | "pre" | "search" | "section" | "summary" | "table" | "tbody" | "td"
        | "tfoot" | "th" | "thead" | "tr" | "ul" | "caption" => Flow::Block,
        _ => Flow::Inline,
    }
}

/// 1 to 6 for headings.
pub(super) fn heading_level(tag: &str) -> Option<usize> {
    match tag.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(usize::from(level - b'0')),
        _ => None,
    }
}
