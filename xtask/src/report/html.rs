//! Text as HTML.

/// The text with nothing left in it that could become markup, in content and in attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("<a href=\"b\">c & d</a>"), "&lt;a href=&quot;b&quot;&gt;c &amp; d&lt;/a&gt;");
        assert_eq!(escape("&lt;"), "&amp;lt;");
    }
}
