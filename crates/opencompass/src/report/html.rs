//! Text inside of HTML, and what the page allows its browser to do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use internlm_kit::hash::sha256;

/// Escapes text for HTML, attribute values included.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Writes JSON so that it can be inside of a script element: no text in it can end the element.
pub(super) fn script_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

/// Returns the content security policy of a page with one script: nothing is loaded, and no other script runs, whatever
/// the texts of models or the pictures of the run contain.
pub(super) fn policy(script: &str) -> String {
    let hexadecimal = sha256(script);
    let digit = |place: usize| u8::from_str_radix(&hexadecimal[place..place + 2], 16);
    let digest: Vec<u8> =
        (0..hexadecimal.len()).step_by(2).map(|place| digit(place).expect("hexadecimal digits")).collect();
    let script = STANDARD.encode(digest);
    format!("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_end_its_element() {
        assert_eq!(escaped("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        let json = script_json(&serde_json::json!(["</script><!--"]));
        assert_eq!(json, "[\"\\u003c/script>\\u003c!--\"]");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).expect("still JSON"), ["</script><!--"]);
    }

    #[test]
    fn the_policy_names_the_script_by_its_digest() {
        // The digest is that of `printf abc | openssl dgst -sha256 -binary | base64`.
        let policy = policy("abc");
        assert!(
            policy.contains("script-src 'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='"),
            "{policy}"
        );
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
    }
}
