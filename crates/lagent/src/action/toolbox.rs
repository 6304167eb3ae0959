//! The tools of one agent: add, delete, enable, list and call them (lagent's `ActionExecutor`).

use std::collections::BTreeMap;
use std::sync::Arc;

use internlm_kit::sandbox::Level;
use serde_json::Value;

use super::{
    Action, ActionReturn, ActionState, ActionValid, CallContext, FinishAction, NoAction, Readiness,
    ToolSettings, ToolSpec, build,
};
use crate::{Error, Result};

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
    /// Creates a toolbox with the named built-in tools and toolkits.
    ///
    /// # Errors
    /// Like [`build`].
    pub fn with_tools(names: &[String], settings: &ToolSettings) -> Result<Self> {
        let mut tools = Self::default();
        for name in names {
            for tool in build(name, settings)? {
                tools.add(tool);
            }
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

    /// Returns the names of the enabled tools whose calls a person should approve, sorted.
    #[must_use]
    pub fn approvals(&self) -> Vec<String> {
        self.enabled().filter(|action| action.needs_approval()).map(|action| action.spec().name).collect()
    }

    /// Calls a tool in the only session and waits for its result, like [`Toolbox::call_in`].
    #[must_use]
    pub fn call(&self, name: &str, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), name, arguments)
    }

    /// Calls a tool and waits for its result. Lagent's names `NoAction` and `FinishAction` always work; any
    /// other name that is unknown or disabled gives lagent's `invalid API`.
    #[must_use]
    pub fn call_in(&self, context: &CallContext<'_>, name: &str, arguments: &Value) -> ActionReturn {
        match (self.tools.get(name), name) {
            (Some(slot), _) if slot.state == SlotState::Enabled => slot.action.call_in(context, arguments),
            (None, "NoAction") => NoAction.call(arguments),
            (None, "FinishAction") => FinishAction.call(arguments),
            _ => {
                let message = format!("invalid API: {name}");
                ActionReturn::error(name, arguments.clone(), ActionState::ApiError, message)
                    .with_valid(ActionValid::Invalid)
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
    use crate::action::Calculator;

    #[test]
    fn a_disabled_tool_is_hidden_and_refused() {
        let mut tools = Toolbox::default();
        tools.add(Arc::new(Calculator));
        let arguments = serde_json::json!({"expression": "1+1"});
        assert_eq!(tools.call("Calculator", &arguments).for_model(), "2");
        tools.disable("Calculator").expect("is there");
        assert!(tools.specs().is_empty());
        let refused = tools.call("Calculator", &arguments);
        assert_eq!(
            (refused.for_model().as_str(), refused.valid),
            ("invalid API: Calculator", ActionValid::Invalid)
        );
        assert!(tools.enable("Nothing").is_err());
        assert!(tools.delete("Calculator").is_some() && tools.delete("Calculator").is_none());
        assert_eq!(tools.call("NoAction", &Value::Null).valid, ActionValid::Absent);
    }

    #[test]
    fn a_tool_that_runs_commands_asks_for_approval() {
        let names = ["Calculator", "shell"].map(str::to_owned);
        let tools = Toolbox::with_tools(&names, &ToolSettings::default()).expect("some sandbox level works");
        assert_eq!(tools.approvals(), ["shell"]);
    }
}
