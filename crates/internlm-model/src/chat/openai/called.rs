//! [`Called`]: the channel of a result, from its name and from the call that it answers.

use std::collections::BTreeMap;

use super::super::{Channel, ToolCall};
use super::MessageRole;

/// The channels of the calls that were made so far, by id.
#[derive(Debug, Default)]
pub(super) struct Called(BTreeMap<String, Channel>);

impl Called {
    /// Remembers the call `id`; a later call takes over the id of an earlier one.
    pub(super) fn insert(&mut self, id: &str, call: &ToolCall) {
        self.0.insert(id.to_owned(), call.channel);
    }

    /// The channel of a result: the one that `name` says, else that of the call `id`, else plugin.
    ///
    /// The name of a `tool` message is the name of a function, which may be called `file` or `interpreter`: only the
    /// marks themselves say a channel. `environment` is InternLM2's own role, and its names are channels.
    pub(super) fn channel(&self, role: MessageRole, name: Option<&str>, id: Option<&str>) -> Channel {
        let said = match role {
            MessageRole::Environment => name.and_then(Channel::of_name),
            _ => name.and_then(Channel::of_mark),
        };
        said.or_else(|| self.0.get(id?).copied()).unwrap_or(Channel::Plugin)
    }
}
