//! The agent server through its own client and through raw requests: sessions, runs, approvals, ends, keys.

mod cancellation;
mod chats;
mod conversations;
mod limits;
mod live;
mod many_sessions;
mod runs;
pub(crate) mod stage;
