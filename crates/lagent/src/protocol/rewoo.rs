//! `ReWOO` (Xu et al., "ReWOO: Decoupling Reasoning from Observations for Efficient Augmented Language Models", 2023)
//! with the prompts of lagent 0.2.4 (`lagent/agents/rewoo.py`): a planner writes all calls at once, workers make them
//! and put earlier results into later inputs, and a solver reads the log of the workers.

mod letter;
mod plan;
mod reading;
mod settings;

use internlm_model::chat::{Channel, Message};
use serde_json::Value;

use super::constraint::{lark, quoted};
use super::lagent_prompt::printed_tools;
use super::{CallRequest, ErrorMode, Scene, format_fields, input};
use crate::action::ToolSpec;

pub(crate) use plan::{Evidence, Plan, PlanStep, Stage};
pub use settings::{PromptLanguage, Rewoo};

impl Rewoo {
    /// Returns the messages of the next request: the planner's or the solver's.
    pub(crate) fn prompt(&self, scene: &Scene<'_>) -> Vec<Message> {
        let question = scene.question_text();
        if let Some(plan) = scene.plan.filter(|plan| plan.stage == Stage::Solving) {
            let log = self.log(plan);
            let solver = format_fields(&self.solver, &[("question", question), ("worker_log", &log)]);
            return vec![Message::user(solver)];
        }
        let tools = printed_tools(scene.tools);
        let planner = format_fields(&self.planner, &[("tool_description", &tools)]);
        let mut messages = vec![Message::system(planner)];
        messages.extend_from_slice(scene.history);
        if let Some(problem) = scene.plan.and_then(|plan| plan.problem.as_deref()) {
            messages.push(Message::system(format_fields(&self.reformat, &[("err_msg", problem)])));
        }
        messages
    }

    /// Returns the grammar of a plan; `None` for the solver, whose text is free.
    pub(crate) fn grammar(&self, scene: &Scene<'_>) -> Option<Value> {
        if scene.tools.is_empty() || scene.plan.is_some_and(|plan| plan.stage == Stage::Solving) {
            return None;
        }
        let heads = scene.tools.iter().map(|tool| quoted(&format!("{}[", tool.name)));
        let heads: Vec<String> = heads.collect();
        let step = "step: \"Plan: \" LINE \"#E\" /[0-9]{1,2}/ \" = \"";
        // An input may contain lists, and ends with its line.
        let terminals = "LINE: /[^\\n]+\\n/\nINPUT: /([^\\n\\[\\]]|\\[[^\\n\\[\\]]*\\])*\\]\\n/\n";
        Some(lark(&format!("start: step{{1,16}}\n{step} ({}) INPUT\n{terminals}", heads.join(" | "))))
    }

    /// Returns the steps of a plan.
    ///
    /// # Errors
    /// What is wrong with the plan, for the planner.
    pub(crate) fn read_plan(&self, content: &str, tools: &[ToolSpec]) -> Result<Vec<PlanStep>, String> {
        match self.errors {
            ErrorMode::Compat => letter::steps(content),
            ErrorMode::Fixed => reading::steps(content, tools),
        }
    }

    /// Returns the call of the next step with the results of earlier ones filled in; `None` after the last step.
    pub(crate) fn next_call(&self, plan: &Plan) -> Option<Result<CallRequest, String>> {
        let step = plan.steps.get(plan.evidence.len())?;
        let arguments = match self.errors {
            ErrorMode::Compat => letter::filled(&step.input, &plan.evidence).map(Value::from),
            ErrorMode::Fixed => filled(&step.input, plan),
        };
        let name = step.tool.clone();
        Some(arguments.map(|arguments| CallRequest { channel: Channel::Plugin, name, arguments }))
    }

    /// Returns the log of the workers, which the solver reads.
    pub(crate) fn log(&self, plan: &Plan) -> String {
        let steps = plan.steps.iter().zip(&plan.evidence).map(|(step, evidence)| {
            format_fields(&self.worker, &[("thought", &step.thought), ("action_resp", &evidence.text)])
        });
        steps.collect()
    }
}

/// The arguments of a step. Results are put into the texts inside of JSON, so that their quotes do no harm.
fn filled(written: &str, plan: &Plan) -> Result<Value, String> {
    match input::arguments(written) {
        Ok(arguments) => Ok(replaced(arguments, plan)),
        // A reference without quotes may be what is not JSON.
        Err(_) => input::arguments(&plan.with_results(written)),
    }
}

fn replaced(value: Value, plan: &Plan) -> Value {
    match value {
        Value::String(text) => Value::from(plan.with_results(&text)),
        Value::Array(items) => items.into_iter().map(|item| replaced(item, plan)).collect(),
        Value::Object(entries) => {
            entries.into_iter().map(|(key, item)| (key, replaced(item, plan))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
