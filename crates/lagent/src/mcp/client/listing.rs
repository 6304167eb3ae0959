//! Resources and prompts of an MCP server, in types that do not change with the protocol.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{Prompt, Resource, ResourceContents};
use serde::Serialize;

/// A resource that a server lists, which [`McpServer::read_resource`](super::McpServer::read_resource) reads.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct McpResource {
    /// What identifies it, such as `file:///notes.txt`.
    pub uri: String,
    /// The server's name for it, which need not be unique.
    pub name: String,
    /// What it contains, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Type of its content, such as `text/plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// A part of a resource; most resources have one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct McpContent {
    /// What identifies the part.
    pub uri: String,
    /// Type of the content, such as `text/plain`.
    pub media_type: Option<String>,
    /// The content of this part.
    pub body: McpBody,
}

/// The content of a part of a resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum McpBody {
    /// Text, decoded from UTF-8.
    Text(String),
    /// Anything else, byte for byte.
    Bytes(Vec<u8>),
}

/// A prompt that a server lists, which [`McpServer::prompt`](super::McpServer::prompt) fills in.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct McpPrompt {
    /// The name that requests use.
    pub name: String,
    /// What the prompt is for, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What can be filled in.
    pub arguments: Vec<McpArgument>,
}

/// One argument of a prompt; its value is a text.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct McpArgument {
    /// The name that requests use.
    pub name: String,
    /// What the value means, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the prompt needs it.
    pub required: bool,
}

impl From<Resource> for McpResource {
    fn from(resource: Resource) -> Self {
        let Resource { uri, name, description, mime_type, .. } = resource;
        Self { uri, name, description, media_type: mime_type }
    }
}

impl From<Prompt> for McpPrompt {
    fn from(prompt: Prompt) -> Self {
        let arguments = prompt.arguments.unwrap_or_default().into_iter().map(|argument| McpArgument {
            name: argument.name,
            description: argument.description,
            required: argument.required == Some(true),
        });
        Self { name: prompt.name, description: prompt.description, arguments: arguments.collect() }
    }
}

impl McpContent {
    /// The content of a part, or what is wrong with it.
    pub(super) fn decode(contents: ResourceContents) -> Result<Self, &'static str> {
        Ok(match contents {
            ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                Self { uri, media_type: mime_type, body: McpBody::Text(text) }
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let bytes = STANDARD.decode(blob.trim()).map_err(|_| "a resource that is not base64")?;
                Self { uri, media_type: mime_type, body: McpBody::Bytes(bytes) }
            }
            _ => return Err("a resource of another kind"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_decoded() {
        let body = |contents| McpContent::decode(contents).map(|content| content.body);
        assert_eq!(body(ResourceContents::text("a", "x:/")), Ok(McpBody::Text("a".to_owned())));
        assert_eq!(body(ResourceContents::blob("YWI=", "x:/")), Ok(McpBody::Bytes(b"ab".to_vec())));
        assert!(body(ResourceContents::blob("*", "x:/")).is_err());
    }
}
