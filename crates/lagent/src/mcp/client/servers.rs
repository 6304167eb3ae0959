//! [`McpServers`]: all servers of an agent, and a toolbox that follows their lists.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::server::McpServer;
use crate::action::Toolbox;
use crate::mcp::{McpConfig, McpError};

/// The connected servers of an agent file.
#[derive(Debug, Default)]
pub struct McpServers {
    entries: Vec<Entry>,
}

/// A server and what a toolbox has of it.
#[derive(Debug)]
struct Entry {
    server: McpServer,
    /// [`McpServer::changes`] when the toolbox was filled; absent before that.
    seen: Option<u64>,
    added: BTreeSet<String>,
}

impl McpServers {
    /// Connects to every server, all at the same time.
    ///
    /// # Errors
    /// The error of the first server, by name, that cannot be used. The others are closed.
    pub fn connect(configs: &BTreeMap<String, McpConfig>) -> Result<Self, McpError> {
        let connected: Vec<Result<McpServer, McpError>> = thread::scope(|scope| {
            let threads: Vec<_> = configs
                .iter()
                .map(|(name, config)| (name, scope.spawn(move || McpServer::connect(name, config))))
                .collect();
            let joined = threads.into_iter().map(|(name, thread)| {
                thread.join().unwrap_or_else(|_| {
                    let message = "the client ended unexpectedly".to_owned();
                    Err(McpError::Start { name: name.clone(), message, stderr: String::new() })
                })
            });
            joined.collect()
        });
        let servers = connected.into_iter().collect::<Result<Vec<_>, _>>()?;
        let entry = |server| Entry { server, seen: None, added: BTreeSet::new() };
        Ok(Self { entries: servers.into_iter().map(entry).collect() })
    }

    /// Returns the servers, by name.
    pub fn iter(&self) -> impl Iterator<Item = &McpServer> {
        self.entries.iter().map(|entry| &entry.server)
    }

    /// Brings a toolbox up to date: adds tools that are new, replaces tools that have changed, and deletes tools that
    /// are gone. Returns whether anything was done.
    ///
    /// The definitions of an agent's tools must not change while it works on a question, so this belongs between two
    /// questions. A server whose list is as it was costs nothing.
    pub fn refresh(&mut self, tools: &mut Toolbox) -> bool {
        let mut is_changed = false;
        for entry in &mut self.entries {
            let changes = entry.server.changes();
            if entry.seen == Some(changes) {
                continue;
            }
            let listed = entry.server.tools();
            let names: BTreeSet<String> = listed.iter().map(|tool| tool.spec().name).collect();
            for gone in entry.added.difference(&names) {
                tools.delete(gone);
            }
            for tool in listed {
                tools.add(tool);
            }
            (entry.seen, entry.added) = (Some(changes), names);
            is_changed = true;
        }
        is_changed
    }

    /// Closes every connection and waits for the ends of the servers that are programs.
    pub fn close(&self) {
        self.iter().for_each(McpServer::close);
    }
}
