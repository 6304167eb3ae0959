//! Conversations, endings, tools and variables of chat requests.

use internlm_model::chat::JinjaTemplate;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use serde_json::json;

use super::*;

/// The prompt of a request, as text.
fn prompt(model: &ServedModel, request: &ChatRequest) -> String {
    let ids = model.prompt_ids(request).expect("fits the template");
    model.tokenizer.decode(&ids, Special::Keep)
}

#[test]
fn tool_choice_none_hides_the_tools() {
    let prompt = |choice: &str| {
        let tools = json!([{"type": "function", "function": {"name": "add"}}]);
        prompt(&model(None), &chat(&json!({"tools": tools, "tool_choice": choice})))
    };
    let user = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(prompt("none"), format!("<s>{user}"));
    let tools = "<|im_start|>system name=<|plugin|>\n[{\"name\": \"add\"}]<|im_end|>\n";
    assert_eq!(prompt("auto"), format!("<s>{tools}{user}"));
    assert_eq!(prompt("required"), format!("<s>{tools}{user}"));
}

#[test]
fn a_choice_must_be_one_of_the_tools() {
    let tools = json!([{"type": "function", "function": {"name": "add"}}]);
    let named = |name: &str| json!({"type": "function", "function": {"name": name}});
    let fields = json!({"tools": tools, "tool_choice": named("add")});
    assert!(model(None).prompt_ids(&chat(&fields)).is_ok());
    for (fields, expected) in [
        (json!({"tools": tools, "tool_choice": named("sub")}), "the name of a function of `add`"),
        (json!({"tools": tools, "tool_choice": "any"}), "the name of a function of `add`"),
        (
            json!({"tools": tools, "tool_choice": {"type": "allowed_tools"}}),
            "the name of a function of `add`",
        ),
        (json!({"tool_choice": "required"}), "the name of a function in a request with tools"),
        (json!({"tool_choice": named("add")}), "the name of a function in a request with tools"),
    ] {
        let error = model(None).prompt_ids(&chat(&fields)).expect_err("is refused").to_string();
        assert!(error.starts_with("tool_choice: found ") && error.ends_with(expected), "{error}");
    }
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
        (Some(ALWAYS), json!({"enable_thinking": false}), "enable_thinking", "`enable_thinking`"),
        (
            Some(ALWAYS),
            json!({"chat_template_kwargs": {"thinking": false}}),
            "chat_template_kwargs",
            "`thinking`",
        ),
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
fn thinking_is_switched_whatever_the_switch_is_called() {
    let older = |wanted: bool| json!({"enable_thinking": wanted});
    let newer = |wanted: bool| json!({"chat_template_kwargs": {"thinking": wanted}});
    for wanted in [true, false] {
        let shown = if wanted { "True" } else { "False" };
        for name in SWITCHES {
            let model = model(Some(&format!("{{{{ {name} }}}}")));
            for fields in [older(wanted), newer(wanted)] {
                assert_eq!(prompt(&model, &chat(&fields)), shown, "{name} {fields}");
            }
        }
        for fields in [older(wanted), newer(wanted)] {
            let plain = prompt(&model(None), &chat(&json!({})));
            assert_eq!(prompt(&model(None), &chat(&fields)), plain, "a model that never thinks");
        }
    }
    let model = model(Some(ALWAYS));
    assert_eq!(prompt(&model, &chat(&older(true))), prompt(&model, &chat(&json!({}))), "it always thinks");
}

/// A template of a model that always thinks.
const ALWAYS: &str = "{{ messages[0].content }}{# </think> #}";
/// A template without tools that shows roles, and the same that knows no system message.
const PLAIN: &str = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
const NO_SYSTEM: &str = "{% for m in messages %}\
    {% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}\
    [{{ m.role }}]{{ m.content }}{% endfor %}";

#[test]
fn tools_without_a_place_are_offered_in_a_text() {
    let fields = json!({"tools": [{"type": "function", "function": {"name": "add"}}]});
    let text = prompt(&model(Some(PLAIN)), &chat(&fields));
    assert!(text.starts_with("[system]You can call functions."), "{text}");
    assert!(text.contains("\n[{\"name\": \"add\"}]\n") && text.ends_with("[user]hi"), "{text}");
    let text = prompt(&model(Some(NO_SYSTEM)), &chat(&fields));
    assert!(text.starts_with("[user]You can call functions.") && text.ends_with("\n\nhi"), "{text}");
    assert_eq!(prompt(&model(Some(PLAIN)), &chat(&json!({}))), "[user]hi");
}

#[test]
fn calls_without_a_place_are_ordinary_messages() {
    let call = json!({"id": "c", "function": {"name": "add", "arguments": "{\"a\": 1}"}});
    let body = json!({
        "tools": [{"function": {"name": "add"}}],
        "messages": [
            {"role": "user", "content": "1+0?"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
        ],
    });
    let request: ChatRequest = serde_json::from_value(body).expect("a request");
    let text = prompt(&model(Some(PLAIN)), &request);
    let written = "[assistant]{\"name\":\"add\",\"arguments\":{\"a\":1}}[user]add returned: 1";
    assert!(text.ends_with(&format!("[user]1+0?{written}")), "{text}");
}

#[test]
fn tools_without_a_place_need_the_parser_that_the_text_names() {
    let fields = json!({"tools": [{"type": "function", "function": {"name": "add"}}]});
    let model = model(Some(PLAIN)).with_tool_parser("qwen").expect("a parser");
    let error = model.prompt_ids(&chat(&fields)).expect_err("no place").to_string();
    assert!(error.starts_with("tools: ") && error.contains("`qwen`, expected `json`"), "{error}");
    assert!(error.ends_with("start the server with --tool-call-parser json"), "{error}");
    let none = self::model(None).with_tool_parser("none").expect("a parser");
    let error = none.prompt_ids(&chat(&fields)).expect_err("calls would not be found").to_string();
    assert!(
        error.starts_with("tools: this server looks for no tool calls: found the parser `none`"),
        "{error}"
    );
    let hidden = json!({"tools": [{"type": "function", "function": {"name": "add"}}], "tool_choice": "none"});
    assert!(none.prompt_ids(&chat(&hidden)).is_ok(), "no calls are wanted");
    let error = model.with_tool_parser("qwen4").expect_err("no parser").to_string();
    assert!(error.starts_with("tool-call-parser: found qwen4, expected auto, internlm"), "{error}");
}

#[test]
fn the_prompt_says_whether_the_answer_begins_in_reasoning() {
    let body = |last: Value| {
        let body = json!({"messages": [{"role": "user", "content": "hi <think>"}, last]});
        serde_json::from_value::<ChatRequest>(body).expect("a request")
    };
    let user = body(json!({"role": "user", "content": "there <think>"}));
    let begun = body(json!({"role": "assistant", "content": "<think>I am"}));
    let answered = body(json!({"role": "assistant", "content": "<think>I am</think>Yes"}));
    let plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
    for (source, request, expected) in [
        (format!("{plain}<think>\n"), &user, true),
        (format!("{plain}<think>\n\n</think>\n\n"), &user, false),
        (format!("{plain}A:{{# <think> #}}"), &user, false),
        (format!("{plain}A:{{# </think> #}}"), &user, true),
        (format!("{plain}{{# <think> #}}"), &begun, true),
        (format!("{plain}{{# <think> #}}"), &answered, false),
        (format!("{plain}A:"), &begun, false),
    ] {
        let model = model(Some(&source));
        let ids = model.prompt_ids(request).expect("fits the template");
        assert_eq!(model.starts_in_reasoning(request, &ids), expected, "{source}");
    }
    let never = model(Some("{{ messages }}<think>")).with_reasoning_parser("none").expect("a parser");
    assert!(!never.starts_in_reasoning(&user, &never.prompt_ids(&user).expect("fits the template")));
}

#[test]
fn parameters_of_tools_are_schemas_and_descriptions_are_text() {
    for (parameters, expected) in [
        (json!([1]), "tools.1.function.parameters: found a list, expected an object"),
        (json!("object"), "tools.1.function.parameters: found a string, expected an object"),
        (json!(true), "tools.1.function.parameters: found true, expected an object"),
    ] {
        let tool = |parameters: &Value| json!({"type": "function", "function": {"name": "f", "parameters": parameters}});
        let fields = json!({"tools": [tool(&Value::Null), tool(&parameters)]});
        let error = model(None).prompt_ids(&chat(&fields)).expect_err("is refused").to_string();
        assert_eq!(error, expected);
    }
    for (function, expected) in [
        (
            json!({"name": "f", "description": {}}),
            "tools.0.function.description: found an object, expected a string",
        ),
        (json!({"name": ""}), "tools.0.function.name: found an empty string, expected a name"),
    ] {
        let fields = json!({"tools": [{"type": "function", "function": function}]});
        let error = model(None).prompt_ids(&chat(&fields)).expect_err("is refused").to_string();
        assert_eq!(error, expected);
    }
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
