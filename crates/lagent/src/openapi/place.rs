//! Where a description is, a file or an address, and how its text is read.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use internlm_kit::file;
use reqwest::Url;
use serde_json::Value;

use super::exchange::{Outgoing, exchange};
use super::percent::decoded;
use super::reach::Reach;
use super::yaml::read_yaml;
use crate::action::CallContext;
use crate::http_client::shown;

/// Time that the server of a description may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A file or an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// A path on this machine, without `.` and `..` inside.
    File(PathBuf),
    /// An address without fragment.
    Address(Url),
}

impl Place {
    /// The place that a person named: an address if it begins with a scheme of the web, else a path.
    pub(super) fn of(source: &str) -> Result<Self, String> {
        if !source.starts_with("http://") && !source.starts_with("https://") {
            return Ok(Self::File(tidied(Path::new(source))));
        }
        let mut url = Url::parse(source).map_err(|error| format!("the address of a description: {error}"))?;
        url.set_fragment(None);
        Ok(Self::Address(url))
    }

    /// The place that a `$ref` of this place names, without its fragment.
    ///
    /// # Errors
    /// A reference from a file to an address, or to another server: what is read must be where the owner said.
    pub(super) fn join(&self, reference: &str) -> Result<Self, String> {
        match self {
            Self::File(_) if reference.contains("://") => {
                Err(format!("found `{reference}`, expected a file, because the description is a file"))
            }
            Self::File(path) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                Ok(Self::File(tidied(&folder.join(decoded(reference)))))
            }
            Self::Address(base) => {
                let mut url = base.join(reference).map_err(|error| format!("`{reference}`: {error}"))?;
                url.set_fragment(None);
                if url.origin() != base.origin() {
                    return Err(format!("found `{reference}`, expected an address of the same server"));
                }
                Ok(Self::Address(url))
            }
        }
    }

    /// The address, if it is one.
    pub(super) fn address(&self) -> Option<&Url> {
        match self {
            Self::Address(url) => Some(url),
            Self::File(_) => None,
        }
    }

    /// Reads the text, JSON or YAML.
    pub(super) fn read(&self, reach: &Reach) -> Result<String, String> {
        match self {
            Self::File(path) => file::read_to_string(path).map_err(|error| error.to_string()),
            Self::Address(url) => {
                let context = CallContext { deadline: DEADLINE, ..CallContext::default() };
                let incoming = exchange(&Outgoing::get(url.clone()), reach, &context)?;
                if incoming.status != 200 {
                    return Err(format!("{self}: found the status {}, expected 200", incoming.status));
                }
                String::from_utf8(incoming.bytes).map_err(|error| format!("{self}: {error}"))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Address(url) => formatter.write_str(&shown(url)),
        }
    }
}

/// Reads JSON, or YAML if the text does not begin as a JSON object does.
pub(super) fn value(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        // YAML also has mappings in braces, but with keys that JSON does not allow.
        return serde_json::from_str(text).or_else(|error| read_yaml(text).map_err(|_| error.to_string()));
    }
    read_yaml(text)
}

/// A path without `.` and without `..` after a name, so that equal files have equal paths.
fn tidied(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for component in path.components() {
        let follows_name = matches!(tidied.components().next_back(), Some(Component::Normal(_)));
        match component {
            Component::CurDir => {}
            Component::ParentDir if follows_name => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_where_the_description_is() {
        let file = Place::of("specs/./api.yaml").expect("is a path");
        assert_eq!(file.join("../common/a%20b.yaml"), Ok(Place::File(PathBuf::from("common/a b.yaml"))));
        assert!(file.join("http://127.0.0.1/x.yaml").is_err());
        let address = Place::of("https://example.com/v1/api.yaml?key=secret#x").expect("is an address");
        assert_eq!(address.to_string(), "https://example.com/v1/api.yaml");
        assert_eq!(
            address.join("b.yaml").map(|place| place.to_string()),
            Ok("https://example.com/v1/b.yaml".to_owned())
        );
        assert!(address.join("https://other.example/b.yaml").is_err());
        assert!(address.join("//other.example/b.yaml").is_err());
    }

    #[test]
    fn both_notations_are_read() {
        assert_eq!(value("\u{feff} {\"a\": 1}"), value("a: 1"));
        assert_eq!(value("{a: 1}"), value("a: 1"));
        assert_eq!(value("{\"a\": [}").expect_err("broken"), "expected value at line 1 column 8");
    }
}
