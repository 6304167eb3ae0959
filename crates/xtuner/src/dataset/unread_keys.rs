//! [`UnreadKeys`]: what a data file says and no token shows, so that nothing is left out in silence.

use std::collections::{BTreeMap, BTreeSet};

use internlm_kit::visible::visible;
use internlm_model::chat::{Message, Role};
use serde_json::{Map, Value};

use super::Document;
use crate::empty_value::is_empty;
use crate::template::Template;

/// The key of [`Message::name`].
const NAME: &str = "name";
/// The key of [`Message::content`], which some templates leave out next to calls.
const CONTENT: &str = "content";

/// Keys that carry something and change no conversation's text, with how often they occur.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct UnreadKeys {
    /// Number of messages by key.
    messages: BTreeMap<String, usize>,
    /// Number of lines by key, for keys next to the messages.
    lines: BTreeMap<String, usize>,
}

impl UnreadKeys {
    /// Counts the keys of more documents that `template` does not show.
    pub(crate) fn count(&mut self, documents: &[Document], template: &Template) {
        for document in documents {
            let Document::Chat(conversation) = document else { continue };
            self.count_fields(&conversation.fields);
            self.count_messages(&conversation.messages(), 0, template);
        }
    }

    /// Counts the keys of a line that belong to no message.
    pub(crate) fn count_fields(&mut self, fields: &Map<String, Value>) {
        for (key, _) in fields.iter().filter(|(_, value)| !is_empty(value)) {
            *self.lines.entry(key.clone()).or_default() += 1;
        }
    }

    /// Counts the keys of messages of which the first `known` were counted before; a template shows a key when the text
    /// is another one without it.
    pub(crate) fn count_messages(&mut self, messages: &[Message], known: usize, template: &Template) {
        let new = messages.get(known..).unwrap_or_default();
        let keys: BTreeSet<&str> = new.iter().flat_map(keys).collect();
        if keys.is_empty() {
            return;
        }
        // Encoding reports messages that do not fit the template.
        let Ok(text) = template.render(messages) else { return };
        for key in keys {
            let mut others = messages.to_vec();
            others.iter_mut().skip(known).for_each(|message| *message = without(message, key));
            if template.render(&others).is_ok_and(|other| other == text) {
                let count = new.iter().filter(|message| self::keys(message).any(|own| own == key)).count();
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
            tracing::warn!("nothing reads `{key}` next to the messages of {count} line(s)");
        }
    }
}

/// Keys of a message that carry something and that only some templates show.
fn keys(message: &Message) -> impl Iterator<Item = &str> {
    let fields = message.fields.iter().filter(|(_, value)| !is_empty(value)).map(|(key, _)| key.as_str());
    // A channel is part of the turn, and the name of a result repeats the call that it answers.
    let named = message.name.is_some() && message.channel.is_none() && message.role != Role::Environment;
    let speaks = !message.calls.is_empty() && !message.text().is_empty();
    fields.chain(named.then_some(NAME)).chain(speaks.then_some(CONTENT))
}

fn without(message: &Message, key: &str) -> Message {
    let mut message = message.clone();
    message.fields.shift_remove(key);
    match key {
        NAME => message.name = None,
        CONTENT if !message.calls.is_empty() => message.content = None,
        _ => {}
    }
    message
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::{Channel, ChatTemplate, JinjaTemplate, PluginCall};
    use serde_json::json;

    use super::*;
    use crate::dataset::Conversation;

    fn message(message: Message, fields: &[(&str, serde_json::Value)]) -> Message {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Message { fields, ..message }
    }

    fn documents() -> [Document; 2] {
        let named = |name: &str| Message { name: Some(name.to_owned()), ..Message::user("a") };
        let thought =
            |thought: &str| message(Message::assistant("b"), &[("reasoning_content", json!(thought))]);
        let mut first = Conversation::new(vec![
            named("Ann"),
            message(
                Message::assistant("b"),
                &[
                    ("reasoning_content", json!("because")),
                    ("refusal", json!(null)),
                    ("parts", json!([])),
                    ("future_key", json!(0)),
                ],
            ),
        ]);
        first.fields.insert("source".to_owned(), json!("web"));
        let mut file = named("file");
        file.channel = Some(Channel::File);
        let second = Conversation::new(vec![file, thought("so"), Message::user("a"), thought("thus")]);
        [first.into(), second.into()]
    }

    fn count(template: ChatTemplate, documents: &[Document]) -> UnreadKeys {
        let mut unread = UnreadKeys::default();
        unread.count(documents, &Template::Model(template));
        unread
    }

    fn counts<const N: usize>(pairs: [(&str, usize); N]) -> BTreeMap<String, usize> {
        pairs.into_iter().map(|(key, count)| (key.to_owned(), count)).collect()
    }

    fn jinja(source: &str) -> ChatTemplate {
        ChatTemplate::Jinja(Box::new(JinjaTemplate::new(source, None, None).expect("parses")))
    }

    #[test]
    fn keys_that_a_template_leaves_out_are_counted_by_message() {
        let found = count(ChatTemplate::InternLm2, &documents());
        assert_eq!(found.messages, counts([("future_key", 1), ("name", 1), ("reasoning_content", 3)]));
        assert_eq!(found.lines, counts([("source", 1)]));
    }

    #[test]
    fn keys_that_a_template_shows_are_not_counted() {
        let source = "{% for m in messages %}{% if m.reasoning_content is defined %}{{ m.reasoning_content }}{% endif %}\
                      {{ m.content }}{% endfor %}";
        let found = count(jinja(source), &documents());
        assert_eq!(found.messages, counts([("future_key", 1), ("name", 1)]));
    }

    #[test]
    fn words_that_a_template_leaves_out_next_to_calls_are_counted() {
        let call = PluginCall::new("add", serde_json::Map::new());
        let speaking = Message::assistant("Let me see.").with_calls(vec![call.into()]);
        let documents: [Document; 1] = [Conversation::new(vec![Message::user("a"), speaking]).into()];
        let calls = "{% for c in m.tool_calls %}{{ c.function.name }}{% endfor %}";
        let drops = format!(
            "{{% for m in messages %}}{{% if m.tool_calls %}}{calls}{{% else %}}{{{{ m.content }}}}{{% endif %}}{{% endfor %}}"
        );
        assert_eq!(count(jinja(&drops), &documents).messages, counts([("content", 1)]));
        assert!(count(ChatTemplate::InternLm2, &documents).messages.is_empty());
    }
}
