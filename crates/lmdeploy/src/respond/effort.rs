//! What a request says of the model's reasoning: [`with_effort`], `reasoning_effort` -> the variable by which a chat
//! template knows it, and [`reasoning_of`], where the answer has it.

use std::borrow::Cow;

use internlm_model::chat::ChatTemplate;
use serde_json::{Map, Value};

use super::ServedModel;
use super::bounds::expected;
use crate::Result;
use crate::parse::ReasoningFormat;
use crate::protocol::ChatRequest;

/// The variable of templates that take OpenAI's field as it is.
const EFFORT: &str = "reasoning_effort";
/// The effort of a model that does not think.
const NO_EFFORT: &str = "none";
/// The other efforts that OpenAI's, vLLM's and Anthropic's clients ask for.
const EFFORTS: [&str; 6] = ["minimal", "low", "medium", "high", "xhigh", "max"];
/// Variables by which chat templates turn thinking on and off; the first one that a template uses counts.
pub(super) const SWITCHES: [&str; 2] = ["enable_thinking", "thinking"];

/// The request with its effort among the template's variables, of which those that the client sets itself win. A
/// template that does not use the field may have a switch, which `none` turns off and every other effort on.
///
/// An effort is the most that a model should think: one that never thinks keeps within all of them. Where an effort
/// would change nothing else, it is refused.
pub(super) fn with_effort<'r>(model: &ServedModel, request: &'r ChatRequest) -> Result<Cow<'r, ChatRequest>> {
    let Some(effort) = &request.reasoning_effort else { return Ok(Cow::Borrowed(request)) };
    let asked =
        |name: &str| request.chat_template_kwargs.as_ref().is_some_and(|asked| asked.contains_key(name));
    // Without a template the prompt is refused anyway.
    let Ok(template) = &model.template else { return Ok(Cow::Borrowed(request)) };
    if asked(EFFORT) {
        return Ok(Cow::Borrowed(request));
    }
    let (is_used, switch, thinks) = (uses(template, EFFORT), switch(template), effort != NO_EFFORT);
    if !is_used {
        check(model, effort, switch)?;
    }
    let mut variables = Vec::new();
    let is_switched = request.enable_thinking.is_some() || SWITCHES.into_iter().any(asked);
    if let Some(switch) = switch.filter(|_| !is_switched) {
        variables.push((switch.to_owned(), Value::Bool(thinks)));
    }
    if is_used && (thinks || switch.is_none()) {
        variables.push((EFFORT.to_owned(), Value::String(effort.clone())));
    }
    if variables.is_empty() {
        return Ok(Cow::Borrowed(request));
    }
    let mut request = request.clone();
    request.chat_template_kwargs.get_or_insert_default().extend(variables);
    Ok(Cow::Owned(request))
}

/// Refuses an effort that a template without the variable cannot be told.
fn check(model: &ServedModel, effort: &str, switch: Option<&str>) -> Result<()> {
    let found = Some(format!("{effort:?}"));
    if switch.is_none() && model.reasoning != ReasoningFormat::None {
        let range = "the field to be absent: the chat template of this model does not use it";
        return Err(expected(EFFORT, found, range));
    }
    if effort != NO_EFFORT && !EFFORTS.contains(&effort) {
        return Err(expected(EFFORT, found, &format!("{NO_EFFORT}, {}", EFFORTS.join(", "))));
    }
    Ok(())
}

/// How reasoning is looked for in the answer. With llama.cpp's `reasoning_format: "none"` it stays in the content, unless
/// it is left out of the answer.
pub(super) fn reasoning_of(model: &ServedModel, request: &ChatRequest) -> ReasoningFormat {
    let stays =
        request.reasoning_format.as_deref() == Some("none") && request.include_reasoning != Some(false);
    if stays && model.reasoning != ReasoningFormat::None {
        ReasoningFormat::InContent
    } else {
        model.reasoning
    }
}

/// Refuses formats of reasoning that do not exist here.
pub(super) fn check_reasoning_format(request: &ChatRequest) -> Result<()> {
    match request.reasoning_format.as_deref() {
        None | Some("auto" | "deepseek" | "none") => Ok(()),
        Some(other) => {
            Err(expected("reasoning_format", Some(format!("{other:?}")), "`auto`, `deepseek` or `none`"))
        }
    }
}

/// The variable that turns thinking on and off, where the template has one.
pub(super) fn switch(template: &ChatTemplate) -> Option<&'static str> {
    SWITCHES.into_iter().find(|name| uses(template, name))
}

