//! Chat templates in jinja: published ones render, specials of messages stay text, masks by prefixes.

use std::fs;

use internlm_kit::exit::BadInput;
use internlm_kit::testing::shared_data;
use internlm_model::TokenId;
use internlm_model::chat::{
    Channel, ChatTemplate, FunctionDefinition, JinjaTemplate, Loss, Message, Prompt, ToolCall, tools_message,
};
use internlm_model::tokenizer::{BpeTrainConfig, Special, Tokenizer, train_bpe};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// ChatML in jinja, without InternLM2's `<|action_start|>` in sight.
const CHATML: &str = "{%- for message in messages %}
    {{- '<s>' + message['role'] + '\n' + message.content.strip() + '</s>' + '\n' -}}
{% endfor %}
{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}";

/// A saved vocabulary whose config carries `template`.
fn tokenizer(template: &str) -> Tokenizer {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = BpeTrainConfig::new(280).with_min_frequency(1);
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
fn every_special_token_of_the_config_is_a_variable() {
    let source = "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ image_token }}|{{ unk_token }}";
    let tokens = [("pad_token", "<pad>"), ("image_token", "<image>"), ("eos_token", "<end>")];
    let tokens = tokens.map(|(key, text)| (key.to_owned(), text.to_owned()));
    let template = JinjaTemplate::new(source, Some("<s>".to_owned()), None).expect("parses");
    let template = ChatTemplate::Jinja(Box::new(template.with_special_tokens(&tokens)));
    assert_eq!(template.render(&[], Prompt::None).expect("renders"), "<s><end><pad><image>|");
}

#[test]
fn a_continued_answer_ends_inside_of_its_text() {
    let own = tokenizer(CHATML);
    let chat = [Message::user("Capital?"), Message::assistant(" It </s> is ")];
    let jinja = ChatTemplate::of(&own).expect("a template");
    // The template strips messages.
    let text = "<s>user\nCapital?</s>\n<s>assistant\nIt </s> is";
    assert_eq!(jinja.render(&chat, Prompt::Continue).expect("renders"), text);
    let ids = jinja.encode(&own, &chat, Prompt::Continue).expect("encodes");
    assert_eq!(own.decode(&ids, Special::Keep), text);
    assert_eq!(ids.iter().filter(|&&id| id == TokenId(2)).count(), 1, "the assistant's </s> is text");
    let internlm2 = ChatTemplate::InternLm2.render(&chat, Prompt::Continue).expect("renders");
    assert_eq!(internlm2, "<s><|im_start|>user\nCapital?<|im_end|>\n<|im_start|>assistant\n It </s> is ");
}

#[test]
fn only_an_answer_in_words_can_be_continued() {
    let jinja = JinjaTemplate::new("{% for m in messages %}{{ m.content }}{% endfor %}", None, None);
    let templates = [ChatTemplate::InternLm2, ChatTemplate::Jinja(Box::new(jinja.expect("parses")))];
    for template in templates {
        for (chat, found) in [
            (vec![], "no messages"),
            (vec![Message::user("hi")], "a last message of user"),
            (vec![calling(Some("hi"))], "a last message with calls"),
            (vec![Message { content: None, ..Message::assistant("") }], "a last message without content"),
        ] {
            let error = template.render(&chat, Prompt::Continue).expect_err(found).to_string();
            let expected = format!("found {found}, expected an answer of the assistant to continue");
            assert!(error.contains(&expected), "{error}");
        }
    }
}

#[test]
fn the_time_is_local_and_every_directive_is_written() {
    let text = render("{{ strftime_now('%-d|%I:%M %p|%x|%q') }}", &[]).expect("renders");
    let parts: Vec<&str> = text.split('|').collect();
    assert!(!parts[0].starts_with('0') && parts[0].parse::<u8>().is_ok(), "{text}");
    assert!(parts[1].ends_with(" AM") || parts[1].ends_with(" PM"), "{text}");
    assert_eq!((parts[2].len(), parts[3]), (8, "%q"), "{text}");
}

#[test]
fn widths_of_any_size_are_refused_and_not_allocated() {
    for source in [
        "{{ 'a'.ljust(99999999999999) }}",
        "{{ 'a' | center(99999999999999) }}",
        "{{ 'a\nb' | indent(99999999999999) }}",
        "{{ [1] | tojson(indent=99999999999999) }}",
    ] {
        let error = render(source, &[]).expect_err(source).to_string();
        assert!(error.contains("expected at most 1000000"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_template_brings_the_reader_down(pieces in vec(select(PIECES), 0..30)) {
        // Whether it parses or not: there is an answer.
        let _answer = JinjaTemplate::new(&pieces.concat(), None, None);
    }
}

/// What templates consist of, whole and in halves.
const PIECES: &[&str] = &[
    "{%",
    "%}",
    "{{",
    "}}",
    "{#",
    "#}",
    "-",
    "+",
    "%",
    "~",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "\\",
    " ",
    "\n",
    "a",
    "é",
    "1",
    "1e",
    ".",
    "|",
    ",",
    ":",
    "is",
    "not",
    "in",
    "for",
    "if",
    "endfor",
    "generation",
    "endgeneration",
    "raw",
    "endraw",
    "set",
    "**",
    "//",
];

#[test]
fn errors_of_templates_are_bad_input() {
    let error = JinjaTemplate::new("{% if %}", None, None).expect_err("malformed");
    assert!(error.is_bad_input());
    assert!(error.to_string().starts_with("chat template: `default` cannot be read: "), "{error}");
    let raise =
        JinjaTemplate::new("{{ raise_exception('roles must alternate') }}", None, None).expect("parses");
    let error = ChatTemplate::Jinja(Box::new(raise)).render(&[], Prompt::None).expect_err("raises");
    assert!(error.to_string().contains("roles must alternate"), "{error}");
}

fn render(source: &str, messages: &[Message]) -> Result<String, internlm_model::Error> {
    let template = JinjaTemplate::new(source, None, None).expect("parses");
    ChatTemplate::Jinja(Box::new(template)).render(messages, Prompt::None)
}

/// An assistant's message that calls `zeta` with 7007.
fn calling(content: Option<&str>) -> Message {
    let call = ToolCall::new(Channel::Plugin, r#"{"name": "zeta", "parameters": {"x": 7007}}"#);
    Message { content: content.map(str::to_owned), ..Message::assistant("") }.with_calls(vec![call])
}

#[test]
fn a_template_gets_the_form_of_messages_in_which_it_shows_the_call() {
    let as_sent = "{% if m.content is none %}null {% else %}[{{ m.content }}] {% endif %}CALLS";
    let null = "{% if m.content is none %}null CALLS{% else %}[{{ m.content }}] {% endif %}";
    let empty = "{{ '[' + m.content + '] ' }}CALLS";
    let calls = "{% for c in m.tool_calls %}{{ c.function.name }} ARGUMENTS{% endfor %}";
    for (arguments, shown) in [
        ("{{ c.function.arguments.x + 1 }}", "zeta 7008"),
        ("{{ '<' + c.function.arguments + '>' }}", "zeta <{\"x\": 7007}>"),
    ] {
        let calls = calls.replace("ARGUMENTS", arguments);
        for (body, content, expected) in [
            (as_sent, Some(""), "[] "),
            (as_sent, Some("t"), "[t] "),
            (as_sent, None, "[] "),
            (null, Some(""), "null "),
            (empty, None, "[] "),
        ] {
            let source = format!("{{% for m in messages %}}{}{{% endfor %}}", body.replace("CALLS", &calls));
            let text = render(&source, &[calling(content)]).expect(&source);
            assert_eq!(text, format!("{expected}{shown}"), "{source} {content:?}");
        }
    }
}

#[test]
fn a_call_counts_as_shown_where_its_text_is_dropped() {
    let source = "{% for m in messages %}{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}\
        {% else %}{{ m.content }}{% endif %}{% endfor %}";
    assert_eq!(render(source, &[calling(Some("zeta of zeta"))]).expect("renders"), "zeta");
}

#[test]
fn calls_that_a_template_never_shows_are_left_out() {
    let plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
    let added = "{% for m in messages %}{{ '<' + m.content + '>' }}{% endfor %}";
    let first = "{% for m in messages %}{{ m.content }}{{ m.tool_calls[0].function.name }}{% endfor %}";
    let one = calling(Some("zeta"));
    let two = Message { calls: [one.calls.clone(), one.calls.clone()].concat(), ..one.clone() };
    for (source, message, expected) in [
        (plain, one.clone(), "zeta"),
        // A template that cannot take null gets empty text.
        (added, calling(None), "<>"),
        (first, two, "zetazeta"),
        (first, one, "zetazeta"),
    ] {
        assert_eq!(render(source, &[message]).expect(source), expected, "{source}");
    }
    // A template that fails in every form says why.
    let raise = "{{ raise_exception('only users') }}";
    let error = render(raise, &[calling(None)]).expect_err("raises");
    assert!(error.to_string().contains("only users"), "{error}");
}

#[test]
fn tools_that_a_template_never_shows_are_refused_by_name() {
    let plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
    let error = render(plain, &[tools_message(&[FunctionDefinition::new("add")])]).expect_err("no place");
    assert_eq!(
        error.to_string(),
        "chat template: found tools, expected none: this model's chat template has no place for tools"
    );
    assert!(error.is_bad_input());
}

/// Templates that read variables which only their own servers give.
const NEEDS_MORE: [&str; 1] = ["firefunction"];

#[test]
fn published_templates_render() {
    let Some(dir) = shared_data("tokenizers/chat_templates") else { return };
    // The name and the numbers are nowhere else: only the call and the results show them.
    let call =
        ToolCall::new(Channel::Plugin, r#"{"name": "zeta", "parameters": {"a": 7101}}"#).with_id("abcdef123");
    let plain = [Message::user("Hello there"), Message::assistant("Good day"), Message::user("And now?")];
    let tool = FunctionDefinition::new("add").with_description("adds").with_parameters(serde_json::json!(
        {"type": "object", "properties": {"a": {"type": "integer", "description": "x"}}, "required": ["a"]}
    ));
    let tools = [
        tools_message(&[tool]),
        Message::user("Hello there"),
        Message::assistant("").with_calls(vec![call]),
        Message::environment(Channel::Plugin, "7202").with_call_id("abcdef123"),
        Message::assistant("It is 7303."),
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
            let words = ["zeta", "7101", "7202", "7303", "And now?"];
            if source.contains("tools") {
                expect(&tools, &[&words[..], &["adds"]].concat());
            } else {
                expect(&tools[1..], &words);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Python has only its memory for a limit; minijinja panics.
#[test]
fn widths_beyond_every_prompt_are_refused() {
    let wide = "18446744073709551615";
    for source in [
        format!("{{{{ '%{wide}.2f' % 3.5 }}}}"),
        format!("{{{{ '%.{wide}f' % 3.5 }}}}"),
        format!("{{{{ '%-0{wide}s' | format('a') }}}}"),
        format!("{{{{ '{{:>{wide}}}'.format('a') }}}}"),
        format!("{{{{ 'a'.ljust({wide}) }}}}"),
    ] {
        let template = JinjaTemplate::new(&source, None, None).expect("parses");
        let error = ChatTemplate::Jinja(Box::new(template)).render(&[], Prompt::None);
        assert!(error.is_err(), "{source}");
    }
    let template = JinjaTemplate::new("{{ '%5.1f 12345678 %s' % (3.5, 'a') }}", None, None).expect("parses");
    let text = ChatTemplate::Jinja(Box::new(template)).render(&[], Prompt::None).expect("renders");
    assert_eq!(text, "  3.5 12345678 a");
}
