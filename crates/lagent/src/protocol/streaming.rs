//! The state of a reply in InternLM2's markup while it is generated, as lagent streams it.

use internlm_model::chat::Channel;
use internlm_model::chat::marks::{ACTION_END, ACTION_START};

use crate::message::AgentStatus;

/// Returns the state of a reply whose text so far is `text`.
///
/// ```
/// use lagent::message::AgentStatus;
/// use lagent::protocol::stream_state;
///
/// assert_eq!(stream_state("I will look it up."), AgentStatus::Streaming);
/// assert_eq!(stream_state("I add.<|action_start|><|plugin|>\n{\"na"), AgentStatus::PluginStart);
/// assert_eq!(stream_state("<|action_start|><|interpreter|>\n1<|action_end|>"), AgentStatus::CodeEnd);
/// ```
#[must_use]
pub fn stream_state(text: &str) -> AgentStatus {
    // Upstream accepts the mark of a channel without the start mark.
    let begins = Channel::CALLS.into_iter().filter_map(|channel| {
        let at = text.rfind(channel.name())?;
        Some((at, channel))
    });
    let Some((at, channel)) = begins.max_by_key(|(at, _)| *at) else { return AgentStatus::Streaming };
    let call = &text[at..];
    let Some((_, behind)) = call.split_once(ACTION_END) else {
        return if channel == Channel::Plugin { AgentStatus::PluginStart } else { AgentStatus::Coding };
    };
    match channel {
        _ if behind.contains(ACTION_START) => AgentStatus::Streaming,
        Channel::Plugin => AgentStatus::PluginEnd,
        _ => AgentStatus::CodeEnd,
    }
}
