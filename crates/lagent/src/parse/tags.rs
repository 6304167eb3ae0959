//! The fields of a reply in the form `<name type="int">30</name>`.

/// Returns name and content of every pair of tags that closes, in order. Tags inside of the content are part of it.
pub(super) fn pairs(text: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let behind = &rest[at + 1..];
        match pair(behind) {
            Some((name, content, after)) => {
                pairs.push((name, content));
                rest = after;
            }
            None => rest = behind,
        }
    }
    pairs
}

/// The pair that begins here, behind its `<`: name, content, and the text behind the end tag.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let length = text.find(|c: char| !is_word(c))?;
    let (name, rest) = text.split_at(length);
    if name.is_empty() {
        return None;
    }
    let (_, rest) = rest.split_once('>')?;
    let (content, after) = rest.split_once(&format!("</{name}>"))?;
    Some((name, content, after))
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn pairs_that_close_are_found_in_order() {
        let text = "<!-- who --><name type=\"str\">John\nDoe</name> <b><age>3<0</age><c>";
        assert_eq!(pairs(text), [("name", "John\nDoe"), ("age", "3<0")]);
        assert!(pairs("< a>x</a> <a>y</b> <a").is_empty());
    }
}
