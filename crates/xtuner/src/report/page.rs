//! [`write_report`]: the page of a run.

use std::path::{Path, PathBuf};

use internlm_kit::file;
use serde_json::{Map, Value};

use super::charts::charts;
use super::drawing::escaped;
use super::metrics::columns;
use crate::Result;

const STYLE: &str = include_str!("style.css");

/// Writes `report.html` of the run in the folder `out` from its `metrics.jsonl` and, when it is finished, its
/// `summary.json`, and gives the path of the page. A run that has measured nothing yet has no report.
///
/// # Errors
/// Files that cannot be read or written, and metrics that are malformed.
pub fn write_report(out: impl AsRef<Path>) -> Result<Option<PathBuf>> {
    let out = out.as_ref();
    let metrics = out.join("metrics.jsonl");
    if !metrics.is_file() {
        return Ok(None);
    }
    let drawn = charts(&columns(&metrics)?);
    if drawn.is_empty() {
        return Ok(None);
    }
    let name = out.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let title = escaped(&format!("xtuner: {name}"));
    let body = format!("<h1>{title}</h1>\n{}{}", drawn.concat(), summary(&out.join("summary.json")));
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body><main>{body}</main></body></html>\n"
    );
    let path = out.join("report.html");
    file::write(&path, page)?;
    Ok(Some(path))
}

/// The table of the run's numbers; empty for a run without any.
fn summary(path: &Path) -> String {
    let numbers = file::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let numbers: Map<String, Value> = numbers.unwrap_or_default();
    if numbers.is_empty() {
        return String::new();
    }
    let row = |(name, value): (&String, &Value)| {
        let (name, value) = (escaped(&name.replace('_', " ")), escaped(&value.to_string()));
        format!("<tr><td>{name}</td><td class=\"number\">{value}</td></tr>")
    };
    format!("<h2>Numbers</h2>\n<table>{}</table>\n", numbers.iter().map(row).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_curves_and_numbers_and_loads_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let out = folder.path();
        assert_eq!(write_report(out).expect("nothing measured"), None);
        file::write(out.join("metrics.jsonl"), "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":1.5}\n")
            .expect("writes");
        let path = write_report(out).expect("writes").expect("a report");
        let page = file::read_to_string(&path).expect("reads");
        assert!(page.contains("<svg") && !page.contains("Numbers"));
        file::write(out.join("summary.json"), "{\"train_loss\": 1.5}").expect("writes");
        write_report(out).expect("writes");
        let page = file::read_to_string(&path).expect("reads");
        assert!(page.contains("<td>train loss</td><td class=\"number\">1.5</td>"), "{page}");
        assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("http"));
    }
}
