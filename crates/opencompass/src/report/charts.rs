//! Plots as SVG: a radar of all models, and bars with intervals.

use std::f64::consts::TAU;
use std::fmt::Write;

use super::cells::Run;
use super::html::escaped;

/// Colors of the models, in order; they repeat after the last one (Okabe and Ito's palette).
const COLORS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
/// Maximum number of axes of a radar; more cannot be read.
const MAX_AXES: usize = 24;
/// Width of the bars' area in pixels, for scores from 0 to 100.
const BAR_WIDTH: f64 = 460.0;
/// Space for names left of the bars in pixels.
const NAME_WIDTH: f64 = 260.0;
/// Height of one bar in pixels.
const BAR_HEIGHT: f64 = 14.0;

/// Returns the color of a model.
pub(super) fn color(model: usize) -> &'static str {
    COLORS[model % COLORS.len()]
}

/// Writes the names of the models next to their colors.
pub(super) fn legend(models: &[String]) -> String {
    let entry = |(place, name): (usize, &String)| {
        format!("<span class=\"key\" style=\"background:{}\"></span>{} ", color(place), escaped(name))
    };
    format!("<p class=\"legend\">{}</p>", models.iter().enumerate().map(entry).collect::<String>())
}

/// Draws one polygon per model over axes from 0 to 100. `axes` are names with one score per model. Empty with fewer than
/// three axes.
pub(super) fn radar(axes: &[(String, Vec<Option<f64>>)], models: usize) -> String {
    let axes = &axes[..axes.len().min(MAX_AXES)];
    if axes.len() < 3 {
        return String::new();
    }
    let (center, radius) = (260.0, 180.0);
    let point = |axis: usize, share: f64| {
        let angle = TAU * axis as f64 / axes.len() as f64 - TAU / 4.0;
        (center + radius * share * angle.cos(), center + radius * share * angle.sin())
    };
    let polygon = |share: &dyn Fn(usize) -> f64| {
        let points = (0..axes.len()).map(|axis| point(axis, share(axis)));
        points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
    };
    let mut svg = "<svg viewBox=\"0 0 520 520\" class=\"radar\" role=\"img\">".to_owned();
    for ring in [0.25, 0.5, 0.75, 1.0] {
        append(&mut svg, &format!("<polygon points=\"{}\" class=\"grid\"/>", polygon(&|_| ring)));
    }
    for (place, (name, _)) in axes.iter().enumerate() {
        let (x, y) = point(place, 1.08);
        let anchor = if x > center + 5.0 {
            "start"
        } else if x < center - 5.0 {
            "end"
        } else {
            "middle"
        };
        let name = escaped(name);
        append(&mut svg, &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{name}</text>"));
    }
    for model in 0..models {
        let share =
            |axis: usize| axes[axis].1.get(model).copied().flatten().unwrap_or(0.0).clamp(0.0, 100.0) / 100.0;
        let (points, color) = (polygon(&share), color(model));
        append(
            &mut svg,
            &format!(
                "<polygon points=\"{points}\" fill=\"{color}\" fill-opacity=\"0.1\" stroke=\"{color}\"/>"
            ),
        );
    }
    svg + "</svg>"
}

/// Draws one bar per cell whose score is between 0 and 100, with its interval as a line.
pub(super) fn bars(run: &Run) -> String {
    let mut rows = String::new();
    let mut y = 4.0;
    for dataset in &run.datasets {
        let label = y + BAR_HEIGHT - 3.0;
        let mut drawn = false;
        for (place, model) in run.models.iter().enumerate() {
            let Some(cell) = run.cell(model, dataset) else { continue };
            let Some((metric, score)) = &cell.headline else { continue };
            if !(0.0..=100.0).contains(score) {
                continue;
            }
            if !drawn {
                let name = escaped(dataset);
                append(
                    &mut rows,
                    &format!(
                        "<text x=\"{}\" y=\"{label:.0}\" text-anchor=\"end\">{name}</text>",
                        NAME_WIDTH - 6.0
                    ),
                );
                drawn = true;
            }
            let scale = |score: f64| NAME_WIDTH + BAR_WIDTH * score / 100.0;
            let (width, color) = (scale(*score) - NAME_WIDTH, color(place));
            let (model, dataset, metric) = (escaped(model), escaped(dataset), escaped(metric));
            let title = format!("{model} on {dataset}: {metric} {score:.2}");
            append(
                &mut rows,
                &format!(
                    "<rect x=\"{NAME_WIDTH}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{}\" fill=\"{color}\"><title>{title}</title></rect>",
                    BAR_HEIGHT - 3.0
                ),
            );
            if let Some((low, high)) = cell.interval {
                let middle = y + (BAR_HEIGHT - 3.0) / 2.0;
                append(
                    &mut rows,
                    &format!(
                        "<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" class=\"interval\"/>",
                        scale(low.clamp(0.0, 100.0)),
                        scale(high.clamp(0.0, 100.0))
                    ),
                );
            }
            y += BAR_HEIGHT;
        }
        if drawn {
            y += 5.0;
        }
    }
    if rows.is_empty() {
        return rows;
    }
    let width = NAME_WIDTH + BAR_WIDTH + 10.0;
    format!("<svg viewBox=\"0 0 {width} {y:.0}\" class=\"bars\" role=\"img\">{rows}</svg>")
}

fn append(svg: &mut String, element: &str) {
    writeln!(svg, "{element}").expect("a String takes every write");
}
