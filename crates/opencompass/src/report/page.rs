//! Puts the page together.

use std::path::{Path, PathBuf};

use internlm_kit::file;
use serde_json::{Value, json};

use super::cells::Run;
use super::compare::compare;
use super::html::{escaped, script_json};
use super::items::Items;
use super::letters::{LetterBias, letters};
use super::room::shares;
use super::{charts, tables};
use crate::Result;
use crate::run_folder::RunFolder;

/// Maximum number of bytes of all items together; the page stays below 15 MB.
const ROOM: usize = 12_000_000;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes `report/index.html` into the first folder and returns its path. Further folders are shown next to it, compared
/// with the first one.
///
/// # Errors
/// [`Error::UnknownName`](crate::Error::UnknownName) when a folder has no scored run;
/// [`Error::Content`](crate::Error::Content) when a file of it is damaged; [`Error::File`](crate::Error::File).
pub fn write_report(folders: &[&RunFolder]) -> Result<PathBuf> {
    let Some(first) = folders.first() else { return Ok(PathBuf::new()) };
    let path = first.path().join("report/index.html");
    file::write(&path, page(folders)?)?;
    Ok(path)
}

fn page(folders: &[&RunFolder]) -> Result<String> {
    let runs: Vec<Run> = folders.iter().map(|folder| Run::read(folder)).collect::<Result<_>>()?;
    let title = runs.iter().map(|run| escaped(&run.label)).collect::<Vec<_>>().join(" and ");
    let mut body = format!("<h1>{title}</h1>");
    if let (Some(one), Some(two)) = (folders.first(), folders.get(1)) {
        let labels = (one.label(), two.label());
        body.push_str(&tables::differences(labels, &compare(one, two)?));
    }
    for (folder, run) in folders.iter().zip(&runs) {
        body.push_str(&section(folder, run)?);
    }
    let (index, blocks) = items(folders, &runs)?;
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>{body}{}\
         <script type=\"application/json\" id=\"index\">{}</script>\n{blocks}<script>{SCRIPT}</script></body></html>\n",
        viewer(),
        script_json(&index)
    ))
}

/// Writes tables and plots of one run.
fn section(folder: &RunFolder, run: &Run) -> Result<String> {
    let mut html = format!("<h2>Scores of {}</h2>", escaped(&run.label));
    html.push_str(&charts::legend(&run.models));
    html.push_str(&tables::scores(run));
    html.push_str(&tables::groups(run));
    html.push_str("<div class=\"plots\">");
    html.push_str(&charts::radar(&axes(run), run.models.len()));
    html.push_str(&charts::bars(run));
    html.push_str("</div>");
    html.push_str(&plots(&folder.path().join("plots"))?);
    let mut biases: Vec<LetterBias> = Vec::new();
    for cell in &run.cells {
        let letters = letters(folder, &cell.model, &cell.dataset)?;
        if !letters.is_empty() {
            let (model, dataset) = (cell.model.clone(), cell.dataset.clone());
            biases.push(LetterBias { model, dataset, letters });
        }
    }
    html.push_str(&tables::letters(&biases));
    Ok(html)
}

/// Returns the axes of the radar: the groups if there are three or more, otherwise the datasets. Only scores from 0 to
/// 100 have a place on them.
fn axes(run: &Run) -> Vec<(String, Vec<Option<f64>>)> {
    let facts = 4;
    let groups =
        run.table.iter().skip(1).filter(|row| row.first().is_some_and(|name| !run.datasets.contains(name)));
    let score = |cell: &String| cell.trim_end_matches(['!', '?']).parse().ok();
    let groups: Vec<(String, Vec<Option<f64>>)> =
        groups.map(|row| (row[0].clone(), row.iter().skip(facts).map(score).collect())).collect();
    if groups.len() >= 3 {
        return groups;
    }
    let scores = |dataset: &String| {
        let score = |model: &String| Some(run.cell(model, dataset)?.headline.as_ref()?.1);
        run.models.iter().map(score).collect::<Vec<Option<f64>>>()
    };
    let fits = |scores: &[Option<f64>]| scores.iter().flatten().all(|score| (0.0..=100.0).contains(score));
    let sets = run.datasets.iter().map(|dataset| (dataset.clone(), scores(dataset)));
    sets.filter(|(_, scores)| fits(scores)).collect()
}

/// Takes over the SVG files of the run's folder `plots`, such as heat maps of needle sets.
fn plots(folder: &Path) -> Result<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "svg")).collect();
    paths.sort();
    let mut html = String::new();
    for path in paths {
        let svg = file::read_to_string(&path)?;
        // The part before the drawing is for files of their own.
        let svg = svg.find("<svg").map_or("", |start| &svg[start..]);
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        html.push_str(&format!("<h3>{}</h3><div class=\"plot\">{svg}</div>", escaped(&name)));
    }
    Ok(html)
}

/// Returns the list of cells with items for the viewer, and one block of JSON per cell, which the viewer parses when it
/// is chosen.
fn items(folders: &[&RunFolder], runs: &[Run]) -> Result<(Value, String)> {
    let mut places: Vec<(&RunFolder, &str, &str)> = Vec::new();
    let mut sizes = Vec::new();
    for (folder, run) in folders.iter().zip(runs) {
        for cell in &run.cells {
            let size = |kind: &str| {
                let path = folder.path().join(kind).join(&cell.model).join(format!("{}.json", cell.dataset));
                std::fs::metadata(path).map_or(0, |metadata| metadata.len() as usize)
            };
            // Escapes and the list's own signs take some more room than the files.
            sizes.push(2 * (size("predictions") + size("results")) + 64);
            places.push((folder, &cell.model, &cell.dataset));
        }
    }
    let mut blocks = String::new();
    let mut index = Vec::new();
    for (place, room) in shares(&sizes, ROOM).into_iter().enumerate() {
        let (folder, model, dataset) = places[place];
        let json = Items::read(folder, model, dataset)?.json(room);
        blocks.push_str(&format!("<script type=\"application/json\" id=\"items-{place}\">{json}</script>\n"));
        index.push(json!([folder.label(), model, dataset]));
    }
    Ok((Value::Array(index), blocks))
}

/// Returns the controls of the item viewer.
fn viewer() -> &'static str {
    "<h2>Items</h2><p class=\"controls\"><label>cell <select id=\"cell\"></select></label> \
     <label>next to <select id=\"beside\"></select></label> <label>show <select id=\"verdict\">\
     <option value=\"all\">all items</option><option value=\"wrong\">wrong</option>\
     <option value=\"right\">right</option><option value=\"repeats\">repetitions</option>\
     <option value=\"failed\">failed or with a reason</option><option value=\"differ\">different verdicts</option>\
     </select></label> <label>containing <input id=\"text\" type=\"search\"></label> <span id=\"count\"></span></p>\
     <div id=\"list\"></div><p><button id=\"more\">more</button></p>"
}
