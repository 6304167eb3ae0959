//! Reads a reply by the letter, with the patterns of lagent 0.2.4.

use internlm_model::chat::Channel;
use serde_json::Value;

use super::super::{CallRequest, Malformed, Parsed};
use super::{NO_ACTION, ReactTags};

/// Upstream's name of the call that gives the answer.
const FINISH_ACTION: &str = "FinishAction";

/// The meaning of a reply. A tool's input is always a text here; the tool's own parser reads it.
pub(super) fn meaning(content: &str, tags: &ReactTags) -> Parsed {
    if let Some(at) = content.rfind(&tags.finish) {
        return Parsed::Answer(content[at + tags.finish.len()..].to_owned());
    }
    let input = content.split_once(&tags.action_input).map(|(_, rest)| rest);
    let (Some(name), Some(input)) = (last_line(content, &tags.action), input) else {
        let problem = NO_ACTION.to_owned();
        return Parsed::Calls(vec![Err(Malformed { channel: Channel::Plugin, problem })]);
    };
    let input = input.trim().trim_matches('"').to_owned();
    if name == FINISH_ACTION {
        return Parsed::Answer(input);
    }
    let (name, arguments) = (name.to_owned(), Value::from(input));
    Parsed::Calls(vec![Ok(CallRequest { channel: Channel::Plugin, name, arguments })])
}

/// The last match of `TAG(.*?)\n`, trimmed. A tag inside of a match does not begin another one.
fn last_line<'c>(content: &'c str, tag: &str) -> Option<&'c str> {
    let mut found = None;
    let mut rest = content;
    while let Some((line, behind)) = rest.split_once(tag).and_then(|(_, behind)| behind.split_once('\n')) {
        found = Some(line.trim());
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(content: &str) -> Result<(String, Value), String> {
        match meaning(content, &ReactTags::default()) {
            Parsed::Calls(mut calls) => calls
                .pop()
                .expect("one call")
                .map(|call| (call.name, call.arguments))
                .map_err(|malformed| malformed.problem),
            other => panic!("{content}: {other:?}"),
        }
    }

    #[test]
    fn upstreams_patterns() {
        for (content, expected) in [
            ("Action: A\nAction Input: \"x\"", Ok(("A".to_owned(), Value::from("x")))),
            ("Action: A\nAction Input: 42", Ok(("A".to_owned(), Value::from("42")))),
            ("Action: A\nAction: B\nAction Input: 'x'\ny", Ok(("B".to_owned(), Value::from("'x'\ny")))),
            // The last tag has no line end, so the match before it counts.
            ("Action: A\nAction Input: x Action: B", Ok(("A".to_owned(), Value::from("x Action: B")))),
            ("Action: A Action: B\nAction Input:", Ok(("A Action: B".to_owned(), Value::from("")))),
            ("Action: A", Err("Please follow the format".to_owned())),
            ("Action Input: x", Err("Please follow the format".to_owned())),
        ] {
            assert_eq!(call(content), expected, "{content}");
        }
        let tags = ReactTags::default();
        assert_eq!(meaning("Final Answer: 1\nFinal Answer: 2", &tags), Parsed::Answer(" 2".into()));
        assert_eq!(meaning("Action: FinishAction\nAction Input: 3", &tags), Parsed::Answer("3".into()));
    }
}
