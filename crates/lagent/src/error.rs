//! The crate's error.

use std::path::PathBuf;

use internlm_kit::exit::BadInput;

/// Why something failed. A failing tool or model is not one: those are outcomes that an agent sees.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The agent's TOML.
    #[error(transparent)]
    Config(#[from] internlm_kit::config::ConfigError),
    /// A file could not be read or written.
    #[error("{path}: cannot {verb}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `write`.
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a JSON-lines file is not what it should be.
    #[error("{path}: line {line}: {message}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// The model's server cannot be used.
    #[error("model server: {0}")]
    Server(#[from] lmdeploy::Error),
    /// The sandbox cannot be used.
    #[error(transparent)]
    Sandbox(#[from] internlm_kit::sandbox::SandboxError),
    /// A tool of this name does not exist.
    #[error("tool `{name}`: unknown, expected one of {}", known.join(", "))]
    UnknownTool {
        /// The name.
        name: String,
        /// Names that exist.
        known: Vec<String>,
    },
    /// A tool cannot work on this machine.
    #[error("tool `{name}`: {reason}")]
    ToolUnavailable {
        /// The tool.
        name: String,
        /// `unavailable: needs ...`.
        reason: String,
    },
    /// Arguments of a call on the command line are wrong.
    #[error("arguments of {name}: {message}")]
    Arguments {
        /// The tool.
        name: String,
        /// What was found and what was expected.
        message: String,
    },
    /// A replayed run differs from its transcript.
    #[error(
        "{path}: line {line}, byte {byte}: the replay differs\n  recorded: {recorded}\n  replayed: {replayed}"
    )]
    Replay {
        /// The transcript.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Offset of the first differing byte in the file.
        byte: usize,
        /// The recorded text from there.
        recorded: String,
        /// The replayed text from there.
        replayed: String,
    },
    /// A run was started that is in the middle of another question.
    #[error("the agent is in the middle of another question")]
    NotReady,
    /// The model's server went away during a run.
    #[error("question `{id}`: {message}; finished questions are kept, run again to go on")]
    Interrupted {
        /// The question.
        id: String,
        /// What happened.
        message: String,
    },
    /// A saved state or transcript line is broken.
    #[error("saved agent: {0}")]
    State(#[from] serde_json::Error),
}

impl Error {
    /// Whether the caller's input is at fault, which the binary reports with exit code 2.
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Config(_)
            | Self::Line { .. }
            | Self::UnknownTool { .. }
            | Self::Arguments { .. }
            | Self::State(_) => true,
            Self::ToolUnavailable { .. }
            | Self::Replay { .. }
            | Self::NotReady
            | Self::Interrupted { .. } => false,
            Self::File { verb, .. } => *verb == "read",
            Self::Server(error) => error.is_bad_input(),
            Self::Sandbox(error) => error.is_bad_input(),
        }
    }
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
