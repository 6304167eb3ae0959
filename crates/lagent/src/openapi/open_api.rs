//! [`OpenApi`]: reads descriptions of services.

use std::sync::Arc;

use super::config::OpenApiConfig;
use super::document::Documents;
use super::error::OpenApiError;
use super::import::Import;
use super::place::{Place, value};
use super::rapid_api::converted;
use super::reach::Reach;
use crate::action::{Action, ToolSettings};

/// Reads descriptions of services: OpenAPI 3.0 and 3.1 in JSON or YAML, and RapidAPI's listings of endpoints.
///
/// ```
/// use lagent::openapi::OpenApi;
///
/// let text = r#"
/// openapi: 3.1.0
/// paths:
///   /pets/{id}:
///     get:
///       operationId: getPet
///       parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
/// "#;
/// let import = OpenApi::parse(text)?;
/// assert_eq!(import.specs("pets")[0].name, "pets.getPet");
/// assert!(import.skipped().is_empty());
/// # Ok::<(), lagent::openapi::OpenApiError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OpenApi;

impl OpenApi {
    /// Reads a file or an address, and the files that it refers to. Private addresses are refused.
    ///
    /// # Errors
    /// [`OpenApiError::Read`] and [`OpenApiError::Document`]; operations that cannot be called are not errors.
    pub fn read(source: &str) -> Result<Import, OpenApiError> {
        Self::read_within(source, &Reach::default())
    }

    /// Reads a text that refers to no files.
    ///
    /// # Errors
    /// [`OpenApiError::Document`].
    pub fn parse(text: &str) -> Result<Import, OpenApiError> {
        let place = Place::File("openapi".into());
        let root =
            value(text).map_err(|message| OpenApiError::Document { place: place.to_string(), message })?;
        Self::import(Documents::of(place, root))
    }

    /// Reads the description of a configured service and creates its tools, named `NAME.operation`.
    ///
    /// # Errors
    /// Those of [`OpenApi::read`] and [`Import::actions`].
    pub fn actions(
        name: &str,
        config: &OpenApiConfig,
        settings: &ToolSettings,
    ) -> Result<Vec<Arc<dyn Action>>, OpenApiError> {
        let reach = Reach::new(&config.allow_private);
        Self::read_within(&config.source, &reach)?.actions(name, config, settings)
    }

    /// Reads the description of a configured service, whose hosts may be private if the configuration says so.
    ///
    /// # Errors
    /// Those of [`OpenApi::read`].
    pub fn read_configured(config: &OpenApiConfig) -> Result<Import, OpenApiError> {
        Self::read_within(&config.source, &Reach::new(&config.allow_private))
    }

    fn read_within(source: &str, reach: &Reach) -> Result<Import, OpenApiError> {
        Self::import(Documents::read(source, reach)?)
    }

    fn import(documents: Documents) -> Result<Import, OpenApiError> {
        let Some(place) = documents.place().cloned() else { return Import::of(&documents) };
        match converted(documents.root().value) {
            None => Import::of(&documents),
            Some(Ok(document)) => Import::of(&Documents::of(place, document)),
            Some(Err(message)) => Err(OpenApiError::Document { place: place.to_string(), message }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        OpenApi::parse(text).expect_err("cannot be used").to_string()
    }

    #[test]
    fn other_documents_are_refused_by_name() {
        assert_eq!(
            message("{\"swagger\": \"2.0\"}"),
            "openapi: found Swagger \"2.0\", expected OpenAPI 3.0 or 3.1, or a RapidAPI listing"
        );
        assert!(message("openapi: 4.0.0").contains("found OpenAPI 4.0.0"));
        assert!(message("a: 1").contains("found no key `openapi`"));
        assert!(message("a: [").starts_with("openapi: "));
        assert!(
            OpenApi::parse("openapi: 3.1").is_ok() && OpenApi::parse("openapi: 3.0.3\npaths: {}").is_ok()
        );
    }

    #[test]
    fn a_listing_is_imported_as_it_is() {
        let text =
            r#"{"host": "h.p.rapidapi.com", "api_list": [{"name": "A b", "url": "/a", "method": "GET"}]}"#;
        let import = OpenApi::parse(text).expect("is a listing");
        let specs = import.specs("r");
        assert_eq!(
            (specs[0].name.as_str(), &specs[0].parameters["properties"]),
            ("r.A_b", &serde_json::json!({}))
        );
        assert_eq!(specs[0].description, "A b");
    }
}
