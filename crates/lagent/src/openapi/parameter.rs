//! Parameters of an operation outside of its body.

use serde_json::Value;

use super::document::Node;
use super::media_type::MediaKind;
use super::percent::Keep;
use super::schema::{Schemas, shortened};
use super::style::{Explode, Style, Styled};

/// Maximum length of a parameter's description, characters.
const DESCRIPTION: usize = 300;
/// Headers that the request itself decides about; their parameters are to be ignored.
const IGNORED: [&str; 3] = ["accept", "authorization", "content-type"];

/// Where a parameter is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Location {
    Path,
    Query,
    Header,
    Cookie,
}

/// How the value becomes text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Writing {
    Styled(Styled),
    /// The text of the value's JSON.
    Json,
}

/// Whether a call must have a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// One parameter.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// Name of the argument in calls.
    pub(super) argument: String,
    /// Name in the request.
    pub(super) name: String,
    pub(super) location: Location,
    pub(super) writing: Writing,
    pub(super) need: Need,
    /// JSON Schema with the description.
    pub(super) schema: Value,
    /// The only possible value of a required parameter: it is sent without asking the model.
    pub(super) constant: Option<Value>,
}

impl Parameter {
    /// Reads a parameter; `None` if it is one that descriptions are told not to have.
    ///
    /// # Errors
    /// A parameter that cannot be sent, with the reason.
    pub(super) fn read<'a>(node: Node<'a>, schemas: &mut Schemas<'a>) -> Result<Option<Self>, String> {
        let node = node.resolved()?;
        let name = node.text("name").ok_or("found a parameter without a name")?.to_owned();
        let location = match node.text("in").unwrap_or_default() {
            "path" => Location::Path,
            "query" => Location::Query,
            "header" if IGNORED.contains(&name.to_ascii_lowercase().as_str()) => return Ok(None),
            "header" => Location::Header,
            "cookie" => Location::Cookie,
            other => {
                return Err(format!(
                    "parameter `{name}`: found it in `{other}`, expected path, query, header or cookie"
                ));
            }
        };
        let writing = writing(node, location).map_err(|reason| format!("parameter `{name}`: {reason}"))?;
        let content = node.get("content").into_iter().flat_map(Node::fields).next();
        let described = content.map_or(node, |(_, media)| media).get("schema");
        let mut schema = described.map_or_else(|| serde_json::json!({}), |schema| schemas.plain(schema));
        if let (Some(schema), Some(text)) = (schema.as_object_mut(), node.text("description")) {
            schema.insert("description".to_owned(), Value::String(shortened(text, DESCRIPTION)));
        }
        let is_required = location == Location::Path || node.flag("required");
        let need = if is_required { Need::Required } else { Need::Optional };
        let constant = only_value(&schema).filter(|_| is_required);
        Ok(Some(Self { argument: name.clone(), name, location, writing, need, schema, constant }))
    }

    /// Whether two parameters of a path and its operation are the same, so that the operation's counts.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.location == other.location
    }
}

/// `style`, `explode` and `allowReserved`, or the media type of `content`.
fn writing(node: Node<'_>, location: Location) -> Result<Writing, String> {
    let default = match location {
        Location::Path | Location::Header => Style::Simple,
        Location::Query | Location::Cookie => Style::Form,
    };
    if let Some((media_type, _)) = node.get("content").into_iter().flat_map(Node::fields).next() {
        return match MediaKind::of(media_type) {
            MediaKind::Json => Ok(Writing::Json),
            MediaKind::Text => Ok(Writing::Styled(Styled::new(default))),
            _ => Err(format!("found the type `{media_type}`, expected JSON or text")),
        };
    }
    let style = match node.text("style") {
        None => default,
        Some(name) => Style::named(name).ok_or_else(|| format!("found the style `{name}`"))?,
    };
    let mut styled = Styled::new(style);
    if node.get("explode").is_some() {
        styled.explode = if node.flag("explode") { Explode::Separate } else { Explode::Joined };
    }
    if node.flag("allowReserved") && location == Location::Query {
        styled.keep = Keep::Reserved;
    }
    Ok(Writing::Styled(styled))
}

/// The value of a schema that allows one.
fn only_value(schema: &Value) -> Option<Value> {
    match (schema.get("const"), schema.get("enum").and_then(Value::as_array).map(Vec::as_slice)) {
        (Some(value), _) | (None, Some([value])) => Some(value.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openapi::document::Documents;
    use crate::openapi::place::Place;

    fn read(parameter: Value) -> Result<Option<Parameter>, String> {
        let documents = Documents::of(Place::of("a.json").expect("is a path"), parameter);
        Parameter::read(documents.root(), &mut Schemas::new())
    }

    #[test]
    fn defaults_depend_on_the_place() {
        let parameter = read(json!({"name": "q", "in": "query", "schema": {"type": "array"}}))
            .expect("reads")
            .expect("used");
        assert_eq!(parameter.writing, Writing::Styled(Styled::new(Style::Form)));
        assert_eq!(parameter.need, Need::Optional);
        let parameter =
            read(json!({"name": "id", "in": "path", "explode": true})).expect("reads").expect("used");
        let Writing::Styled(styled) = parameter.writing else { panic!("found JSON") };
        assert_eq!((styled.style, styled.explode), (Style::Simple, Explode::Separate));
        assert_eq!(parameter.need, Need::Required);
        let json = json!({"name": "f", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}});
        let parameter = read(json).expect("reads").expect("used");
        assert_eq!((parameter.writing, &parameter.schema), (Writing::Json, &json!({"type": "object"})));
    }

    #[test]
    fn what_the_request_decides_is_not_asked_for() {
        assert!(read(json!({"name": "Authorization", "in": "header"})).expect("reads").is_none());
        let version = json!({"name": "V", "in": "header", "required": true, "schema": {"enum": ["2020"]}});
        let parameter = read(version).expect("reads").expect("used");
        assert_eq!(parameter.constant, Some(json!("2020")));
        assert!(read(json!({"name": "b", "in": "body"})).is_err() && read(json!({"in": "query"})).is_err());
    }
}
