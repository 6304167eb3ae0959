//! [`with_effort`]: `reasoning_effort` -> the variable by which a chat template knows it.

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

/// The request with its effort among the template's variables, of which one that the client sets itself wins. A template
/// that does not use the field may have a switch, which `none` turns off. An effort that would change nothing is
/// refused; on a model that never thinks that is any but `none`.
pub(super) fn with_effort<'r>(model: &ServedModel, request: &'r ChatRequest) -> Result<Cow<'r, ChatRequest>> {
    let Some(effort) = &request.reasoning_effort else { return Ok(Cow::Borrowed(request)) };
    let asked =
        |name: &str| request.chat_template_kwargs.as_ref().is_some_and(|asked| asked.contains_key(name));
    // Without a template the prompt is refused anyway.
    let Ok(template) = &model.template else { return Ok(Cow::Borrowed(request)) };
    if asked(EFFORT) {
        return Ok(Cow::Borrowed(request));
    }
    let switch = switch(model).filter(|name| effort == NO_EFFORT && uses(template, name));
    let (name, value) = match switch {
        Some(switch) => (switch, Value::Bool(false)),
        None if uses(template, EFFORT) => (EFFORT, Value::String(effort.clone())),
        None if effort == NO_EFFORT && matches!(model.reasoning, ReasoningFormat::None) => {
            return Ok(Cow::Borrowed(request));
        }
        None => {
            let range = "the field to be absent: the chat template of this model does not use it";
            return Err(expected(EFFORT, Some(format!("{effort:?}")), range));
        }
    };
    let mut request = request.clone();
    request.chat_template_kwargs.get_or_insert_default().entry(name).or_insert(value);
    Ok(Cow::Owned(request))
}

/// The variable that turns thinking on and off, where the model's kind of template has one.
fn switch(model: &ServedModel) -> Option<&'static str> {
    match model.reasoning {
        ReasoningFormat::None => None,
        ReasoningFormat::DeepseekV3 => Some("thinking"),
        ReasoningFormat::Think => Some("enable_thinking"),
    }
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
    fn a_switch_is_turned_off_and_nothing_is_ignored() {
        let switched = model("{% if enable_thinking %}{% endif %}{{ messages }}", ReasoningFormat::Think);
        assert_eq!(variables(&switched, &request("none")), Ok(json!({"enable_thinking": false})));
        let mut on = request("none");
        on.chat_template_kwargs = Some(Map::from_iter([("enable_thinking".to_owned(), json!(true))]));
        assert_eq!(variables(&switched, &on), Ok(json!({"enable_thinking": true})));
        let error = variables(&switched, &request("low")).expect_err("the template has no such variable");
        assert!(
            error.starts_with("reasoning_effort: found \"low\", expected the field to be absent"),
            "{error}"
        );
        let always = model("{{ messages }}", ReasoningFormat::Think);
        assert!(variables(&always, &request("none")).is_err(), "it always thinks");
        let never = model("{{ messages }}", ReasoningFormat::None);
        assert_eq!(variables(&never, &request("none")), Ok(Value::Null), "it never thinks");
        assert!(variables(&never, &request("medium")).is_err());
    }
}
