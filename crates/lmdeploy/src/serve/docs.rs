//! `GET /openapi.json`, and the page that shows it: Swagger UI, whose files are in the binary.

use std::io::{Cursor, Read};
use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderName, header};
use axum::response::Html;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

use super::failure::Failure;

/// Where the files of the page are in the archive.
const FOLDER: &str = "swagger-ui-5.32.6/dist";
/// The files of the archive that the page needs, and their content types.
const FILES: [(&str, &str); 3] = [
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];
/// The script that starts the page; it has a file of its own, so that a page may forbid scripts in its text.
const START: (&str, &str) = (
    "start.js",
    "window.ui = SwaggerUIBundle({ url: \"openapi.json\", dom_id: \"#swagger-ui\", deepLinking: true });\n",
);
/// All addresses are relative, so that the page works behind a proxy that adds a folder.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lmdeploy</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"#;

/// The OpenAPI document of a router, as text.
#[derive(Clone, Debug)]
pub(super) struct Document(Arc<str>);

impl Document {
    /// Written once, because the routes of a router do not change.
    pub(super) fn new(document: &serde_json::Value) -> Self {
        Self(document.to_string().into())
    }
}

/// Answers with the OpenAPI document.
pub(super) async fn openapi(
    Extension(document): Extension<Document>,
) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "application/json")], document.0.to_string())
}

/// Answers with the page.
pub(super) async fn page() -> Html<&'static str> {
    Html(PAGE)
}

/// Answers with one of the page's files.
pub(super) async fn file(
    name: Result<Path<String>, PathRejection>,
) -> Result<([(HeaderName, &'static str); 1], Vec<u8>), Failure> {
    let Path(name) = name.map_err(|found| Failure::new(found.status().as_u16(), found.body_text()))?;
    if name == START.0 {
        return Ok(([(header::CONTENT_TYPE, FILES[1].1)], START.1.as_bytes().to_vec()));
    }
    let absent = || Failure::new(404, format!("/docs/{name} is not a file of this server"));
    let (name, kind) = FILES.into_iter().find(|(file, _)| *file == name).ok_or_else(absent)?;
    let content = unpack(name).map_err(|error| Failure::new(500, format!("/docs/{name}: {error}")))?;
    Ok(([(header::CONTENT_TYPE, kind)], content))
}

/// Reads a file from the archive.
fn unpack(name: &str) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut content = Vec::new();
    archive.by_name(&format!("{FOLDER}/{name}"))?.read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_in_the_archive() {
        for (name, _) in FILES {
            assert!(unpack(name).expect(name).len() > 100, "{name}");
            assert!(PAGE.contains(&format!("\"docs/{name}\"")), "{name}");
        }
        assert!(PAGE.contains(&format!("\"docs/{}\"", START.0)));
        assert!(unpack("index.exe").is_err());
    }
}
