//! Chat templates against transformers: expressions piece by piece, continued answers, published templates.
//!
//! The goldens come from tests/golden/jinja.py.

use std::collections::BTreeMap;
use std::fs;

use internlm_kit::testing::shared_data;
use internlm_model::chat::openai::{ChatMessage, read_messages};
use internlm_model::chat::{ChatTemplate, FunctionDefinition, JinjaTemplate, Message, Prompt, tools_message};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    specials: BTreeMap<String, String>,
    messages: Vec<ChatMessage>,
    tools: Vec<FunctionDefinition>,
    /// A template and its text; `None` when Python raises an error.
    templates: Vec<(String, Option<String>)>,
    /// A template, messages, and the text that ends inside of the last one.
    continued: Vec<(String, Vec<ChatMessage>, Option<String>)>,
    conversations: Vec<RandomConversation>,
    /// Hashes of the conversations by template; `error` for errors, `-` for what is not compared.
    published: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RandomConversation {
    messages: Vec<ChatMessage>,
    tools: Option<Vec<FunctionDefinition>>,
    generate: bool,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../golden/jinja.json")).expect("goldens")
}

impl Goldens {
    fn render(
        &self,
        source: &str,
        messages: &[Message],
        prompt: Prompt,
    ) -> Result<String, internlm_model::Error> {
        let specials: Vec<_> = self.specials.clone().into_iter().collect();
        let template = JinjaTemplate::new(source, None, None)?.with_special_tokens(&specials);
        ChatTemplate::Jinja(Box::new(template)).render(messages, prompt)
    }
}

fn messages(messages: &[ChatMessage], tools: Option<&[FunctionDefinition]>) -> Vec<Message> {
    let messages = read_messages(messages).expect("OpenAI's messages");
    tools.map(tools_message).into_iter().chain(messages).collect()
}

/// Differences as one text; empty when everything is equal.
fn difference(
    template: &str,
    found: Result<String, internlm_model::Error>,
    expected: Option<&str>,
) -> String {
    match (found, expected) {
        (Ok(found), Some(expected)) if found == expected => String::new(),
        (Err(_), None) => String::new(),
        (found, expected) => format!("{template}\n  expected {expected:?}\n  found    {found:?}\n"),
    }
}

#[test]
fn expressions_and_statements_are_rendered_as_by_jinja2() {
    let goldens = goldens();
    let differences = goldens.templates.iter().map(|(template, expected)| {
        // Tools are refused by templates that do not name them.
        let tools = template.contains("tools").then_some(goldens.tools.as_slice());
        let chat = messages(&goldens.messages, tools);
        difference(template, goldens.render(template, &chat, Prompt::Generate), expected.as_deref())
    });
    let differences: Vec<String> = differences.filter(|difference| !difference.is_empty()).collect();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join(""));
}

#[test]
fn answers_are_continued_as_by_transformers() {
    let goldens = goldens();
    for (template, chat, expected) in &goldens.continued {
        let found = goldens.render(template, &messages(chat, None), Prompt::Continue);
        assert_eq!(difference(template, found, expected.as_deref()), "");
    }
}

/// FNV-1a of 64 bits, the upper half.
fn hash(text: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:08x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step) >> 32)
}

#[test]
fn published_templates_render_random_conversations_as_by_transformers() {
    let Some(folder) = shared_data("tokenizers/chat_templates") else { return };
    let goldens = goldens();
    let mut differences = Vec::new();
    for (name, hashes) in &goldens.published {
        let source = fs::read_to_string(folder.join(format!("{name}.jinja"))).expect("reads");
        let source = source.replace("strftime_now(\"%d %b %Y\")", "\"26 Jul 2024\"");
        let expected = hashes.split(' ');
        for (at, (conversation, expected)) in goldens.conversations.iter().zip(expected).enumerate() {
            let chat = messages(&conversation.messages, conversation.tools.as_deref());
            let prompt = if conversation.generate { Prompt::Generate } else { Prompt::None };
            let found = goldens.render(&source, &chat, prompt);
            let hash = found.as_deref().map_or("error".to_owned(), hash);
            if expected != "-" && hash != expected {
                differences
                    .push(format!("{name}, conversation {at}: expected {expected}, found {found:?}\n"));
            }
        }
    }
    let shown: String = differences.iter().take(5).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differ:\n{shown}", differences.len());
}
