//! The content of a recording of lagent 0.2.4, in this crate's terms.

use std::path::Path;

use internlm_kit::file;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::action::{ActionReturn, ActionState, ToolInput, ToolSpec};
use crate::protocol::{AutoGpt, ErrorMode, InternLm2, Presentation, Protocol, React, Rewoo};
use crate::run::AgentSpec;
use crate::{Error, Result};

/// Calls that lagent makes itself; here no tool is called for them.
const OWN: [&str; 3] = ["NoAction", "InvalidAction", "FinishAction"];

/// A recording, read and checked.
pub(super) struct Recording {
    pub(super) id: String,
    pub(super) agent: AgentSpec,
    pub(super) question: String,
    pub(super) turns: Vec<Turn>,
    pub(super) calls: Vec<RecordedCall>,
    pub(super) answer: String,
}

/// One request with its reply.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Turn {
    /// A list of messages, or one text.
    pub(super) prompt: Value,
    pub(super) reply: String,
}

/// One call with its result.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RecordedCall {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    args: Value,
    result: Option<Vec<Value>>,
    errmsg: Option<String>,
    /// Name of the parameter that receives plain text, which is recorded under the name `text`.
    #[serde(skip)]
    text: Option<String>,
}

impl RecordedCall {
    /// The recorded result of a call, which has to be the recorded one.
    pub(super) fn outcome(&self, name: &str, args: &Value) -> Result<ActionReturn, String> {
        let recorded = match &self.text {
            Some(parameter) => json!({ parameter: self.args["text"] }),
            None => self.args.clone(),
        };
        if (name, args) != (self.name.as_str(), &recorded) {
            return Err(format!("expected {} {recorded}", self.name));
        }
        let text = self.result.iter().flatten().find_map(|item| item["content"].as_str());
        Ok(match text {
            Some(text) => ActionReturn::text(name, recorded, text),
            None => {
                let message = self.errmsg.as_deref().unwrap_or_default();
                ActionReturn::error(name, recorded, ActionState::ApiError, message)
            }
        })
    }
}

/// Access to the fields of a recording; what is wrong is named by its path.
struct Fields<'a> {
    path: &'a Path,
    root: Value,
}

impl Fields<'_> {
    fn wrong(&self, message: String) -> Error {
        Error::Line { path: self.path.to_path_buf(), line: 1, message }
    }

    /// The text at a JSON pointer.
    fn text(&self, pointer: &str) -> Result<String> {
        let found = self.root.pointer(pointer).and_then(Value::as_str);
        let name = pointer.trim_start_matches('/').replace('/', ".");
        found.map(str::to_owned).ok_or_else(|| self.wrong(format!("{name}: not found, expected a text")))
    }

    /// The value of a field in its own form.
    fn value<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T> {
        T::deserialize(&self.root[name]).map_err(|error| self.wrong(format!("{name}: {error}")))
    }
}

impl Recording {
    /// Reads the file of a recording.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = file::read_to_string(path)?;
        let root = serde_json::from_str(&text).map_err(|error| Error::Line {
            path: path.to_path_buf(),
            line: error.line().max(1),
            message: format!("found {error}, expected one JSON object, a recording of lagent"),
        })?;
        let fields = Fields { path, root };
        let (protocol, tools) = protocol(&fields)?;
        let mut agent = AgentSpec::new(protocol, tools);
        agent.limits.max_turn = Some(fields.value("max_turn")?);
        let mut calls: Vec<RecordedCall> = fields.value("tool_calls")?;
        calls.retain(|call| !OWN.contains(&call.kind.as_str()));
        for call in &mut calls {
            let tool =
                agent.tools.iter().find(|tool| tool.name == call.name && tool.input == ToolInput::Text);
            call.text = tool.and_then(|tool| tool.required().first().map(|name| (*name).to_owned()));
        }
        Ok(Self {
            id: fields.text("/id")?,
            agent,
            question: fields.text("/question")?,
            turns: fields.value("turns")?,
            calls,
            answer: fields.text("/final")?,
        })
    }
}

