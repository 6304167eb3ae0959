//! Conversations, endings, tools and variables of chat requests.

use internlm_model::chat::{ChatTemplate, JinjaTemplate};
use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use serde_json::json;

use super::*;

#[test]
fn tool_choice_none_hides_the_tools() {
    let body = json!({
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "add"}}],
    });
    let render = |choice: &str| {
        let mut request: ChatRequest = serde_json::from_value(body.clone()).expect("a request");
        request.tool_choice = Some(choice.into());
        let messages = messages(&request).expect("fits the format");
        ChatTemplate::InternLm2.render(&messages, Prompt::None).expect("renders")
    };
    let user = "<|im_start|>user\nhi<|im_end|>\n";
    assert_eq!(render("none"), format!("<s>{user}"));
    let tools = "<|im_start|>system name=<|plugin|>\n[{\"name\": \"add\"}]<|im_end|>\n";
    assert_eq!(render("auto"), format!("<s>{tools}{user}"));
}

#[test]
fn the_end_of_the_prompt_is_what_the_fields_and_the_last_message_say() {
    let ending = |last: serde_json::Value, fields: serde_json::Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "hi"}, last]});
        for (name, value) in fields.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let request: ChatRequest = serde_json::from_value(body).expect("a request");
        super::ending(&request).map_err(|error| error.to_string())
    };
    let user = json!({"role": "user", "content": "there"});
    let begun = json!({"role": "assistant", "content": "The capital"});
    let parts = json!({"role": "assistant", "content": [{"type": "text", "text": "The"}]});
    let empty = json!({"role": "assistant", "content": ""});
    let calls = json!([{"function": {"name": "add"}}]);
    let call = json!({"role": "assistant", "content": "a", "tool_calls": calls});
    let fields = |begins: Option<bool>, continues: Option<bool>| json!({"add_generation_prompt": begins, "continue_final_message": continues});
    let (yes, no) = (Some(true), Some(false));
    for (last, fields, expected) in [
        (&user, fields(None, None), Prompt::Generate),
        (&user, fields(yes, no), Prompt::Generate),
        (&user, fields(no, None), Prompt::None),
        (&begun, fields(None, None), Prompt::Continue),
        (&parts, fields(None, None), Prompt::Continue),
        (&begun, fields(no, None), Prompt::Continue),
        (&begun, fields(None, yes), Prompt::Continue),
        (&begun, fields(no, yes), Prompt::Continue),
        (&begun, fields(yes, None), Prompt::Generate),
        (&begun, fields(None, no), Prompt::Generate),
        (&begun, fields(no, no), Prompt::None),
        (&empty, fields(None, None), Prompt::Generate),
        (&call, fields(None, None), Prompt::Generate),
    ] {
        assert_eq!(ending(last.clone(), fields.clone()), Ok(expected), "{last} {fields}");
    }
    for (last, fields, words) in [
        (begun, fields(yes, yes), "together with `add_generation_prompt: true`"),
        (user, fields(None, yes), "the role `assistant`"),
    ] {
        let error = ending(last, fields).expect_err("is refused");
        assert!(error.starts_with("continue_final_message: found true"), "{error}");
        assert!(error.contains(words), "{error}");
    }
}

/// A model with this template, or InternLM2's.
fn model(jinja: Option<&str>) -> ServedModel {
    let template = jinja.map_or(ChatTemplate::InternLm2, |source| {
        ChatTemplate::Jinja(Box::new(JinjaTemplate::new(source, None, None).expect("parses")))
    });
    let config = BpeTrainConfig::new(280).with_min_frequency(1);
    let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
    ServedModel::new("tiny", tokenizer, Some(template), &[])
}

fn chat(fields: &Value) -> ChatRequest {
    let mut body = json!({"messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    serde_json::from_value(body).expect("a request")
}

#[test]
fn variables_of_a_request_reach_the_template() {
    let source = "{{ enable_thinking is defined }} {{ enable_thinking }} {{ topics | default('-') }}";
    let model = model(Some(source));
    for (fields, expected) in [
        (json!({}), "False  -"),
        (json!({"chat_template_kwargs": {}, "enable_thinking": null}), "False  -"),
        (json!({"enable_thinking": false}), "True False -"),
        (json!({"chat_template_kwargs": {"enable_thinking": true}}), "True True -"),
        (json!({"chat_template_kwargs": {"enable_thinking": true}, "enable_thinking": false}), "True True -"),
        (json!({"chat_template_kwargs": {"topics": ["a"]}, "enable_thinking": false}), "True False ['a']"),
    ] {
        let ids = model.prompt_ids(&chat(&fields)).expect("renders");
        assert_eq!(model.tokenizer.decode(&ids, Special::Keep), expected, "{fields}");
    }
}

#[test]
fn variables_without_a_place_are_refused_by_name() {
    let other = "{{ messages[0].content }}{{ enable_thinking }}{{ add_generation_prompt }}";
    for (jinja, fields, place, name) in [
        (None, json!({"enable_thinking": false}), "enable_thinking", "`enable_thinking`"),
        (None, json!({"chat_template_kwargs": {"a": 1}}), "chat_template_kwargs", "`a`"),
        (Some(other), json!({"chat_template_kwargs": {"thinking": 1}}), "chat_template_kwargs", "`thinking`"),
        (Some(other), json!({"chat_template_kwargs": {"budget": 1}}), "chat_template_kwargs", "`budget`"),
        (Some(other), json!({"chat_template_kwargs": {"messages": 1}}), "chat_template_kwargs", "`messages`"),
    ] {
        let error = model(jinja).prompt_ids(&chat(&fields)).expect_err("no place");
        let Error::Refused { status: 400, param: Some(param), message } = &error else { panic!("{error:?}") };
        assert!(param == place && message.contains(name), "{param}: {message}");
    }
}

#[test]
fn tools_without_a_place_are_refused_as_tools() {
    let fields = json!({"tools": [{"type": "function", "function": {"name": "add"}}]});
    let error = model(Some("{{ messages[0].content }}")).prompt_ids(&chat(&fields)).expect_err("no place");
    assert!(error.to_string().starts_with("tools: "), "{error}");
}

#[test]
fn problems_of_fields_are_refusals_with_their_place() {
    let body = json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]});
    let request: ChatRequest = serde_json::from_value(body).expect("a request");
    let error = messages(&request).expect_err("an image");
    let Error::Refused { status: 400, param: Some(place), .. } = &error else { panic!("{error:?}") };
    assert_eq!(place, "messages.0.content.0.type");
    assert!(error.to_string().contains("found `image_url`, expected `text`"), "{error}");
}
