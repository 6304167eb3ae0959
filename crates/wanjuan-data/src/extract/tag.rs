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

/// What the renderer does with an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Never text: scripts, forms' controls, pictures.
    Never,
    /// A block with an empty line around it.
    Paragraph,
    /// A block on lines of its own.
    Line,
    /// `h1` to `h6`.
    Heading(u8),
    /// `br`.
    Break,
    /// `hr`.
    Rule,
    /// Text whose white space stays.
    Preformatted,
    /// `ul` and `dir`.
    BulletList,
    /// `ol`.
    NumberedList,
    /// `li`.
    Item,
    /// `dd`.
    Description,
    /// `table`.
    Table,
    /// `tr`.
    Row,
    /// `td` and `th`.
    Cell,
    /// `blockquote`.
    BlockQuote,
    /// `img`.
    Image,
    /// `a`.
    Link,
    /// Code inside a line.
    Code,
    /// `b` and `strong`.
    Strong,
    /// `i` and `em`.
    Emphasis,
    /// Text that was taken back.
    Strike,
    /// `sub`.
    Subscript,
    /// `sup`.
    Superscript,
    /// `q`.
    Quote,
    /// `rt`: the reading of ruby text.
    Reading,
    /// Nothing of its own.
    Inline,
}

/// The role of a tag, HTML's default rendering (standard, section 15). By the first letter: asked twice per
/// element of a page.
pub(super) fn role(tag: &str) -> Role {
    match tag.as_bytes().first() {
        Some(b'a'..=b'c') => role_to_c(tag),
        Some(b'd'..=b'h') => role_to_h(tag),
        Some(b'i'..=b'p') => role_to_p(tag),
        Some(b's') => role_in_s(tag),
        _ => role_from_q(tag),
    }
}

fn role_to_c(tag: &str) -> Role {
    match tag {
        "a" => Role::Link,
        "b" => Role::Strong,
        "br" => Role::Break,
        "code" => Role::Code,
        "address" | "article" | "aside" | "body" | "caption" | "center" => Role::Paragraph,
        "blockquote" => Role::BlockQuote,
        "area" | "audio" | "canvas" => Role::Never,
        "button" => Role::Line,
        _ => Role::Inline,
    }
}

fn role_to_h(tag: &str) -> Role {
    match tag {
        "div" | "dt" | "figcaption" | "header" | "hgroup" => Role::Line,
        "em" => Role::Emphasis,
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Role::Heading(tag.as_bytes()[1] - b'0'),
        "dd" => Role::Description,
        "details" | "dialog" | "dl" | "fieldset" | "figure" | "footer" | "form" | "html" => Role::Paragraph,
        "del" => Role::Strike,
        "dir" => Role::BulletList,
        "hr" => Role::Rule,
        "datalist" | "embed" | "frameset" | "head" => Role::Never,
        _ => Role::Inline,
    }
}

fn role_to_p(tag: &str) -> Role {
    match tag {
        "p" | "main" | "nav" | "noscript" => Role::Paragraph,
        "li" => Role::Item,
        "i" => Role::Emphasis,
        "img" | "image" => Role::Image,
        "kbd" => Role::Code,
        "legend" => Role::Line,
        "menu" => Role::BulletList,
        "ol" => Role::NumberedList,
        "listing" | "plaintext" | "pre" => Role::Preformatted,
        "iframe" | "input" | "map" | "meter" | "noframes" | "object" | "option" | "progress" => Role::Never,
        _ => Role::Inline,
    }
}

fn role_in_s(tag: &str) -> Role {
    match tag {
        "strong" => Role::Strong,
        "s" | "strike" => Role::Strike,
        "samp" => Role::Code,
        "sub" => Role::Subscript,
        "sup" => Role::Superscript,
        "search" | "section" => Role::Paragraph,
        "summary" => Role::Line,
        "script" | "select" | "style" | "svg" => Role::Never,
        _ => Role::Inline,
    }
}

fn role_from_q(tag: &str) -> Role {
    match tag {
        "td" | "th" => Role::Cell,
        "tr" => Role::Row,
        "ul" => Role::BulletList,
        "q" => Role::Quote,
        "rt" => Role::Reading,
        "table" => Role::Table,
        "tbody" | "tfoot" | "thead" => Role::Line,
        "tt" => Role::Code,
        "xmp" => Role::Preformatted,
        "rp" | "template" | "textarea" | "video" => Role::Never,
        _ => Role::Inline,
    }
}

/// The flow of a tag.
pub(super) fn flow(tag: &str) -> Flow {
    match role(tag) {
        Role::Never => Flow::Never,
        Role::Paragraph
        | Role::Line
        | Role::Heading(_)
        | Role::Rule
        | Role::Preformatted
        | Role::BulletList
        | Role::NumberedList
        | Role::Item
        | Role::Description
        | Role::Table
        | Role::Row
        | Role::Cell
        | Role::BlockQuote => Flow::Block,
        _ => Flow::Inline,
    }
}