/// The agent's protocol with the recorded prompts, and its tools.
fn protocol(fields: &Fields<'_>) -> Result<(Protocol, Vec<ToolSpec>)> {
    let prompt = |name: &str| fields.text(&format!("/protocol/{name}"));
    let agent = fields.text("/agent")?;
    let protocol = match agent.as_str() {
        "ReAct" => {
            let tag = |name: &str| prompt(&format!("{name}/begin"));
            let mut react = React { errors: ErrorMode::Compat, ..React::default() };
            (react.call_protocol, react.force_stop) = (prompt("call_protocol")?, prompt("force_stop")?);
            let tags = &mut react.tags;
            (tags.thought, tags.action, tags.action_input) =
                (tag("thought")?, tag("action")?, tag("action_input")?);
            (tags.response, tags.finish) = (tag("response")?, tag("finish")?);
            Protocol::React(react)
        }
        "ReWOO" => Protocol::Rewoo(Rewoo {
            planner: prompt("planner_prompt")?,
            worker: prompt("worker_prompt")?,
            solver: prompt("solver_prompt")?,
            reformat: prompt("reformat_prompt")?,
            errors: ErrorMode::Compat,
        }),
        "AutoGPT" => Protocol::AutoGpt(AutoGpt {
            ai_name: prompt("ai_name")?,
            role: prompt("role_description")?,
            os: fields.text("/os_info")?,
            prefix: prompt("prefix")?,
            call_protocol: prompt("call_protocol")?,
            trigger: prompt("triggering_prompt")?,
            errors: ErrorMode::Compat,
        }),
        "Internlm2Agent" => return internlm2(fields),
        other => {
            let expected = "expected one of ReAct, ReWOO, AutoGPT, Internlm2Agent";
            return Err(fields.wrong(format!("agent: found `{other}`, {expected}")));
        }
    };
    let tools: Vec<LagentTool> = fields.value("tools")?;
    Ok((protocol, tools.into_iter().map(LagentTool::spec).collect()))
}

/// `Internlm2Agent` has two lists of tools, and its interpreter takes plain text.
fn internlm2(fields: &Fields<'_>) -> Result<(Protocol, Vec<ToolSpec>)> {
    #[derive(Deserialize)]
    struct Lists {
        #[serde(default)]
        plugin: Vec<LagentTool>,
        #[serde(default)]
        interpreter: Vec<LagentTool>,
    }
    let lists: Lists = fields.value("tools")?;
    let interpreter = lists.interpreter.first().map(|tool| tool.name.clone());
    let protocol = InternLm2 { presentation: Presentation::Prompt, interpreter, ..InternLm2::default() };
    let plain = lists.interpreter.into_iter().map(|tool| LagentTool { parameter_description: None, ..tool });
    let tools = lists.plugin.into_iter().chain(plain).map(LagentTool::spec).collect();
    Ok((Protocol::InternLm2(protocol), tools))
}

/// Lagent's description of a tool.
#[derive(Clone, Debug, Deserialize)]
struct LagentTool {
    name: String,
    description: String,
    parameters: Vec<LagentParameter>,
    required: Vec<String>,
    parameter_description: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct LagentParameter {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    description: String,
}

impl LagentTool {
    fn spec(self) -> ToolSpec {
        let mut properties = Map::new();
        for LagentParameter { name, kind, description } in self.parameters {
            let kind = match kind.as_str() {
                "NUMBER" => "integer",
                "FLOAT" => "number",
                "BOOLEAN" => "boolean",
                "Array" => "array",
                _ => "string",
            };
            properties.insert(name, json!({"type": kind, "description": description}));
        }
        ToolSpec {
            name: self.name,
            description: self.description,
            parameters: json!({"type": "object", "properties": properties, "required": self.required}),
            input: if self.parameter_description.is_some() { ToolInput::Json } else { ToolInput::Text },
        }
    }
}
