//! Chat templates by name and by LMDeploy's files: what they make of conversations, compared with what LMDeploy and
//! llama.cpp make of them.

use internlm_model::chat::{ChatTemplate, Message, Prompt, offer_tools};
use internlm_model::tokenizer::Special;
use lmdeploy::parse::{ReasoningFormat, ToolFormat};
use lmdeploy::protocol::{ChatMessage, ChatRequest};
use lmdeploy::respond::ServedModel;
use lmdeploy::testing::tokenizer;
use serde_json::{Value, json};

/// Made by `tests/golden/chat_templates.py`.
const GOLDEN: &str = include_str!("../golden/chat_templates.json");
/// The first token of the vocabulary, which it adds to prompts; the peers' texts are without it.
const BOS: &str = "<s>";

fn golden() -> Value {
    serde_json::from_str(GOLDEN).expect("is JSON")
}

fn model() -> ServedModel {
    ServedModel::new("tiny", tokenizer(), Some(ChatTemplate::InternLm2), &[])
}

fn with_template(choice: &str) -> ServedModel {
    model().with_chat_template(choice).unwrap_or_else(|error| panic!("{choice}: {error}"))
}

fn messages(conversation: &Value) -> Vec<Message> {
    let message = |turn: &Value| {
        let text = turn[1].as_str().expect("a text");
        match turn[0].as_str().expect("a role") {
            "system" => Message::system(text),
            "user" => Message::user(text),
            _ => Message::assistant(text),
        }
    };
    conversation.as_array().expect("a list").iter().map(message).collect()
}

/// Checks text and ids of a conversation, which begin with [`BOS`] once.
fn check(model: &ServedModel, messages: &[Message], expected: &str, place: &str) {
    let template = model.template.as_ref().expect("a template");
    let expected = if expected.starts_with(BOS) { expected.to_owned() } else { format!("{BOS}{expected}") };
    assert_eq!(template.render(messages, Prompt::Generate).expect(place), expected, "{place}");
    let ids = template.encode(&model.tokenizer, messages, Prompt::Generate).expect(place);
    assert_eq!(model.tokenizer.decode(&ids, Special::Keep), expected, "{place}");
    assert_eq!(Some(ids[0]), model.tokenizer.bos(), "{place}");
}

/// Checks the conversations for which `texts` has what a peer makes of them.
fn check_all(model: &ServedModel, texts: &Value, place: &str) {
    let conversations = &golden()["conversations"];
    for kind in ["system", "plain"] {
        let conversation = messages(&conversations[kind]);
        match texts[kind].as_str() {
            Some(expected) => check(model, &conversation, expected, &format!("{place}, {kind}")),
            None => {
                let template = model.template.as_ref().expect("a template");
                let error = template.render(&conversation, Prompt::Generate).expect_err(place).to_string();
                assert!(error.contains("no place for a message of the role system"), "{place}: {error}");
            }
        }
    }
}

#[test]
fn every_name_of_lmdeploy_gives_its_text() {
    let golden = golden();
    for (name, texts) in golden["lmdeploy"].as_object().expect("a map") {
        check_all(&with_template(name), texts, name);
    }
}

#[test]
fn every_name_of_llama_cpp_gives_its_text() {
    let golden = golden();
    let names = golden["llama.cpp"].as_object().expect("a map");
    for (name, texts) in names {
        // LMDeploy's count.
        if golden["lmdeploy"].get(name).is_some() {
            continue;
        }
        let mut texts = texts.clone();
        if name == "yandex" {
            // llama.cpp drops the system message.
            let text = texts["system"].as_str().expect("a text");
            let told = text.replacen(": Hello", ": You are a helpful assistant\nHello", 1);
            texts["system"] = json!(told);
        }
        check_all(&with_template(name), &texts, name);
    }
    assert_eq!(names.len(), 54);
}

