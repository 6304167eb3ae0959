//! The table between the ids of the team's commands and those of its members.

use serde::{Deserialize, Serialize};

use crate::run::{Command, Event};

/// Which member's request or call an id of the team names. Ids are never used twice.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Routes {
    last_id: u64,
    open: Vec<Route>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Route {
    /// The id that the team's commands carry.
    id: u64,
    /// Index of the member.
    member: usize,
    /// The id in the run of the member.
    local: u64,
}

impl Routes {
    /// The team's id of a member's request or call. A call that is approved keeps the id of its approval.
    pub(super) fn id(&mut self, member: usize, local: u64) -> u64 {
        let known = self.open.iter().find(|route| (route.member, route.local) == (member, local));
        if let Some(route) = known {
            return route.id;
        }
        self.last_id += 1;
        self.open.push(Route { id: self.last_id, member, local });
        self.last_id
    }

    /// The member and its own id behind an id of the team.
    pub(super) fn find(&self, id: u64) -> Option<(usize, u64)> {
        self.open.iter().find(|route| route.id == id).map(|route| (route.member, route.local))
    }

    /// The ids of a member's open requests and calls, in its own numbers.
    pub(super) fn locals(&self, member: usize) -> Vec<u64> {
        self.open.iter().filter(|route| route.member == member).map(|route| route.local).collect()
    }

    /// Forgets the ids of a member whose work has ended: later events of these ids are ignored.
    pub(super) fn close(&mut self, member: usize) {
        self.open.retain(|route| route.member != member);
    }

    /// Forgets the ids of all members.
    pub(super) fn close_all(&mut self) {
        self.open.clear();
    }
}

/// The id of the request or call that an event is about.
pub(super) fn event_id(event: &mut Event) -> Option<&mut u64> {
    match event {
        Event::Model { request, .. } | Event::ModelDelta { request, .. } => Some(request),
        Event::Tool { call, .. } | Event::Approve { call } | Event::Deny { call, .. } => Some(call),
        _ => None,
    }
}

/// The id of the request or call that a command opens.
pub(super) fn command_id(command: &mut Command) -> Option<&mut u64> {
    match command {
        Command::AskModel { id, .. } | Command::CallTool { id, .. } => Some(id),
        Command::AskHuman { call, .. } => Some(call),
        _ => None,
    }
}
