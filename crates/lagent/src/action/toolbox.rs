//! The tools of one agent: add, delete, enable, list and call them (lagent's `ActionExecutor`).

use std::collections::BTreeMap;
use std::sync::Arc;

use internlm_kit::sandbox::{Level, Sandbox, SandboxConfig};
use serde_json::Value;

use super::{Action, ActionReturn, ActionState, Calculator, PythonInterpreter, Readiness, ToolSpec};
use crate::{Error, Result};

/// Returns the names of all built-in tools.
#[must_use]
pub fn available() -> [&'static str; 2] {
    ["Calculator", "PythonInterpreter"]
}

/// Creates a built-in tool by name. Code that the tool executes runs under `sandbox`.
///
/// # Errors
/// [`Error::UnknownTool`]; [`Error::Sandbox`] when the requested sandbox level does not work here.
pub fn build(name: &str, sandbox: &SandboxConfig) -> Result<Arc<dyn Action>> {
    match name {
        "Calculator" => Ok(Arc::new(Calculator)),
        "PythonInterpreter" => Ok(Arc::new(PythonInterpreter::new(Sandbox::new(sandbox.clone())?))),
        _ => {
            let known = available().map(str::to_owned).to_vec();
            Err(Error::UnknownTool { name: name.to_owned(), known })
        }
    }
}

/// The tools that one agent may call.
///
/// Cloning is cheap. Clones share the tools, but each has its own set of enabled names.
///
/// ```
/// use std::sync::Arc;
/// use lagent::action::{Calculator, Toolbox};
///
/// let mut tools = Toolbox::default();
/// tools.add(Arc::new(Calculator));
/// let result = tools.call("Calculator", &serde_json::json!({"expression": "2^10"}));
/// assert_eq!(result.for_model(), "1024");
/// ```
#[derive(Clone, Default)]
pub struct Toolbox {
    tools: BTreeMap<String, Slot>,
}

#[derive(Clone)]
struct Slot {
    action: Arc<dyn Action>,
    state: SlotState,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum SlotState {
    Enabled,
    Disabled,
}

impl Toolbox {
    /// Creates a toolbox with the named built-in tools.
    ///
    /// # Errors
    /// Like [`build`].
    pub fn with_tools(names: &[String], sandbox: &SandboxConfig) -> Result<Self> {
        let mut tools = Self::default();
        for name in names {
            tools.add(build(name, sandbox)?);
        }
        Ok(tools)
    }

    /// Adds a tool and enables it. A tool of the same name is replaced.
    pub fn add(&mut self, action: Arc<dyn Action>) {
        self.tools.insert(action.spec().name, Slot { action, state: SlotState::Enabled });
    }

    /// Removes a tool and returns it, or `None` if there was no tool of this name.
    pub fn delete(&mut self, name: &str) -> Option<Arc<dyn Action>> {
        self.tools.remove(name).map(|slot| slot.action)
    }

    /// Shows a tool to the model again after [`Toolbox::disable`].
    ///
    /// # Errors
    /// [`Error::UnknownTool`].
    pub fn enable(&mut self, name: &str) -> Result<()> {
        self.set(name, SlotState::Enabled)
    }

    /// Hides a tool from the model; calls to it are answered with an error.
    ///
    /// # Errors
    /// [`Error::UnknownTool`].
    pub fn disable(&mut self, name: &str) -> Result<()> {
        self.set(name, SlotState::Disabled)
    }

    /// Returns the definitions of the enabled tools, sorted by name.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.enabled().map(|action| action.spec()).collect()
    }

    /// Returns the name of the first enabled tool that cannot run here, with the reason.
    #[must_use]
    pub fn first_unavailable(&self) -> Option<(String, String)> {
        self.enabled().find_map(|action| match action.readiness() {
            Readiness::Ready => None,
            Readiness::Unavailable { reason } => Some((action.spec().name, reason)),
        })
    }

    /// Returns the weakest sandbox level among the enabled tools, or `None` if no tool runs code.
    #[must_use]
    pub fn sandbox_level(&self) -> Option<Level> {
        self.enabled().filter_map(|action| action.sandbox_level()).min()
    }

    /// Calls a tool and waits for its result. A name that is unknown or disabled gives lagent's `invalid API`.
    #[must_use]
    pub fn call(&self, name: &str, arguments: &Value) -> ActionReturn {
        match self.tools.get(name) {
            Some(slot) if slot.state == SlotState::Enabled => slot.action.call(arguments),
            _ => {
                let message = format!("invalid API: {name}");
                ActionReturn::error(name, arguments.clone(), ActionState::ApiError, message)
            }
        }
    }

    fn enabled(&self) -> impl Iterator<Item = &Arc<dyn Action>> {
        let enabled = self.tools.values().filter(|slot| slot.state == SlotState::Enabled);
        enabled.map(|slot| &slot.action)
    }

    fn set(&mut self, name: &str, state: SlotState) -> Result<()> {
        let known = self.tools.keys().cloned().collect();
        match self.tools.get_mut(name) {
            Some(slot) => {
                slot.state = state;
                Ok(())
            }
            None => Err(Error::UnknownTool { name: name.to_owned(), known }),
        }
    }
}

impl std::fmt::Debug for Toolbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.tools.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disabled_tool_is_hidden_and_refused() {
        let mut tools = Toolbox::default();
        tools.add(Arc::new(Calculator));
        let arguments = serde_json::json!({"expression": "1+1"});
        assert_eq!(tools.call("Calculator", &arguments).for_model(), "2");
        tools.disable("Calculator").expect("is there");
        assert!(tools.specs().is_empty());
        assert_eq!(tools.call("Calculator", &arguments).for_model(), "invalid API: Calculator");
        assert!(tools.enable("Nothing").is_err());
        assert!(tools.delete("Calculator").is_some() && tools.delete("Calculator").is_none());
    }
}
