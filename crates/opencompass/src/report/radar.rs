//! The radar plot: one line per model over axes from 0 to 100, as SVG.

use std::f64::consts::TAU;
use std::fmt::Write;

use super::cells::{FACTS, Run, on_scale};
use super::html::escaped;
use super::palette::{color, shortened};

/// Maximum number of axes; more cannot be read.
const MAX_AXES: usize = 24;
/// Maximum length of an axis' name in characters.
const NAME: usize = 18;
/// Middle of the plot in pixels.
const CENTER: (f64, f64) = (280.0, 200.0);
/// Distance of score 100 from the middle in pixels.
const RADIUS: f64 = 150.0;

/// One axis of the plot with the scores of the models in their order.
struct Axis {
    name: String,
    scores: Vec<Option<f64>>,
}

/// Draws the groups if there are three or more, otherwise the datasets. Empty with fewer than three axes.
pub(super) fn radar(run: &Run) -> String {
    let all = axes(run);
    let axes = &all[..all.len().min(MAX_AXES)];
    if axes.len() < 3 {
        return String::new();
    }
    let mut svg =
        "<svg viewBox=\"0 0 560 400\" class=\"radar\" role=\"img\"><title>Scores of the models, one axis \
                   each</title>"
            .to_owned();
    for ring in [25.0, 50.0, 75.0, 100.0] {
        let points: Vec<String> = (0..axes.len()).map(|axis| at(point(axis, axes.len(), ring))).collect();
        append(&mut svg, &format!("<polygon points=\"{}\" class=\"grid\"/>", points.join(" ")));
    }
    for (place, axis) in axes.iter().enumerate() {
        let (x, y) = point(place, axes.len(), 108.0);
        let anchor = match x - CENTER.0 {
            right if right > 5.0 => "start",
            left if left < -5.0 => "end",
            _ => "middle",
        };
        let (short, name) = (escaped(&shortened(&axis.name, NAME)), escaped(&axis.name));
        append(
            &mut svg,
            &format!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{short}<title>{name}</title></text>",
                y + 4.0
            ),
        );
    }
    for (model, name) in run.models.iter().enumerate() {
        svg.push_str(&line(axes, model, name));
    }
    svg.push_str("</svg>");
    let left = all.len() - axes.len();
    let note = if left > 0 { format!(" The first {MAX_AXES} of {} axes.", all.len()) } else { String::new() };
    format!(
        "<figure class=\"radar\"><div class=\"scroll\">{svg}</div><figcaption>From 0 in the middle to 100. A line has a \
         gap where the model has no score.{note}</figcaption></figure>"
    )
}

/// Returns the axes of the plot. Only percentages have a place on them.
fn axes(run: &Run) -> Vec<Axis> {
    let score = |cell: &String| cell.trim_end_matches(['!', '?']).parse::<f64>().ok();
    let group = |row: &Vec<String>| {
        let scores: Vec<Option<f64>> = row.iter().skip(FACTS).map(score).collect();
        let metric = row.get(2).map_or("", String::as_str);
        let fits = scores.iter().flatten().all(|score| on_scale(metric, *score));
        fits.then(|| Axis { name: row[0].clone(), scores })
    };
    let groups: Vec<Axis> = run.group_rows().filter_map(group).filter(Axis::is_met).collect();
    if groups.len() >= 3 {
        return groups;
    }
    let set = |dataset: &String| {
        let headline = |model: &String| run.cell(model, dataset)?.headline.as_ref();
        let headlines: Vec<Option<&(String, f64)>> = run.models.iter().map(headline).collect();
        let fits = headlines.iter().flatten().all(|(metric, score)| on_scale(metric, *score));
        let scores = headlines.into_iter().map(|headline| headline.map(|(_, score)| *score)).collect();
        fits.then(|| Axis { name: dataset.clone(), scores })
    };
    run.datasets.iter().filter_map(set).filter(Axis::is_met).collect()
}

impl Axis {
    /// Says whether any model has a score on the axis.
    fn is_met(&self) -> bool {
        self.scores.iter().any(Option::is_some)
    }
}

/// Draws the line of a model: closed and filled where it has every score, otherwise with gaps.
fn line(axes: &[Axis], model: usize, name: &str) -> String {
    let scores: Vec<Option<f64>> =
        axes.iter().map(|axis| axis.scores.get(model).copied().flatten()).collect();
    let (color, name) = (color(model), escaped(name));
    let mut path = String::new();
    let mut dots = String::new();
    let mut joined = false;
    for (place, score) in scores.iter().enumerate() {
        let Some(score) = score else {
            joined = false;
            continue;
        };
        let (x, y) = point(place, axes.len(), *score);
        let step = if joined { 'L' } else { 'M' };
        path.push_str(&format!("{step}{x:.1} {y:.1}"));
        joined = true;
        let axis = escaped(&axes[place].name);
        dots.push_str(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{name} on {axis}: {score:.2}</title></circle>"
        ));
    }
    let whole = scores.iter().all(Option::is_some);
    match (whole, scores.first().copied().flatten()) {
        (true, _) => path.push('Z'),
        // The last axis is next to the first one.
        (false, Some(first)) if joined => path.push_str(&format!("L{}", at(point(0, axes.len(), first)))),
        _ => {}
    }
    let kind = if whole { "line whole" } else { "line" };
    format!("<g class=\"{color}\"><path d=\"{path}\" class=\"{kind}\"/>{dots}</g>\n")
}

/// Returns the place of a score on an axis.
fn point(axis: usize, axes: usize, score: f64) -> (f64, f64) {
    let angle = TAU * axis as f64 / axes as f64 - TAU / 4.0;
    let distance = RADIUS * score / 100.0;
    (CENTER.0 + distance * angle.cos(), CENTER.1 + distance * angle.sin())
}

fn at((x, y): (f64, f64)) -> String {
    format!("{x:.1},{y:.1}")
}

fn append(svg: &mut String, element: &str) {
    writeln!(svg, "{element}").expect("a String takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str, scores: &[Option<f64>]) -> Axis {
        Axis { name: name.to_owned(), scores: scores.to_vec() }
    }

    #[test]
    fn a_missing_score_is_a_gap_and_not_zero() {
        let axes = [
            axis("a", &[Some(50.0), Some(50.0)]),
            axis("<b>", &[Some(100.0), None]),
            axis("c", &[Some(0.0), Some(10.0)]),
            axis("d", &[Some(10.0), Some(20.0)]),
        ];
        let (whole, gap) = (line(&axes, 0, "one"), line(&axes, 1, "two"));
        assert!(whole.contains("Z\" class=\"line whole\""), "{whole}");
        assert_eq!(whole.matches("<circle").count(), 4, "{whole}");
        assert!(whole.contains("one on &lt;b&gt;: 100.00"), "{whole}");
        assert_eq!((gap.matches('M').count(), gap.matches("<circle").count()), (2, 3), "{gap}");
        // The line of the second model leads from the last axis back to the first one.
        assert!(gap.contains("L280.0,125.0\" class=\"line\""), "{gap}");
    }
}
