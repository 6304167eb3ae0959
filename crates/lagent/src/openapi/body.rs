//! The body of an operation: its media type, and how the argument of a call is written into it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::Node;
use super::media_type::{MediaKind, essence};
use super::parameter::Need;
use super::percent::Keep;
use super::schema::{Schemas, is_file, properties, shortened};
use super::style::{Explode, Style, Styled};

/// Maximum length of a body's description, characters.
const DESCRIPTION: usize = 300;
/// What is written in front of the description of a file.
const FILE: &str = "Path of a file.";

/// The body that an operation takes.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// Name of the argument in calls.
    pub(super) argument: String,
    pub(super) content_type: String,
    pub(super) form: Form,
    pub(super) need: Need,
    pub(super) schema: Value,
}

/// How a body is written.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Json,
    /// Fields with a style of their own; the others are written as their types suggest.
    UrlEncoded(BTreeMap<String, Styled>),
    Multipart(BTreeMap<String, Part>),
    /// The text of the argument.
    Text,
    /// The content of the file that the argument names.
    File,
}

/// What a field of a multipart body is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Part {
    pub(super) content: PartContent,
    /// The media type that the description sets.
    pub(super) content_type: Option<String>,
}

/// What the value of a field means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum PartContent {
    /// The value itself.
    #[default]
    Value,
    /// A path, or a list of paths, of files that are sent.
    File,
}

impl Body {
    /// Reads a `requestBody`; `None` if it has no content.
    ///
    /// # Errors
    /// A body that cannot be written, with the reason.
    pub(super) fn read<'a>(node: Node<'a>, schemas: &mut Schemas<'a>) -> Result<Option<Self>, String> {
        let node = node.resolved().map_err(|reason| format!("requestBody: {reason}"))?;
        let content: Vec<(&str, Node<'_>)> = node.get("content").into_iter().flat_map(Node::fields).collect();
        let Some((media_type, media)) =
            content.iter().copied().min_by_key(|(name, media)| rank(name, *media))
        else {
            return Ok(None);
        };
        let mut described = media.get("schema").map_or_else(|| json!({}), |schema| schemas.plain(schema));
        let form = form(media_type, media).map_err(|reason| format!("requestBody: {reason}"))?;
        match &form {
            Form::Multipart(parts) => describe_files(&mut described, parts),
            Form::Text => {
                described =
                    json!({"type": "string", "description": format!("Text of the type {media_type}.")})
            }
            Form::File => described = json!({"type": "string", "description": FILE}),
            Form::Json | Form::UrlEncoded(_) => {}
        }
        if let (Some(schema), Some(text)) = (described.as_object_mut(), node.text("description"))
            && !matches!(form, Form::Text | Form::File)
        {
            schema.insert("description".to_owned(), Value::String(shortened(text, DESCRIPTION)));
        }
        let need = if node.flag("required") { Need::Required } else { Need::Optional };
        let content_type = MediaKind::sent(media_type);
        Ok(Some(Self { argument: "body".to_owned(), content_type, form, need, schema: described }))
    }
}

/// Among several media types the one in which the most can be said.
fn rank(media_type: &str, media: Node<'_>) -> u8 {
    let is_standard = essence(media_type) == "application/json";
    match MediaKind::of(media_type) {
        MediaKind::Json if is_standard => 0,
        MediaKind::Json => 1,
        MediaKind::Multipart => 2,
        MediaKind::UrlEncoded => 3,
        MediaKind::Text => 4,
        MediaKind::Binary if takes_file(media) => 5,
        MediaKind::Binary => 6,
    }
}

fn form(media_type: &str, media: Node<'_>) -> Result<Form, String> {
    let schema = media.get("schema");
    let fields = || schema.into_iter().flat_map(properties);
    Ok(match MediaKind::of(media_type) {
        MediaKind::Json => Form::Json,
        MediaKind::UrlEncoded => {
            let styles = fields().filter_map(|(name, _)| Some((name.to_owned(), style(media, name)?)));
            Form::UrlEncoded(styles.collect())
        }
        MediaKind::Multipart => {
            Form::Multipart(fields().map(|(name, node)| (name.to_owned(), part(media, name, node))).collect())
        }
        MediaKind::Text => Form::Text,
        MediaKind::Binary if takes_file(media) => Form::File,
        MediaKind::Binary => {
            let expected = "expected JSON, a form, text or a file";
            return Err(format!("found fields of the type `{media_type}`, {expected}"));
        }
    })
}

/// Whether a body of an unknown media type is one file: it has no fields.
fn takes_file(media: Node<'_>) -> bool {
    media.get("schema").is_none_or(|schema| properties(schema).is_empty())
}

fn encoding<'a>(media: Node<'a>, name: &str) -> Option<Node<'a>> {
    media.get("encoding")?.get(name)
}

