//! The tools of one agent: list, add, delete, enable, call.

use std::collections::BTreeMap;
use std::sync::Arc;

use internlm_kit::sandbox::{Level, Sandbox, SandboxConfig};
use serde_json::Value;

use super::{ActionReturn, ActionState, Calculator, PythonInterpreter, ToolSpec};
use crate::{Error, Result};

/// Whether a tool can work on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It cannot: what it needs.
    Unavailable {
        /// `unavailable: needs PROGRAM ...`.
        reason: String,
    },
}

/// A tool. Calls may take long and block; drivers run them on threads of their own.
pub trait Action: Send + Sync {
    /// What the model is told.
    fn spec(&self) -> ToolSpec;

    /// Runs the tool. Every failure is a value with a state that is not success.
    fn call(&self, arguments: &Value) -> ActionReturn;

    /// Whether it can work here; asked once, before the first call.
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    /// The level that confines what the tool runs; `None` when it runs nothing.
    fn sandbox_level(&self) -> Option<Level> {
        None
    }
}

/// Names of all built-in tools.
#[must_use]
pub fn available() -> [&'static str; 2] {
    ["Calculator", "PythonInterpreter"]
}

/// A built-in tool by name. What it has to run, it runs under `sandbox`.
///
/// # Errors
/// [`Error::UnknownTool`]; [`Error::Sandbox`] when the tool needs a level that does not work here.
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

/// The tools that one agent may call. Cheap to clone; clones share the tools, not the switches.
#[derive(Clone, Default)]
pub struct Executor {
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

impl Executor {
    /// The built-in tools of these names.
    ///
    /// # Errors
    /// Like [`build`].
    pub fn with_tools(names: &[String], sandbox: &SandboxConfig) -> Result<Self> {
        let mut executor = Self::default();
        for name in names {
            executor.add(build(name, sandbox)?);
        }
        Ok(executor)
    }

    /// Adds a tool, enabled; one of the same name is replaced.
    pub fn add(&mut self, action: Arc<dyn Action>) {
        self.tools.insert(action.spec().name, Slot { action, state: SlotState::Enabled });
    }

    /// Removes a tool; gives it back when it was there.
    pub fn delete(&mut self, name: &str) -> Option<Arc<dyn Action>> {
        self.tools.remove(name).map(|slot| slot.action)
    }

    /// Lets the model see and call a tool (again).
    ///
    /// # Errors
    /// [`Error::UnknownTool`].
    pub fn enable(&mut self, name: &str) -> Result<()> {
        self.set(name, SlotState::Enabled)
    }

    /// Hides a tool from the model and refuses its calls.
    ///
    /// # Errors
    /// [`Error::UnknownTool`].
    pub fn disable(&mut self, name: &str) -> Result<()> {
        self.set(name, SlotState::Disabled)
    }

    /// The enabled tools, sorted by name.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.enabled().map(|action| action.spec()).collect()
    }

    /// The first enabled tool that cannot work here, with the reason.
    #[must_use]
    pub fn first_unavailable(&self) -> Option<(String, String)> {
        self.enabled().find_map(|action| match action.readiness() {
            Readiness::Ready => None,
            Readiness::Unavailable { reason } => Some((action.spec().name, reason)),
        })
    }

    /// The weakest level that confines what an enabled tool runs; `None` when none runs anything.
    #[must_use]
    pub fn sandbox_level(&self) -> Option<Level> {
        self.enabled().filter_map(|action| action.sandbox_level()).min()
    }

    /// Calls a tool and waits for it.
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

impl std::fmt::Debug for Executor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.tools.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disabled_tool_is_hidden_and_refused() {
        let mut executor = Executor::default();
        executor.add(Arc::new(Calculator));
        let arguments = serde_json::json!({"expression": "1+1"});
        assert_eq!(executor.call("Calculator", &arguments).for_model(), "2");
        executor.disable("Calculator").expect("is there");
        assert!(executor.specs().is_empty());
        assert_eq!(executor.call("Calculator", &arguments).for_model(), "invalid API: Calculator");
        assert!(executor.enable("Nothing").is_err());
        assert!(executor.delete("Calculator").is_some() && executor.delete("Calculator").is_none());
    }
}
