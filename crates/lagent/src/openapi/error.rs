//! [`OpenApiError`]: why a description of a service cannot be used.

use internlm_kit::exit::BadInput;

/// The reason why a description could not be read, or why its configuration does not fit it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenApiError {
    /// The file or address could not be read.
    #[error("{message}")]
    Read {
        /// The path or address, and what went wrong; contains no credentials.
        message: String,
    },
    /// The text is not JSON, not YAML, or not a description of a service.
    #[error("{place}: {message}")]
    Document {
        /// Path or address of the description.
        place: String,
        /// What was found, where, and what was expected.
        message: String,
    },
    /// A value of the configuration does not fit the description.
    #[error("openapi.{name}.{key}: {message}")]
    Config {
        /// Name of the service in the agent file.
        name: String,
        /// The key whose value does not fit.
        key: String,
        /// What was found and what was expected.
        message: String,
    },
}

impl BadInput for OpenApiError {
    /// A description that is not there counts as bad input: it is read before anything else is done.
    fn is_bad_input(&self) -> bool {
        true
    }
}