/// The style of a field, if the description sets one.
fn style(media: Node<'_>, name: &str) -> Option<Styled> {
    let encoding = encoding(media, name)?;
    let named = encoding.text("style").and_then(Style::named);
    if named.is_none() && encoding.get("explode").is_none() && encoding.get("allowReserved").is_none() {
        return None;
    }
    let mut styled = Styled::new(named.unwrap_or(Style::Form));
    if encoding.get("explode").is_some() {
        styled.explode = if encoding.flag("explode") { Explode::Separate } else { Explode::Joined };
    }
    if encoding.flag("allowReserved") {
        styled.keep = Keep::Reserved;
    }
    Some(styled)
}

fn part(media: Node<'_>, name: &str, node: Node<'_>) -> Part {
    let items = node.resolved().ok().and_then(|node| node.get("items"));
    let content =
        if is_file(node) || items.is_some_and(is_file) { PartContent::File } else { PartContent::Value };
    // Several types mean that any of them will do.
    let content_type = encoding(media, name).and_then(|encoding| encoding.text("contentType"));
    let content_type = content_type.and_then(|types| types.split(',').next()).map(str::trim);
    Part { content, content_type: content_type.filter(|name| !name.contains('*')).map(str::to_owned) }
}

/// Tells the model that a field is a path.
fn describe_files(schema: &mut Value, parts: &BTreeMap<String, Part>) {
    let files = parts.iter().filter(|(_, part)| part.content == PartContent::File);
    for (name, _) in files {
        each_property(schema, name, &mut |property: &mut Value| {
            let is_list = property.get("type").and_then(Value::as_str) == Some("array");
            let text = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let description = format!("{FILE} {text}").trim().to_owned();
            *property = if is_list {
                json!({"type": "array", "items": {"type": "string"}, "description": description})
            } else {
                json!({"type": "string", "description": description})
            };
        });
    }
}

/// Visits the properties of this name in a schema and in its parts.
fn each_property(schema: &mut Value, name: &str, change: &mut impl FnMut(&mut Value)) {
    let Value::Object(schema) = schema else { return };
    if let Some(property) = schema.get_mut("properties").and_then(|properties| properties.get_mut(name)) {
        change(property);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for part in schema.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            each_property(part, name, change);
        }
    }
}

/// The fields of a form; null counts as absent.
///
/// # Errors
/// An argument that is not an object.
pub(super) fn fields(argument: &str, value: &Value) -> Result<Map<String, Value>, String> {
    let Value::Object(fields) = value else {
        return Err(format!("{argument}: found {value}, expected an object of fields"));
    };
    Ok(fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::document::Documents;
    use crate::openapi::place::Place;

    fn read(content: Value) -> Result<Option<Body>, String> {
        let root = json!({"required": true, "content": content});
        let documents = Documents::of(Place::of("a.json").expect("is a path"), root);
        Body::read(documents.root(), &mut Schemas::new())
    }

    #[test]
    fn json_is_preferred_and_any_type_is_json() {
        let body = read(json!({"application/xml": {}, "application/json": {"schema": {"type": "object"}}}));
        let body = body.expect("reads").expect("has content");
        assert_eq!((body.content_type.as_str(), body.need), ("application/json", Need::Required));
        assert!(matches!(body.form, Form::Json));
        assert_eq!(
            read(json!({"*/*": {}})).expect("reads").expect("has content").content_type,
            "application/json"
        );
        assert!(read(json!({})).expect("reads").is_none());
    }

    #[test]
    fn files_are_paths() {
        let schema = json!({"type": "object", "properties": {
            "title": {"type": "string"},
            "photo": {"type": "string", "format": "binary", "description": "The photo."},
            "more": {"type": "array", "items": {"type": "string", "format": "binary"}},
        }});
        let encoding =
            json!({"photo": {"contentType": "image/png, image/jpeg"}, "title": {"contentType": "text/*"}});
        let body = read(json!({"multipart/form-data": {"schema": schema, "encoding": encoding}}));
        let body = body.expect("reads").expect("has content");
        let Form::Multipart(parts) = &body.form else { panic!("found {:?}", body.form) };
        assert_eq!(
            parts["photo"],
            Part { content: PartContent::File, content_type: Some("image/png".to_owned()) }
        );
        assert_eq!(parts["title"], Part::default());
        let photo = json!({"type": "string", "description": "Path of a file. The photo."});
        assert_eq!(body.schema["properties"]["photo"], photo);
        assert_eq!(body.schema["properties"]["more"]["items"], json!({"type": "string"}));
        let body = read(json!({"application/zip": {}})).expect("reads").expect("has content");
        assert!(matches!(body.form, Form::File));
        let fields = json!({"application/x-odd": {"schema": {"properties": {"a": {}}}}});
        assert!(read(fields).expect_err("cannot be written").contains("application/x-odd"));
    }

    #[test]
    fn fields_of_a_form_may_have_styles() {
        let encoding = json!({"expand": {"style": "deepObject", "explode": true}, "plain": {"contentType": "text/plain"}});
        let schema = json!({"properties": {"expand": {}, "plain": {}}});
        let body =
            read(json!({"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}}));
        let body = body.expect("reads").expect("has content");
        let Form::UrlEncoded(styles) = body.form else { panic!("found {:?}", body.form) };
        assert_eq!(styles.keys().collect::<Vec<_>>(), ["expand"]);
        assert_eq!(styles["expand"].style, Style::DeepObject);
    }
}