#[test]
fn every_file_of_lmdeploy_gives_its_text() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("template.json");
    for case in golden()["lmdeploy files"].as_array().expect("a list") {
        std::fs::write(&path, case["file"].to_string()).expect("writes");
        check_all(&with_template(&path.to_string_lossy()), case, &case["file"].to_string());
    }
}

#[test]
fn wrong_files_are_refused_with_the_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("template.json");
    for (file, expected) in [
        (json!({"model_name": "hf"}), "model_name: found hf"),
        (json!({"model_name": 3}), "model_name: found 3, expected a string"),
        (
            json!({"model_name": "chatglm", "system": "S"}),
            "system: found \"S\", expected only the keys user, eoh",
        ),
        (json!({"prefix": "S"}), "prefix: found \"S\", expected only the keys system, "),
        (json!({"eoh": 1}), "eoh: found 1, expected a string"),
        (json!({"capability": "completion"}), "capability: found \"completion\", expected \"chat\""),
        (json!({"stop_words": "</s>"}), "stop_words: found \"</s>\", expected a list of strings"),
        (json!({"model_name": "vicuna", "assistant": ""}), "assistant: found an empty string"),
    ] {
        std::fs::write(&path, file.to_string()).expect("writes");
        let error = model().with_chat_template(&path).expect_err("a wrong file").to_string();
        assert!(error.contains("template.json: ") && error.contains(expected), "{file}: {error}");
    }
    std::fs::write(&path, "{\"user\": ").expect("writes");
    let error = model().with_chat_template(&path).expect_err("not JSON").to_string();
    assert!(error.contains("template.json: ") && error.contains("line 1"), "{error}");
    std::fs::write(&path, r#"{"stop_words": ["<|im_start|>"]}"#).expect("writes");
    let stopped = model().with_chat_template(&path).expect("one token");
    let start = tokenizer().special("<|im_start|>").expect("InternLM2's");
    assert!(stopped.stop_ids.contains(&start) && !model().stop_ids.contains(&start));
    std::fs::write(&path, r#"{"stop_words": ["no single token"]}"#).expect("writes");
    let error = model().with_chat_template(&path).expect_err("several tokens").to_string();
    assert!(error.contains("stop_words") && error.contains("`no single token`"), "{error}");
}

#[test]
fn a_value_is_a_file_a_name_or_a_template() {
    let user = [Message::user("hi")];
    check(&with_template("{{ bos_token }}{{ messages[0].content }}!"), &user, "hi!", "a template itself");
    let own = with_template("hf");
    assert!(matches!(own.template, Ok(ChatTemplate::InternLm2)), "the model's own");
    for (choice, expected) in [
        ("nope", ["chat-template: found nope", "the nearest ones are "]),
        ("llama9", ["found llama9, expected a file", "llama2, llama3, llama4"]),
        ("", ["found , expected a file", "the nearest"]),
        ("absent.jinja", ["absent.jinja", "cannot read"]),
        ("./absent", ["absent", "cannot read"]),
        ("{% if %}", ["chat-template: ", "cannot be read"]),
    ] {
        let error = model().with_chat_template(choice).expect_err("not a template").to_string();
        assert!(expected.iter().all(|part| error.contains(part)), "{choice}: {error}");
    }
}

#[test]
fn answers_are_continued_and_text_stays_text() {
    for (name, expected) in [
        ("chatml", "<|im_start|>user\n<s>hi<|im_end|>\n<|im_start|>assistant\nThe sum"),
        ("vicuna", "USER: <s>hi ASSISTANT: The sum"),
        ("mistral-v3", "[INST] <s>hi[/INST] The sum"),
        ("chatglm", "[Round 1]\n\n问：<s>hi\n\n答：The sum"),
    ] {
        let model = with_template(name);
        let template = model.template.as_ref().expect("a template");
        let messages = [Message::user("<s>hi"), Message::assistant("The sum")];
        let ids = template.encode(&model.tokenizer, &messages, Prompt::Continue).expect(name);
        let text = model.tokenizer.decode(&ids, Special::Keep);
        assert!(text.starts_with(BOS) && text.ends_with(expected), "{name}: {text}");
        let first = ids.iter().filter(|&&id| Some(id) == model.tokenizer.bos()).count();
        assert_eq!(first, 1, "{name}: what the user wrote stays text");
    }
}

#[test]
fn named_templates_offer_tools_in_a_text() {
    let tool = json!({"type": "function", "function": {"name": "add", "description": "Adds."}});
    let mut request = ChatRequest::new([ChatMessage::user("1+1?")]);
    request.tools = Some(serde_json::from_value(json!([tool])).expect("tools"));
    for (name, place) in
        [("chatml", "<|im_start|>system\n"), ("gemma", "<start_of_turn>user\n"), ("chatglm", "问：")]
    {
        let model = with_template(name);
        assert_eq!((model.tools, model.reasoning), (ToolFormat::Json, ReasoningFormat::None), "{name}");
        let ids = model.prompt_ids(&request).expect(name);
        let text = model.tokenizer.decode(&ids, Special::Keep);
        assert!(text.contains(&format!("{place}You can call functions.")), "{name}: {text}");
        let mut messages = vec![Message::user("1+1?")];
        let tools =
            internlm_model::chat::openai::read_tools(&request.tools.clone().expect("tools")).expect("reads");
        offer_tools(&mut messages, &tools);
        let template = model.template.as_ref().expect("a template");
        assert!(template.render(&messages, Prompt::Generate).is_err(), "{name}: they are not left out");
    }
}

#[test]
fn what_a_template_has_no_place_for_is_refused_by_name() {
    let result: ChatMessage =
        serde_json::from_value(json!({"role": "tool", "tool_call_id": "a", "content": "2"}))
            .expect("a message");
    let call = json!([{"id": "a", "type": "function", "function": {"name": "add", "arguments": "{}"}}]);
    let call: ChatMessage =
        serde_json::from_value(json!({"role": "assistant", "tool_calls": call})).expect("a message");
    let request = ChatRequest::new([ChatMessage::user("1+1?"), call, result]);
    let error = with_template("vicuna").prompt_ids(&request).expect_err("no place for results").to_string();
    assert!(error.contains("messages: ") && error.contains("the role tool"), "{error}");
    assert!(with_template("exaone4").prompt_ids(&request).is_ok(), "it has a place for results");
    let late = ChatRequest::new([ChatMessage::user("hi"), ChatMessage::system("Be brief.")]);
    let error = with_template("gemma").prompt_ids(&late).expect_err("nothing carries it").to_string();
    assert!(error.contains("messages: ") && error.contains("system"), "{error}");
}

#[test]
fn an_answer_may_begin_inside_of_reasoning() {
    let model = with_template("bailing-think");
    assert_eq!(model.reasoning, ReasoningFormat::Think);
    let request = ChatRequest::new([ChatMessage::user("hi")]);
    let ids = model.prompt_ids(&request).expect("a prompt");
    assert!(model.starts_in_reasoning(&request, &ids));
}

#[test]
#[cfg(feature = "cli")]
fn the_setting_of_a_pipeline_takes_names() {
    let folder = tempfile::tempdir().expect("temporary folder");
    crate::fixture::tiny_model(folder.path());
    let mut config = lmdeploy::config::DeployConfig::new(folder.path());
    config.model.chat_template = Some("mistral-v3".into());
    let pipeline = lmdeploy::Pipeline::load(&config).expect("loads");
    let request = ChatRequest::new([ChatMessage::system("Be brief."), ChatMessage::user("hi")]);
    let applied = pipeline.responder().apply_template(&request).expect("a prompt");
    assert_eq!(applied.prompt, "<s>[INST] Be brief.\n\nhi[/INST]");
    config.model.path = "absent".into();
    config.model.chat_template = Some("mistral-v9".into());
    let error = lmdeploy::Pipeline::load(&config).expect_err("no such name").to_string();
    assert!(error.contains("found mistral-v9"), "names are checked before the model is read: {error}");
}
