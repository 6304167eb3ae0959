//! All documents of one description, and walks through them along `$ref`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::OpenApiError;
use super::percent::decoded;
use super::place::{Place, value};
use super::reach::Reach;

/// Maximum number of documents of one description.
const DOCUMENTS: usize = 500;
/// Maximum number of references that may lead to each other.
const HOPS: usize = 32;

/// A description with every document that it refers to.
#[derive(Debug)]
pub(super) struct Documents {
    /// The first is the one that the owner named.
    documents: Vec<(Place, Value)>,
    /// References whose documents cannot be read, with the reason.
    unreadable: BTreeMap<String, String>,
}

/// A value inside of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    documents: &'a Documents,
    document: usize,
    pub(super) value: &'a Value,
}

impl Documents {
    /// A description that refers to nothing outside.
    pub(super) fn of(place: Place, root: Value) -> Self {
        Self { documents: vec![(place, root)], unreadable: BTreeMap::new() }
    }

    /// Reads a description and the documents that it refers to. Documents that cannot be read matter only to the
    /// operations that need them.
    pub(super) fn read(source: &str, reach: &Reach) -> Result<Self, OpenApiError> {
        let place = Place::of(source).map_err(|message| OpenApiError::Read { message })?;
        let text = place.read(reach).map_err(|message| OpenApiError::Read { message })?;
        let root =
            value(&text).map_err(|message| OpenApiError::Document { place: place.to_string(), message })?;
        let mut documents = Self::of(place, root);
        let mut next = 0;
        while next < documents.documents.len() {
            documents.load_references(next, reach);
            next += 1;
        }
        Ok(documents)
    }

    fn load_references(&mut self, document: usize, reach: &Reach) {
        let Some((place, root)) = self.documents.get(document) else { return };
        let place = place.clone();
        let mut files = Vec::new();
        collect_files(root, &mut files);
        for file in files {
            let outcome = place.join(&file).and_then(|place| match self.index(&place) {
                Some(_) => Ok(None),
                None if self.documents.len() >= DOCUMENTS => {
                    Err(format!("found more than {DOCUMENTS} documents"))
                }
                None => place.read(reach).and_then(|text| value(&text)).map(|root| Some((place, root))),
            });
            match outcome {
                Ok(loaded) => self.documents.extend(loaded),
                Err(message) => {
                    self.unreadable.insert(format!("{place} {file}"), message);
                }
            }
        }
    }

    fn index(&self, wanted: &Place) -> Option<usize> {
        self.documents.iter().position(|(place, _)| place == wanted)
    }

    /// The whole description.
    pub(super) fn root(&self) -> Node<'_> {
        Node {
            documents: self,
            document: 0,
            value: self.documents.first().map_or(&Value::Null, |(_, root)| root),
        }
    }

    /// Where the description is.
    pub(super) fn place(&self) -> Option<&Place> {
        self.documents.first().map(|(place, _)| place)
    }
}

impl<'a> Node<'a> {
    fn with(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    /// The whole description that this value is in.
    pub(super) fn root(self) -> Self {
        self.documents.root()
    }

    /// A field of this object.
    pub(super) fn get(self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| self.with(value))
    }

    /// The text of a field; `None` if it is absent or not a text.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    /// Whether a field is true.
    pub(super) fn flag(self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The items of a list field; empty if it is absent.
    pub(super) fn list(self, name: &str) -> impl Iterator<Item = Self> {
        let items = self.value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().map(move |value| self.with(value))
    }

    /// The fields of this object; empty if it is not one.
    pub(super) fn fields(self) -> impl Iterator<Item = (&'a str, Self)> {
        let fields = self.value.as_object().into_iter().flatten();
        fields.map(move |(name, value)| (name.as_str(), self.with(value)))
    }

    /// This value, or what its `$ref` leads to.
    ///
    /// # Errors
    /// A reference that leads nowhere or in a circle.
    pub(super) fn resolved(self) -> Result<Self, String> {
        let mut node = self;
        for _ in 0..HOPS {
            match node.text("$ref") {
                Some(reference) => node = node.referred(reference)?,
                None => return Ok(node),
            }
        }
        Err(format!("`{}`: found references in a circle", self.text("$ref").unwrap_or_default()))
    }

    fn referred(self, reference: &str) -> Result<Self, String> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if file.is_empty() { self.document } else { self.document_of(file)? };
        let Some((_, root)) = self.documents.documents.get(document) else {
            return Err(format!("`{reference}`: found no document"));
        };
        let value = root.pointer(&decoded(fragment)).or_else(|| root.pointer(fragment));
        let value = value.ok_or_else(|| format!("`{reference}`: found nothing there"))?;
        Ok(Self { document, value, ..self })
    }

    fn document_of(self, file: &str) -> Result<usize, String> {
        let documents = self.documents;
        let Some((place, _)) = documents.documents.get(self.document) else {
            return Err(format!("`{file}`: found no document"));
        };
        if let Some(message) = documents.unreadable.get(&format!("{place} {file}")) {
            return Err(format!("`{file}`: {message}"));
        }
        let found = place.join(file).map(|place| documents.index(&place))?;
        found.ok_or_else(|| format!("`{file}`: found no such document"))
    }
}

/// The files that references inside of a value name.
fn collect_files(value: &Value, files: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_files(item, files)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(reference) if name == "$ref" => {
                        let file = reference.split('#').next().unwrap_or_default();
                        if !file.is_empty() && !files.iter().any(|known| known == file) {
                            files.push(file.to_owned());
                        }
                    }
                    value => collect_files(value, files),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_lead_through_files() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writes");
        write(
            "a.yaml",
            "x: {$ref: 'b.json#/y'}\nbroken: {$ref: 'c.yaml#/z'}\nnothing: {$ref: '#/w'}\nown: {$ref: '#/a~1b'}\na/b: 7\n",
        );
        write("b.json", "{\"y\": {\"$ref\": \"#/z\"}, \"z\": {\"$ref\": \"a.yaml#/own\"}}");
        let source = folder.path().join("a.yaml").display().to_string();
        let documents = Documents::read(&source, &Reach::default()).expect("reads");
        let resolved = |name: &str| {
            documents.root().get(name).expect("is there").resolved().map(|node| node.value.clone())
        };
        assert_eq!(resolved("x"), Ok(json!(7)));
        assert!(resolved("broken").expect_err("no such file").contains("c.yaml"));
        assert_eq!(resolved("nothing"), Err("`#/w`: found nothing there".to_owned()));
    }

    #[test]
    fn a_circle_is_an_error() {
        let root = json!({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}});
        let documents = Documents::of(Place::of("a.json").expect("is a path"), root);
        let error = documents.root().get("a").expect("is there").resolved().expect_err("a circle");
        assert_eq!(error, "`#/b`: found references in a circle");
    }
}