/// Whether the template uses a variable.
pub(super) fn uses(template: &ChatTemplate, name: &str) -> bool {
    template.with_variables(&Map::from_iter([(name.to_owned(), Value::Null)])).is_ok()
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::JinjaTemplate;
    use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
    use serde_json::json;

    use super::*;

    fn model(template: &str, reasoning: ReasoningFormat) -> ServedModel {
        let config = BpeTrainConfig::new(280).with_min_frequency(1);
        let tokenizer = train_bpe(["the user".to_owned()].into_iter(), &config).expect("room for all bytes");
        let template = JinjaTemplate::new(template, None, None).expect("a template");
        let template = Some(ChatTemplate::Jinja(Box::new(template)));
        let mut model = ServedModel::new("tiny", tokenizer, template, &[]);
        model.reasoning = reasoning;
        model
    }

    fn request(effort: &str) -> ChatRequest {
        ChatRequest { reasoning_effort: Some(effort.to_owned()), ..ChatRequest::new([]) }
    }

    fn variables(model: &ServedModel, request: &ChatRequest) -> std::result::Result<Value, String> {
        let request = with_effort(model, request).map_err(|error| error.to_string())?;
        Ok(json!(request.chat_template_kwargs))
    }

    #[test]
    fn a_template_that_uses_it_gets_it() {
        let model = model("{{ reasoning_effort }}{{ messages }}", ReasoningFormat::Think);
        assert_eq!(variables(&model, &request("high")), Ok(json!({"reasoning_effort": "high"})));
        assert_eq!(variables(&model, &request("none")), Ok(json!({"reasoning_effort": "none"})));
        let mut both = request("high");
        both.chat_template_kwargs = Some(Map::from_iter([(EFFORT.to_owned(), json!("low"))]));
        assert_eq!(variables(&model, &both), Ok(json!({"reasoning_effort": "low"})), "the client's own wins");
        assert_eq!(variables(&model, &ChatRequest::new([])), Ok(Value::Null));
    }

    #[test]
    fn a_switch_is_turned_on_and_off() {
        for name in SWITCHES {
            let source = format!("{{% if {name} %}}{{% endif %}}{{{{ messages }}}}");
            // What is looked for in the answer does not matter.
            for reasoning in [ReasoningFormat::Think, ReasoningFormat::None] {
                let switched = model(&source, reasoning);
                assert_eq!(variables(&switched, &request("none")), Ok(json!({name: false})));
                for effort in EFFORTS {
                    assert_eq!(variables(&switched, &request(effort)), Ok(json!({name: true})));
                }
                let error = variables(&switched, &request("extra_high")).expect_err("no such effort");
                assert!(
                    error.starts_with("reasoning_effort: found \"extra_high\", expected none, "),
                    "{error}"
                );
            }
        }
        let switched = model("{{ enable_thinking }}{{ messages }}", ReasoningFormat::Think);
        let mut on = request("none");
        on.chat_template_kwargs = Some(Map::from_iter([("enable_thinking".to_owned(), json!(true))]));
        assert_eq!(variables(&switched, &on), Ok(json!({"enable_thinking": true})), "the client's own wins");
        let older = ChatRequest { enable_thinking: Some(false), ..request("high") };
        assert_eq!(variables(&switched, &older), Ok(Value::Null), "in its older form as well");
    }

    #[test]
    fn a_template_may_have_both() {
        let both = model("{{ thinking }}{{ reasoning_effort }}{{ messages }}", ReasoningFormat::Think);
        assert_eq!(variables(&both, &request("none")), Ok(json!({"thinking": false})));
        assert_eq!(
            variables(&both, &request("deep")),
            Ok(json!({"thinking": true, "reasoning_effort": "deep"}))
        );
    }

    #[test]
    fn without_a_variable_only_a_model_that_never_thinks_takes_it() {
        let always = model("{{ messages }}", ReasoningFormat::Think);
        for effort in ["none", "low"] {
            let error = variables(&always, &request(effort)).expect_err("it always thinks");
            let expected = format!("reasoning_effort: found \"{effort}\", expected the field to be absent");
            assert!(error.starts_with(&expected), "{error}");
        }
        let never = model("{{ messages }}", ReasoningFormat::None);
        assert_eq!(variables(&never, &request("none")), Ok(Value::Null));
        assert_eq!(variables(&never, &request("medium")), Ok(Value::Null), "it thinks less than that");
        assert!(variables(&never, &request("mediun")).is_err());
    }
}
