//! The registered hooks of an agent, in order, with handles that remove them.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use internlm_model::chat::Message;

use super::{Hook, PendingAction, Refusal};
use crate::action::ActionReturn;

/// Hooks in the order of their registration. Clones share the same list.
///
/// ```
/// use std::sync::Arc;
/// use lagent::Message;
/// use lagent::hook::{Hooks, Redaction};
///
/// let hooks = Hooks::default();
/// let handle = hooks.register(Arc::new(Redaction::new(["hunter2"])));
/// let mut question = vec![Message::user("My password is hunter2.")];
/// hooks.before_agent("", &mut question).expect("redaction refuses nothing");
/// assert_eq!(question[0].text(), "My password is ***.");
/// handle.remove();
/// assert!(hooks.is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    list: Arc<RwLock<List>>,
}

#[derive(Default)]
struct List {
    last_id: u64,
    entries: Vec<(u64, Arc<dyn Hook>)>,
}

/// Removes one hook again. Dropping the handle keeps the hook.
#[derive(Clone)]
pub struct HookHandle {
    list: Weak<RwLock<List>>,
    id: u64,
}

impl HookHandle {
    /// Removes the hook; does nothing when it is already removed. Calls in progress still finish with it.
    pub fn remove(&self) {
        if let Some(list) = self.list.upgrade() {
            let mut list = list.write().unwrap_or_else(PoisonError::into_inner);
            list.entries.retain(|(id, _)| *id != self.id);
        }
    }
}

impl Hooks {
    /// Adds a hook behind all others and returns the handle that removes it.
    pub fn register(&self, hook: Arc<dyn Hook>) -> HookHandle {
        let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
        list.last_id += 1;
        let id = list.last_id;
        list.entries.push((id, hook));
        HookHandle { list: Arc::downgrade(&self.list), id }
    }

    /// Returns whether there are no hooks, so that a driver may skip the copies that hooks need.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.read().unwrap_or_else(PoisonError::into_inner).entries.is_empty()
    }

    /// Calls [`Hook::before_agent`] of every hook.
    ///
    /// # Errors
    /// The first [`Refusal`]; the hooks behind it are not called.
    pub fn before_agent(&self, session: &str, messages: &mut Vec<Message>) -> Result<(), Refusal> {
        self.all().iter().try_for_each(|hook| hook.before_agent(session, messages))
    }

    /// Calls [`Hook::after_agent`] of every hook.
    pub fn after_agent(&self, session: &str, answer: &mut Message) {
        self.all().iter().for_each(|hook| hook.after_agent(session, answer));
    }

    /// Calls [`Hook::before_action`] of every hook.
    ///
    /// # Errors
    /// The first [`Refusal`]; the hooks behind it are not called. Its
    /// [`into_return`](Refusal::into_return) is the result that the model reads.
    pub fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        self.all().iter().try_for_each(|hook| hook.before_action(action))
    }

    /// Calls [`Hook::after_action`] of every hook.
    pub fn after_action(&self, action: &PendingAction, value: &mut ActionReturn) {
        self.all().iter().for_each(|hook| hook.after_action(action, value));
    }

    /// The hooks of this moment. They are called without the lock, so that a hook may remove itself.
    fn all(&self) -> Vec<Arc<dyn Hook>> {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.entries.iter().map(|(_, hook)| Arc::clone(hook)).collect()
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        formatter.debug_struct("Hooks").field("registered", &list.entries.len()).finish()
    }
}

impl std::fmt::Debug for HookHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HookHandle").field("id", &self.id).finish()
    }
}
