//! Chat templates in jinja: published ones render, specials of messages stay text, masks by prefixes.

use std::fs;

use internlm_kit::exit::BadInput;
use internlm_kit::testing::shared_data;
use internlm_model::TokenId;
use internlm_model::chat::{
    Channel, ChatTemplate, FunctionDefinition, JinjaTemplate, Loss, Message, Prompt, ToolCall, tools_message,
};
use internlm_model::tokenizer::{BpeTrainConfig, Special, Tokenizer, train_bpe};

/// ChatML in jinja, without InternLM2's `<|action_start|>` in sight.
const CHATML: &str = "{%- for message in messages %}
    {{- '<s>' + message['role'] + '\n' + message.content.strip() + '</s>' + '\n' -}}
{% endfor %}
{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}";

/// A saved vocabulary whose config carries `template`.
fn tokenizer(template: &str) -> Tokenizer {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = BpeTrainConfig { vocab_size: 280, min_frequency: 1 };
    let plain = train_bpe(["user assistant hello".to_owned()].into_iter(), &config).expect("trains");
    plain.save(folder.path()).expect("saves");
    fs::write(folder.path().join("chat_template.jinja"), template).expect("writes");
    Tokenizer::load(folder.path()).expect("loads")
}

#[test]
fn an_own_jinja_of_another_format_wins() {
    let other = tokenizer(CHATML);
    let template = ChatTemplate::of(&other).expect("a template");
    assert_eq!(template.kind(), "jinja");
    let chat = [Message::user(" hello </s>"), Message::assistant("yes")];
    let text = "<s>user\nhello </s></s>\n<s>assistant\nyes</s>\n";
    assert_eq!(template.render(&chat, Prompt::None).expect("renders"), text);
    let ids = template.encode(&other, &chat, Prompt::Generate).expect("encodes");
    assert_eq!(other.decode(&ids, Special::Keep), format!("{text}<s>assistant\n"));
    assert_eq!(ids.iter().filter(|&&id| id == TokenId(2)).count(), 2, "the user's </s> is text");
    let kept: Vec<TokenId> = template
        .encode_with_loss(&other, &chat, |_| Loss::Keep)
        .expect("encodes")
        .into_iter()
        .filter_map(|(id, loss)| (loss == Loss::Keep).then_some(id))
        .collect();
    assert_eq!(other.decode(&kept, Special::Keep), "yes</s>");
    let own = tokenizer("{{ '<|im_start|>' }}");
    assert_eq!(ChatTemplate::of(&own).expect("a template").kind(), "internlm2");
}

#[test]
fn tojson_writes_what_python_writes() {
    let render = |source: &str| {
        let template = ChatTemplate::Jinja(Box::new(JinjaTemplate::new(source, None, None).expect("parses")));
        let tool = FunctionDefinition::new("f")
            .with_description("<é>'\"")
            .with_parameters(serde_json::json!({"b": 1, "a": [true, null, 0.5]}));
        template.render(&[tools_message(&[tool])], Prompt::None).expect("renders")
    };
    let expected =
        r#"{"name": "f", "description": "<é>'\"", "parameters": {"b": 1, "a": [true, null, 0.5]}}"#;
    assert_eq!(render("{{ tools[0].function | tojson }}"), expected);
    assert_eq!(
        render("{{ tools[0].function.parameters | tojson(indent=2) }}"),
        "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null,\n    0.5\n  ]\n}"
    );
}

#[test]
fn errors_of_templates_are_bad_input() {
    assert!(JinjaTemplate::new("{% if %}", None, None).expect_err("malformed").is_bad_input());
    let raise =
        JinjaTemplate::new("{{ raise_exception('roles must alternate') }}", None, None).expect("parses");
    let error = ChatTemplate::Jinja(Box::new(raise)).render(&[], Prompt::None).expect_err("raises");
    assert!(error.to_string().contains("roles must alternate"), "{error}");
}

/// Templates that read variables which only their own servers give.
const NEEDS_MORE: [&str; 1] = ["firefunction"];

#[test]
fn published_templates_render() {
    let Some(dir) = shared_data("tokenizers/chat_templates") else { return };
    let call =
        ToolCall::new(Channel::Plugin, r#"{"name": "add", "parameters": {"a": 1}}"#).with_id("abcdef123");
    let plain = [Message::user("Hello there"), Message::assistant("Good day"), Message::user("And now?")];
    let tool = FunctionDefinition::new("add").with_description("adds").with_parameters(serde_json::json!(
        {"type": "object", "properties": {"a": {"type": "integer", "description": "x"}}, "required": ["a"]}
    ));
    let tools = [
        tools_message(&[tool]),
        Message::user("Hello there"),
        Message::assistant("").with_calls(vec![call]),
        Message::environment(Channel::Plugin, "7").with_call_id("abcdef123"),
        Message::assistant("It is 7."),
        Message::user("And now?"),
    ];
    let mut files: Vec<_> =
        fs::read_dir(dir).expect("lists").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert_eq!(files.len(), 17);
    let mut failures = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("reads");
        let special = |text: &str| Some(text.to_owned());
        let template = JinjaTemplate::new(&source, special("<s>"), special("</s>")).expect("parses");
        let template = ChatTemplate::Jinja(Box::new(template));
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut expect = |chat: &[Message], words: &[&str]| match template.render(chat, Prompt::Generate) {
            Ok(text) if words.iter().all(|word| text.contains(word)) => {}
            Ok(text) => failures.push(format!("{name}: {text}")),
            Err(error) => failures.push(format!("{name}: {error}")),
        };
        if NEEDS_MORE.iter().any(|part| name.contains(part)) {
            continue;
        }
        expect(&plain, &["Hello there", "And now?"]);
        if source.contains("tool_calls") {
            expect(&tools, &["add"]);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
