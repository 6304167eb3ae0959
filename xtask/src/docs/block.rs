//! A generated block of a Markdown file: what is between two HTML comments that carry its name.

/// The text with the block `name` replaced by `content`; none when the marks are missing or out of order.
pub(super) fn replace(text: &str, name: &str, content: &str) -> Option<String> {
    let (start, end) = bounds(text, name)?;
    Some(format!("{}\n{}\n{}", &text[..start], content.trim_end(), &text[end..]))
}

/// What the block `name` holds now.
pub(super) fn content<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (start, end) = bounds(text, name)?;
    Some(text[start..end].trim())
}

/// From the end of the opening comment to the start of the closing one.
fn bounds(text: &str, name: &str) -> Option<(usize, usize)> {
    let open = text.find(&format!("<!-- {name}:begin"))?;
    let start = open + text[open..].find("-->")? + "-->".len();
    let end = start + text[start..].find(&format!("<!-- {name}:end -->"))?;
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n\n<!-- results:begin, by a command -->\nold\n<!-- results:end -->\n\nrest\n";

    #[test]
    fn only_the_block_changes() {
        let text = replace(TEXT, "results", "| new |\n").expect("has the block");
        assert_eq!(
            text,
            "# A\n\n<!-- results:begin, by a command -->\n| new |\n<!-- results:end -->\n\nrest\n"
        );
        assert_eq!(content(&text, "results"), Some("| new |"));
        assert_eq!(replace(&text, "results", "| new |"), Some(text.clone()));
    }

    #[test]
    fn missing_marks_are_noticed() {
        assert_eq!(content("# A\n", "results"), None);
        assert_eq!(content(TEXT, "other"), None);
        assert_eq!(content("<!-- results:end -->\n<!-- results:begin -->\n", "results"), None);
    }
}
