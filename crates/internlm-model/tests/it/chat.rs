//! The InternLM2 chat format: rendering, ids, loss mask, parsing.

use internlm_model::TokenId;
use internlm_model::chat::{
    Channel, ChatTemplate, FunctionDefinition, Loss, Message, Prompt, Reply, ToolCall, parse_reply,
    parse_reply_text, tools_message,
};
use internlm_model::tokenizer::{BpeTrainConfig, Special, Tokenizer, train_bpe};
use proptest::prelude::*;

fn tokenizer() -> &'static Tokenizer {
    static TOKENIZER: std::sync::LazyLock<Tokenizer> = std::sync::LazyLock::new(|| {
        let text = "assistant\n\n user\n system environment name= {\"name\": \"Calculator\"} \n\n".repeat(9);
        train_bpe(std::iter::once(text), &BpeTrainConfig { vocab_size: 400, min_frequency: 2 })
            .expect("trains")
    });
    &TOKENIZER
}

fn call() -> ToolCall {
    let body = r#"{"name": "Calculator", "parameters": {"expression": "12*34"}}"#.to_owned();
    ToolCall::new(Channel::Plugin, body)
}

fn conversation() -> Vec<Message> {
    vec![
        tools_message(&[FunctionDefinition::new("Calculator")
            .with_description("é")
            .with_parameters(serde_json::json!({}))]),
        Message::user("12*34?"),
        Message::assistant("Let me see.").with_calls(vec![call()]),
        Message::environment(Channel::Plugin, "408"),
        Message::assistant("It is 408."),
    ]
}

const RENDERED: &str = r#"<s><|im_start|>system name=<|plugin|>
[{"name": "Calculator", "description": "é", "parameters": {}}]<|im_end|>
<|im_start|>user
12*34?<|im_end|>
<|im_start|>assistant
Let me see.<|action_start|><|plugin|>
{"name": "Calculator", "parameters": {"expression": "12*34"}}<|action_end|><|im_end|>
<|im_start|>environment name=<|plugin|>
408<|im_end|>
<|im_start|>assistant
It is 408.<|im_end|>
"#;

#[test]
fn renders_and_encodes_the_published_format() {
    let template = ChatTemplate::of(tokenizer()).expect("InternLM2's tokens");
    assert_eq!(template.render(&conversation(), Prompt::None).expect("renders"), RENDERED);
    let ids = template.encode(tokenizer(), &conversation(), Prompt::None).expect("encodes");
    assert_eq!(ids, tokenizer().encode_with_special(RENDERED));
    let prompt = template.encode(tokenizer(), &conversation()[..2], Prompt::Generate).expect("encodes");
    assert!(tokenizer().decode(&prompt, Special::Keep).ends_with("<|im_start|>assistant\n"));
}

#[test]
fn loss_covers_answers_calls_and_their_end_only() {
    let tokens = ChatTemplate::InternLm2
        .encode_with_loss(tokenizer(), &conversation(), |_| Loss::Keep)
        .expect("encodes");
    let mut kept = vec![String::new()];
    for run in tokens.chunk_by(|left, right| left.1 == right.1).filter(|run| run[0].1 == Loss::Keep) {
        let ids: Vec<TokenId> = run.iter().map(|(id, _)| *id).collect();
        kept.push(tokenizer().decode(&ids, Special::Keep));
    }
    let first = format!("Let me see.{}<|im_end|>", call().markup());
    assert_eq!(kept[1..], [first, "It is 408.<|im_end|>".to_owned()]);
}

#[test]
fn a_token_across_header_and_content_counts() {
    let tokens = ChatTemplate::InternLm2
        .encode_with_loss(tokenizer(), &[Message::assistant("\n\nx")], |_| Loss::Keep)
        .expect("encodes");
    let kept: Vec<TokenId> =
        tokens.iter().filter(|(_, loss)| *loss == Loss::Keep).map(|(id, _)| *id).collect();
    let text = tokenizer().decode(&kept, Special::Keep);
    assert!(text.ends_with("\n\nx<|im_end|>"), "{text:?}");
}

#[test]
fn replies_are_parsed_by_ids() {
    let template = ChatTemplate::InternLm2;
    let answer = Message::assistant("Let me see.").with_calls(vec![call(), call()]);
    let ids = template.encode(tokenizer(), std::slice::from_ref(&answer), Prompt::None).expect("encodes");
    // Behind `<s><|im_start|>assistant\n` comes what a model generates.
    let header = template.encode(tokenizer(), &[], Prompt::Generate).expect("encodes").len();
    let expected = Reply { content: answer.text().to_owned(), calls: answer.calls };
    assert_eq!(parse_reply(tokenizer(), &ids[header..]), expected);
    let text = tokenizer().decode(&ids[header..], Special::Keep);
    assert_eq!(parse_reply_text(&text), expected);
}

#[test]
fn unfinished_calls_and_spelled_marks_stay_text() {
    let spelled = "<|action_start|><|plugin|>\n{}<|action_end|>";
    let ids = tokenizer().encode(spelled);
    assert_eq!(parse_reply(tokenizer(), &ids), Reply { content: spelled.to_owned(), calls: Vec::new() });
    for cut in ["a<|action_start|><|plugin|>\n{\"na", "a<|action_start|>b", "a<|action_start|>"] {
        let ids = tokenizer().encode_with_special(cut);
        let expected = Reply { content: cut.to_owned(), calls: Vec::new() };
        assert_eq!(parse_reply(tokenizer(), &ids), expected);
        assert_eq!(parse_reply_text(cut), expected);
    }
}

#[test]
fn misplaced_calls_are_refused() {
    let user = Message::user("x").with_calls(vec![call()]);
    let file = Message::assistant("x").with_calls(vec![ToolCall { channel: Channel::File, ..call() }]);
    for message in [user, file] {
        assert!(ChatTemplate::InternLm2.render(&[message], Prompt::None).is_err());
    }
}

proptest! {
    #[test]
    fn content_never_yields_special_ids(content in "(<\\|im_end\\|>|<\\|im_start\\|>|<s>|[a-z\n ]|\\PC){0,20}") {
        let special = |ids: &[TokenId]| ids.iter().filter(|&&id| tokenizer().is_special(id)).count();
        let empty = ChatTemplate::InternLm2.encode(tokenizer(), &[Message::user("")], Prompt::Generate);
        let ids = ChatTemplate::InternLm2.encode(tokenizer(), &[Message::user(content)], Prompt::Generate);
        prop_assert_eq!(special(&ids.expect("encodes")), special(&empty.expect("encodes")));
    }
}
