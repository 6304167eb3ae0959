//! Transcripts as in Anthropic's HH-RLHF: turns that begin with `Human:` or `Assistant:` after an empty line.

use internlm_model::chat::openai::{ChatMessage, MessageRole};

const MARKS: [(&str, MessageRole); 2] =
    [("\n\nHuman:", MessageRole::User), ("\n\nAssistant:", MessageRole::Assistant)];

/// The turns of a transcript; `None` when the text does not begin with a turn of `Human:`.
pub(super) fn transcript(text: &str) -> Option<Vec<ChatMessage>> {
    let text = format!("\n\n{}", text.trim());
    if !text.starts_with(MARKS[0].0) {
        return None;
    }
    let mut turns = Vec::new();
    let mut rest = text.as_str();
    while let Some((mark, role)) = MARKS.into_iter().find(|(mark, _)| rest.starts_with(mark)) {
        let body = &rest[mark.len()..];
        let end = MARKS.iter().filter_map(|(mark, _)| body.find(mark)).min().unwrap_or(body.len());
        turns.push(ChatMessage::new(role, body[..end].trim()));
        rest = &body[end..];
    }
    Some(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_keep_their_paragraphs() {
        let turns =
            transcript("\n\nHuman: Hi\n\nAssistant: Hello.\n\nHow are you?\n\nHuman: Fine\n\nAssistant:");
        let expected = [
            ChatMessage::user("Hi"),
            ChatMessage::assistant("Hello.\n\nHow are you?"),
            ChatMessage::user("Fine"),
            ChatMessage::assistant(""),
        ];
        assert_eq!(turns.as_deref(), Some(&expected[..]));
        assert_eq!(transcript("A human: Hi"), None);
    }
}
