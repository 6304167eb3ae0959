//! How the answer to a chat request is read ([`parse_options`]), and how much the model may think before it begins
//! (`thinking_token_budget`).

use internlm_model::tokenizer::Special;
use serde_json::Value;

use super::bounds::expected;
use super::effort::reasoning_of;
use super::{Responder, ServedModel};
use crate::Result;
use crate::engine::ThinkingBudget;
use crate::parse::{Functions, ParseOptions, ReasoningFormat, Section, ToolFormat};
use crate::protocol::ChatRequest;

/// The field that limits the reasoning.
const FIELD: &str = "thinking_token_budget";
/// Its value for no limit.
const NO_LIMIT: i64 = -1;

impl Responder {
    /// The limit of the reasoning in an answer that begins in `start`; none where the request sets none.
    pub(super) fn thinking_budget(
        &self,
        request: &ChatRequest,
        start: Section,
        special: Special,
    ) -> Result<Option<ThinkingBudget>> {
        let asked = request.thinking_token_budget.filter(|asked| *asked != NO_LIMIT);
        let Some(asked) = asked else { return Ok(None) };
        let tokens = usize::try_from(asked)
            .map_err(|_| expected(FIELD, Some(asked), "a number of ids, or -1 for no limit"))?;
        if self.model.reasoning == ReasoningFormat::None {
            let range = "-1 or the field to be absent: this server looks for no reasoning of this model";
            return Err(expected(FIELD, Some(asked), range));
        }
        let parse = parse_options(&self.model, request, start, special);
        let budget = ThinkingBudget::new(tokens, &self.model.tokenizer, parse);
        self.check_ids(FIELD, &budget.end)?;
        Ok(Some(budget))
    }
}

/// How an answer that begins in `start` is read: calls unless they are turned off, reasoning as the request wants it.
pub(super) fn parse_options(
    model: &ServedModel,
    request: &ChatRequest,
    start: Section,
    special: Special,
) -> ParseOptions {
    let hides_tools = request.tool_choice.as_ref().and_then(Value::as_str) == Some("none");
    ParseOptions::new(if hides_tools { ToolFormat::None } else { model.tools })
        .with_reasoning(reasoning_of(model, request), start)
        .with_special(special)
        .with_functions(Functions::of(request.tools.as_deref().unwrap_or_default()))
}
