//! Text inside of HTML.

/// Escapes text for HTML, attribute values included.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// Writes JSON so that it can be inside of a script element: no text in it can end the element.
pub(super) fn script_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_end_its_element() {
        assert_eq!(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
        let json = script_json(&serde_json::json!(["</script><!--"]));
        assert_eq!(json, "[\"\\u003c/script>\\u003c!--\"]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).expect("still JSON"), ["</script><!--"]);
    }
}
