//! Puts the page together.

use std::path::PathBuf;

use internlm_kit::file;
use serde_json::{Value, json};

use super::bars::bars;
use super::cells::Run;
use super::compare::compare;
use super::html::{escaped, policy, script_json};
use super::items::Items;
use super::letters::{LetterBias, letters};
use super::palette::legend;
use super::pictures::pictures;
use super::radar::radar;
use super::room::shares;
use super::{letters_table, side_by_side, tables};
use crate::Result;
use crate::counted::counted;
use crate::run_folder::RunFolder;

/// Maximum number of bytes of the page; less than 15 MB in every meaning of the word.
const SIZE: usize = 14_000_000;

const STYLE: &str = include_str!("style.css");
/// The item viewer, and the sorting of tables.
const SCRIPT: &str = concat!(include_str!("viewer.js"), include_str!("sort.js"));

/// The controls of the item viewer. The script fills them.
const VIEWER: &str = "<section id=\"viewer\"><h2>Items</h2><noscript><p>The items need a browser with \
     JavaScript.</p></noscript><div class=\"controls\" role=\"search\">\
     <label>dataset <select id=\"dataset\"></select></label> <label>model <select id=\"model\"></select></label> \
     <label>next to <select id=\"beside\"></select></label> <label>show <select id=\"verdict\"></select></label> \
     <label>containing <input id=\"text\" type=\"search\" autocomplete=\"off\"></label> \
     <button id=\"unfold\" type=\"button\">open all</button></div>\
     <p class=\"facts\"><span id=\"count\" role=\"status\"></span> <span id=\"note\"></span></p>\
     <div id=\"list\"></div><p><button id=\"more\" type=\"button\" hidden>more items</button></p></section>";

/// Writes `report/index.html` into the first folder and returns its path. Further folders are shown next to it, each
/// compared with the first one.
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
    let runs = read(folders)?;
    let title = runs.iter().map(|run| escaped(&run.label)).collect::<Vec<_>>().join(" and ");
    let mut links = String::new();
    let mut body = String::new();
    let mut section = |id: String, name: &str, content: &str| {
        links.push_str(&format!("<a href=\"#{id}\">{}</a>", escaped(name)));
        body.push_str(&format!("<section id=\"{id}\"><h2>{}</h2>{content}</section>\n", escaped(name)));
    };
    for (place, (other, run)) in folders.iter().zip(&runs).enumerate().skip(1) {
        let table = side_by_side::table(&runs[0], run, &compare(folders[0], other)?);
        section(format!("compared-{place}"), &format!("{} and {}", runs[0].label, run.label), &table);
    }
    for (place, (folder, run)) in folders.iter().zip(&runs).enumerate() {
        section(format!("scores-{place}"), &format!("Scores of {}", run.label), &scores(folder, run)?);
    }
    let (index, blocks, items) = items(folders, &runs, SIZE.saturating_sub(body.len() + SCRIPT.len()))?;
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
         <style>{STYLE}</style></head><body><header><h1>{title}</h1><p class=\"facts\">{}</p>\
         <nav>{links}<a href=\"#viewer\">Items</a></nav></header><main>{body}{VIEWER}</main>\
         <script type=\"application/json\" id=\"index\">{}</script>\n{blocks}<script>{SCRIPT}</script></body></html>\n",
        policy(SCRIPT),
        facts(&runs, items),
        script_json(&index)
    ))
}

/// Reads the runs. Runs of one name get a number, so that they can be told apart.
fn read(folders: &[&RunFolder]) -> Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    let mut cells = 0;
    for (place, folder) in folders.iter().enumerate() {
        let mut run = Run::read(folder, cells)?;
        cells += run.cells.len();
        if folders.iter().filter(|other| other.label() == folder.label()).count() > 1 {
            run.label = format!("{} ({})", run.label, place + 1);
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Writes what the page is about in one line.
fn facts(runs: &[Run], items: usize) -> String {
    let mut datasets: Vec<&String> = runs.iter().flat_map(|run| &run.datasets).collect();
    let mut models: Vec<&String> = runs.iter().flat_map(|run| &run.models).collect();
    for names in [&mut datasets, &mut models] {
        names.sort_unstable();
        names.dedup();
    }
    let mut facts = vec![
        counted(datasets.len(), "dataset"),
        counted(models.len(), "model"),
        counted(items, "item"),
        "intervals of 95 %".to_owned(),
    ];
    let mut denominators: Vec<&str> = runs.iter().map(|run| run.denominator.as_str()).collect();
    denominators.dedup();
    if denominators.iter().any(|denominator| !denominator.is_empty()) {
        facts.push(format!("perplexity denominator {}", escaped(&denominators.join(" and "))));
    }
    facts.join(" · ")
}

/// Writes tables and plots of one run.
fn scores(folder: &RunFolder, run: &Run) -> Result<String> {
    let mut html = tables::scores(run);
    html.push_str(&tables::groups(run));
    html.push_str(&tables::metrics(run));
    let (radar, bars) = (radar(run), bars(run));
    if !radar.is_empty() || !bars.is_empty() {
        let legend = legend(&run.models);
        html.push_str(&format!("<h3>Plots</h3>{legend}<div class=\"plots\">{bars}{radar}</div>"));
    }
    html.push_str(&pictures(&folder.path().join("plots"))?);
    let mut biases: Vec<LetterBias> = Vec::new();
    for cell in &run.cells {
        let letters = letters(folder, &cell.model, &cell.dataset)?;
        if !letters.is_empty() {
            let (model, dataset) = (cell.model.clone(), cell.dataset.clone());
            biases.push(LetterBias { model, dataset, letters });
        }
    }
    html.push_str(&letters_table::table(&biases));
    Ok(html)
}

/// Returns the index of the cells for the viewer, one block of JSON per cell, which the viewer parses when it is chosen,
/// and the number of all items. The blocks have at most `room` bytes.
fn items(folders: &[&RunFolder], runs: &[Run], room: usize) -> Result<(Value, String, usize)> {
    let mut sizes = Vec::new();
    let mut places = Vec::new();
    for (number, (folder, run)) in folders.iter().zip(runs).enumerate() {
        for cell in &run.cells {
            let size = |kind: &str| {
                let path = folder.path().join(kind).join(&cell.model).join(format!("{}.json", cell.dataset));
                std::fs::metadata(path).map_or(0, |metadata| metadata.len() as usize)
            };
            // Escapes and the list's own signs take some more room than the files.
            sizes.push(2 * (size("predictions") + size("results")) + 64);
            places.push((number, folder, cell));
        }
    }
    let mut blocks = String::new();
    let mut index = Vec::new();
    let mut count = 0;
    // Every block is inside of an element, and has a line in the index.
    let room = room.saturating_sub(400 * places.len());
    for (place, room) in shares(&sizes, room).into_iter().enumerate() {
        let (number, folder, cell) = places[place];
        let items = Items::read(folder, &cell.model, &cell.dataset)?;
        count += items.count();
        let json = items.json(room);
        blocks.push_str(&format!("<script type=\"application/json\" id=\"items-{place}\">{json}</script>\n"));
        index.push(json!([number, cell.model, cell.dataset, cell.remarks.join("; ")]));
    }
    let labels: Vec<&str> = runs.iter().map(|run| run.label.as_str()).collect();
    Ok((json!({ "runs": labels, "cells": index }), blocks, count))
}
