//! [`UnreadKeys`]: what a data file says and no token shows, so that nothing is left out in silence.

use std::collections::{BTreeMap, BTreeSet};

use internlm_kit::visible::visible;
use internlm_model::chat::{ChatTemplate, Message, Prompt, Role};

use super::Conversation;
use crate::empty_value::is_empty;

/// The key of [`Message::name`].
const NAME: &str = "name";

/// Keys that carry something and change no conversation's text, with how often they occur.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct UnreadKeys {
    /// Number of messages by key.
    messages: BTreeMap<String, usize>,
    /// Number of lines by key, for keys next to `messages`.
    lines: BTreeMap<String, usize>,
}

impl UnreadKeys {
    /// Counts the keys of `conversations` that `template` does not show.
    pub(crate) fn count(conversations: &[Conversation], template: &ChatTemplate) -> Self {
        let mut unread = Self::default();
        for conversation in conversations {
            for (key, _) in conversation.fields.iter().filter(|(_, value)| !is_empty(value)) {
                *unread.lines.entry(key.clone()).or_default() += 1;
            }
            unread.count_messages(conversation, template);
        }
        unread
    }

    /// A template shows a key when the text is another one without it.
    fn count_messages(&mut self, conversation: &Conversation, template: &ChatTemplate) {
        let turns = &conversation.turns;
        let keys: BTreeSet<&str> = turns.iter().flat_map(|turn| keys(&turn.message)).collect();
        if keys.is_empty() {
            return;
        }
        let messages = conversation.messages();
        // Encoding reports messages that do not fit the template.
        let Ok(text) = template.render(&messages, Prompt::None) else { return };
        for key in keys {
            let without: Vec<Message> = messages.iter().map(|message| without(message, key)).collect();
            if template.render(&without, Prompt::None).is_ok_and(|other| other == text) {
                let count =
                    messages.iter().filter(|message| self::keys(message).any(|own| own == key)).count();
                *self.messages.entry(key.to_owned()).or_default() += count;
            }
        }
    }

    /// Logs one warning for each key.
    pub(crate) fn warn(&self) {
        for (key, count) in &self.messages {
            let key = visible(key);
            tracing::warn!("the chat template leaves out `{key}` of {count} message(s): it is not learned");
        }
        for (key, count) in &self.lines {
            let key = visible(key);
            tracing::warn!("nothing reads `{key}` next to `messages`, which {count} line(s) have");
        }
    }
}

/// Keys of a message that carry something and that only some templates show.
fn keys(message: &Message) -> impl Iterator<Item = &str> {
    let fields = message.fields.iter().filter(|(_, value)| !is_empty(value)).map(|(key, _)| key.as_str());
    // A channel is part of the turn, and the name of a result repeats the call that it answers.
    let named = message.name.is_some() && message.channel.is_none() && message.role != Role::Environment;
    fields.chain(named.then_some(NAME))
}

fn without(message: &Message, key: &str) -> Message {
    let mut message = message.clone();
    message.fields.shift_remove(key);
    if key == NAME {
        message.name = None;
    }
    message
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::JinjaTemplate;

    use super::super::parse_openai;
    use super::*;

    const LINES: [&str; 2] = [
        r#"{"messages": [{"role": "user", "content": "a", "name": "Ann"}, {"role": "assistant", "content": "b",
            "reasoning_content": "because", "refusal": null, "parts": [], "future_key": 0}], "source": "web"}"#,
        r#"{"messages": [{"role": "user", "content": "a", "name": "file"}, {"role": "assistant", "content": "b",
            "reasoning_content": "so"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b",
            "reasoning_content": "thus"}]}"#,
    ];

    fn count(template: &ChatTemplate) -> UnreadKeys {
        let conversations = LINES.map(|line| parse_openai(&line.replace('\n', " ")).expect("parses"));
        UnreadKeys::count(&conversations, template)
    }

    fn counts<const N: usize>(pairs: [(&str, usize); N]) -> BTreeMap<String, usize> {
        pairs.into_iter().map(|(key, count)| (key.to_owned(), count)).collect()
    }

    #[test]
    fn keys_that_a_template_leaves_out_are_counted_by_message() {
        let found = count(&ChatTemplate::InternLm2);
        assert_eq!(found.messages, counts([("future_key", 1), ("name", 1), ("reasoning_content", 3)]));
        assert_eq!(found.lines, counts([("source", 1)]));
    }

    #[test]
    fn keys_that_a_template_shows_are_not_counted() {
        let source = "{% for m in messages %}{% if m.reasoning_content is defined %}{{ m.reasoning_content }}{% endif %}\
                      {{ m.content }}{% endfor %}";
        let template = JinjaTemplate::new(source, None, None).expect("parses");
        let found = count(&ChatTemplate::Jinja(Box::new(template)));
        assert_eq!(found.messages, counts([("future_key", 1), ("name", 1)]));
    }
}
