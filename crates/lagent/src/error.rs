//! The error type of the crate.

use std::path::PathBuf;

use internlm_kit::config::ConfigError;
use internlm_kit::exit::BadInput;
use internlm_kit::file::FileError;
use internlm_kit::journal::JournalError;
use internlm_kit::sandbox::SandboxError;

/// The reason why an operation failed.
///
/// A failing tool or model is not an error: those are outcomes that the agent sees and reacts to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The agent file cannot be read, or a value in it is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file could not be read, written or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal of a batch is in use by another batch, or could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A watcher could not write what it saw, for instance because standard output is closed.
    #[error("output: {0}")]
    Output(#[from] std::io::Error),
    /// A line of a JSON-lines file has the wrong content.
    #[error("{path}: line {line}: {message}")]
    Line {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// The settings of the connection to the model's server are wrong.
    #[error("model server: {0}")]
    Server(#[from] lmdeploy::Error),
    /// The model's server did not answer before the first question, so nothing was asked.
    #[error("model server: {0}")]
    Unreachable(#[source] lmdeploy::Error),
    /// The server does not serve the requested model, or none at all.
    #[error("model server {url}: found the models [{}], expected {}", known.join(", "), name.as_deref().unwrap_or("at least one"))]
    UnknownModel {
        /// Address of the server.
        url: String,
        /// The requested name; absent if any model would do.
        name: Option<String>,
        /// Names that the server lists.
        known: Vec<String>,
    },
    /// The sandbox level does not work here, or the sandbox could not start a program.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// There is no tool of this name.
    #[error("tool `{name}`: unknown, expected one of {}", known.join(", "))]
    UnknownTool {
        /// The name that was not found.
        name: String,
        /// Names of the existing tools.
        known: Vec<String>,
    },
    /// A tool cannot run on this machine. Found before the first question.
    #[error("tool `{name}`: {reason}")]
    ToolUnavailable {
        /// Name of the tool.
        name: String,
        /// The missing program, as `unavailable: needs PROGRAM`.
        reason: String,
    },
    /// The arguments of a tool call on the command line are wrong.
    #[error("arguments of {name}: {message}")]
    Arguments {
        /// Name of the tool.
        name: String,
        /// What was found and what was expected.
        message: String,
    },
    /// A replay returned other commands than its transcript recorded.
    #[error(
        "{path}: line {line}, byte {byte}: the replay differs\n  recorded: {recorded}\n  replayed: {replayed}"
    )]
    Replay {
        /// Path of the transcript.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: usize,
        /// Offset of the first differing byte in the file.
        byte: usize,
        /// The recorded text from that byte on.
        recorded: String,
        /// The replayed text from that byte on.
        replayed: String,
    },
    /// A question was started while the run was still working on another one.
    #[error("the agent is still working on another question")]
    NotReady,
    /// The model's server stopped answering in the middle of a batch.
    #[error("question `{id}`: {message}; the finished questions are kept, run again to resume")]
    Interrupted {
        /// Id of the question that could not be asked.
        id: String,
        /// The error of the request.
        message: String,
    },
    /// The user stopped a batch.
    #[error("interrupted: {finished} of {total} questions are finished; run again to resume")]
    Stopped {
        /// Number of questions whose answers are kept.
        finished: usize,
        /// Number of all questions of the batch.
        total: usize,
    },
    /// A memory could not be read or changed.
    #[error("memory: {0}")]
    Memory(#[from] crate::memory::MemoryError),
    /// The definition of a team is wrong.
    #[error(transparent)]
    Team(#[from] crate::team::TeamError),
    /// A parser's format is wrong.
    #[error(transparent)]
    Parse(#[from] crate::parse::ParseError),
    /// The agent server refused a request, cannot be reached or understood, or cannot listen.
    #[error("agent server: {0}")]
    AgentServer(#[source] lmdeploy::Error),
    /// An MCP server could not be used, or ours could not serve.
    #[error(transparent)]
    Mcp(#[from] crate::mcp::McpError),
    /// The description of a service cannot be read, or its configuration does not fit it.
    #[error(transparent)]
    OpenApi(#[from] crate::openapi::OpenApiError),
    /// A search index could not be created, read or written.
    #[error("index {}: {message}", path.display())]
    Index {
        /// Folder of the index.
        path: PathBuf,
        /// What failed, in the words of the search library.
        message: String,
    },
    /// The text of a saved run is not what [`AgentRun::save`](crate::run::AgentRun::save) writes.
    #[error("saved agent: {0}")]
    State(#[from] serde_json::Error),
}

impl BadInput for Error {
    /// A server or a program that is not there counts as bad input: the input names it, and nothing was done yet.
    fn is_bad_input(&self) -> bool {
        match self {
            Self::Config(error) => error.is_bad_input(),
            Self::Line { .. }
            | Self::UnknownTool { .. }
            | Self::ToolUnavailable { .. }
            | Self::Arguments { .. }
            | Self::Unreachable(_)
            | Self::UnknownModel { .. }
            | Self::State(_) => true,
            Self::Replay { .. }
            | Self::NotReady
            | Self::Interrupted { .. }
            | Self::Stopped { .. }
            | Self::Index { .. }
            | Self::Output(_) => false,
            Self::File(error) => error.is_bad_input(),
            Self::Journal(error) => error.is_bad_input(),
            Self::Server(error) | Self::AgentServer(error) => error.is_bad_input(),
            Self::OpenApi(error) => error.is_bad_input(),
            Self::Mcp(error) => error.is_bad_input(),
            Self::Memory(error) => error.is_bad_input(),
            Self::Team(error) => error.is_bad_input(),
            Self::Parse(error) => error.is_bad_input(),
            Self::Sandbox(error) => error.is_bad_input(),
        }
    }
}

/// A result whose error is [`Error`] unless stated otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_without_its_program_is_bad_input_like_the_missing_program_itself() {
        let missing =
            SandboxError::ProgramMissing { program: "python3".to_owned(), searched: "/usr/bin".to_owned() };
        let reason = missing.to_string();
        let error = Error::ToolUnavailable { name: "PythonInterpreter".to_owned(), reason };
        assert_eq!(
            error.to_string(),
            "tool `PythonInterpreter`: unavailable: needs python3 (looked in /usr/bin)"
        );
        assert!(error.is_bad_input() && Error::from(missing).is_bad_input());
    }
}
