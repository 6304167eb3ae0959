//! Calls and results between MS-Agent's marks, as lines of ReAct.

use serde_json::Value;

use super::super::python::python_str;
use super::THINK_BEGIN;

/// Ends what the model thinks and calls.
const THINK_END: &str = "<|endofthink|>";
/// Begins the result of a call.
pub(super) const EXEC_BEGIN: &str = "<|startofexec|>";
/// Ends the result of a call.
const EXEC_END: &str = "<|endofexec|>";

/// What the model said with its calls as actions, and the number of calls; `None` when one of them is not JSON.
pub(super) fn thoughts(said: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut rest = said;
    let mut calls = 0;
    while let Some((before, behind)) = rest.split_once(THINK_BEGIN) {
        let Some((call, after)) = behind.split_once(THINK_END) else { break };
        if !before.trim().is_empty() {
            text.extend(["Thought:", before.trim(), "\n"]);
        }
        let call = fenced(call)?;
        let (name, parameters) = (call.get("api_name")?, call.get("parameters")?);
        text.extend(["Action:", &python_str(name), "\nAction Input:", &python_str(parameters), "\n"]);
        rest = after;
        calls += 1;
    }
    text.push_str(rest);
    Some((text, calls))
}

/// The result behind [`EXEC_BEGIN`] and, when the model answered after it, the answer; `None` when it is not JSON.
pub(super) fn executed(text: &str) -> Option<(String, Option<String>)> {
    let (result, after) = text.split_once(EXEC_END)?;
    let response = format!("Response:{}\n", python_str(&fenced(result)?));
    let after = after.trim();
    Some((response, (!after.is_empty()).then(|| format!("Final Answer:{after}\n"))))
}

/// JSON inside of a fence of code.
fn fenced(text: &str) -> Option<Value> {
    let text = text.replace("```JSON", "").replace("```", "").replace('\n', "");
    serde_json::from_str(&text).ok()
}
