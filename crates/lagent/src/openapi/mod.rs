//! Services as tools: the operations of an OpenAPI description, or of a RapidAPI listing, that an agent can call.
//!
//! [`OpenApi::read`] takes a file or an address and gives an [`Import`]: every operation that can be called, and the
//! others with the reasons. [`Import::actions`] makes tools of them. An argument of a call is one parameter of the
//! operation, in the path, the query, a header or a cookie; the argument `body` is the body: JSON, a form, text or a
//! file, where files are paths in the folder of the agent's tools.
//!
//! Keys come from files or variables, are sent only to the configured service, and are masked in results and
//! messages. Addresses of private networks are refused, also behind names and redirects, unless the configuration
//! names the host. Large answers lose first what the description does not have, then the ends of lists and texts.

mod access;
mod answer;
mod body;
mod config;
mod credential;
mod document;
mod error;
mod exchange;
mod import;
mod media_type;
mod multipart;
mod names;
mod open_api;
mod operation;
mod pages;
mod parameter;
mod payload;
mod percent;
mod place;
mod rapid_api;
mod reach;
mod request;
mod schema;
mod security;
mod selection;
mod server;
mod shape;
mod shorten;
mod style;
mod tool;
mod yaml;

pub use config::{Anonymous, Approve, OpenApiConfig};
pub use credential::{ClientAuth, Credential, CredentialKind};
pub use error::OpenApiError;
pub use import::{Import, Skipped};
pub use open_api::OpenApi;
