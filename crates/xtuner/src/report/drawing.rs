//! [`chart`]: lines over the steps as SVG text.

use std::fmt::Write as _;

use super::axis::{Axis, label};
use super::metrics::Column;

/// Size of a chart in pixels.
const SIZE: (f64, f64) = (860.0, 320.0);
/// Space around the lines: left, right, top, bottom.
const SPACE: (f64, f64, f64, f64) = (74.0, 18.0, 44.0, 46.0);
/// Colors that stay apart for color-blind readers (Okabe and Ito).
const COLORS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#282c34"];
/// Maximum number of points that are drawn one by one.
const MARKED: usize = 40;
/// Number of points from which their moving mean is drawn over them.
const NOISY: usize = 100;
/// Share of all points that one mean takes in: one of this number.
const WINDOW: usize = 50;

/// A chart of `columns` over the steps; `unit` is what the values are.
pub(super) fn chart(title: &str, unit: &str, columns: &[&Column]) -> String {
    let points = || columns.iter().flat_map(|column| column.points.iter());
    let steps = Axis::of(points().map(|(step, _)| *step), 0.0);
    let values = Axis::of(points().map(|(_, value)| *value), 0.05);
    let mut svg =
        format!("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", SIZE.0, SIZE.1, escaped(title));
    text(&mut svg, (SIZE.0 / 2.0, 26.0), ("middle", "title"), title);
    grid(&mut svg, &steps, &values);
    let middle = SPACE.2 + (SIZE.1 - SPACE.2 - SPACE.3) / 2.0;
    push(
        &mut svg,
        &format!(
            "<text transform=\"translate(16 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escaped(unit)
        ),
    );
    text(&mut svg, (SIZE.0 / 2.0, SIZE.1 - 8.0), ("middle", "unit"), "step");
    for (index, column) in columns.iter().enumerate() {
        lines(&mut svg, (&steps, &values), column, COLORS[index % COLORS.len()]);
    }
    if columns.len() > 1 {
        legend(&mut svg, columns);
    }
    svg + "</svg>\n"
}

/// Where a step and a value are.
fn place((steps, values): (&Axis, &Axis), (step, value): (f64, f64)) -> (f64, f64) {
    let (left, right, top, bottom) = SPACE;
    let (width, height) = (SIZE.0 - left - right, SIZE.1 - top - bottom);
    (left + width * steps.share(step), top + height * (1.0 - values.share(value)))
}

fn grid(svg: &mut String, steps: &Axis, values: &Axis) {
    let (left, right, _, bottom) = SPACE;
    for tick in &values.ticks {
        let (_, y) = place((steps, values), (steps.low, *tick));
        let end = SIZE.0 - right;
        push(svg, &format!("<line class=\"grid\" x1=\"{left}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"));
        text(svg, (left - 8.0, y + 4.0), ("end", "tick"), &label(*tick));
    }
    for tick in &steps.ticks {
        let (x, _) = place((steps, values), (*tick, values.low));
        text(svg, (x, SIZE.1 - bottom + 18.0), ("middle", "tick"), &label(*tick));
    }
}

fn lines(svg: &mut String, axes: (&Axis, &Axis), column: &Column, color: &str) {
    if column.points.len() >= NOISY {
        line(svg, axes, &column.points, (color, "faint"));
        line(svg, axes, &moving_mean(&column.points), (color, "bold"));
    } else {
        line(svg, axes, &column.points, (color, "bold"));
    }
    if column.points.len() <= MARKED {
        for point in &column.points {
            let (x, y) = place(axes, *point);
            push(svg, &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{color}\"/>"));
        }
    }
}

fn line(svg: &mut String, axes: (&Axis, &Axis), points: &[(f64, f64)], (color, class): (&str, &str)) {
    let places = points.iter().map(|point| place(axes, *point));
    let places: Vec<String> = places.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    push(svg, &format!("<polyline class=\"{class}\" stroke=\"{color}\" points=\"{}\"/>", places.join(" ")));
}

/// The mean of the points around each point.
fn moving_mean(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let half = points.len() / WINDOW / 2;
    let around = |index: usize| {
        let near = &points[index.saturating_sub(half)..(index + half + 1).min(points.len())];
        near.iter().map(|point| point.1).sum::<f64>() / near.len() as f64
    };
    points.iter().enumerate().map(|(index, point)| (point.0, around(index))).collect()
}

/// Names of the columns in their colors, in a line below the title.
fn legend(svg: &mut String, columns: &[&Column]) {
    let mut x = SPACE.0;
    for (index, column) in columns.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let end = x + 16.0;
        push(
            svg,
            &format!("<line class=\"bold\" stroke=\"{color}\" x1=\"{x}\" x2=\"{end}\" y1=\"37\" y2=\"37\"/>"),
        );
        text(svg, (x + 20.0, 41.0), ("start", "tick"), &column.name);
        x += 36.0 + 7.0 * column.name.chars().count() as f64;
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), (anchor, class): (&str, &str), words: &str) {
    let words = escaped(words);
    push(
        svg,
        &format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"),
    );
}

fn push(svg: &mut String, element: &str) {
    writeln!(svg, "{element}").expect("a String takes every write");
}

/// Text with nothing in it that could become markup, in content and in attributes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, count: u32) -> Column {
        let points = (0..count).map(|step| (f64::from(step), f64::from(step % 7))).collect();
        Column { name: name.to_owned(), points }
    }

    #[test]
    fn a_chart_holds_its_words_and_lines() {
        let (few, many) = (column("loss", 3), column("<b>", 300));
        let svg = chart("Loss & more", "nats", &[&few, &many]);
        for part in ["<svg", "Loss &amp; more", "nats", ">step<", ">loss<", "&lt;b&gt;", "polyline"] {
            assert!(svg.contains(part), "{part} is missing: {svg}");
        }
        assert_eq!((svg.matches("<circle").count(), svg.matches("class=\"faint\"").count()), (3, 1));
        assert!(!svg.contains("NaN") && !chart("t", "u", &[&few]).contains(">loss<"));
    }

    #[test]
    fn the_mean_of_a_straight_line_is_the_line_but_for_its_ends() {
        let line: Vec<(f64, f64)> = (0..200).map(|step| (f64::from(step), f64::from(2 * step))).collect();
        let mean = moving_mean(&line);
        assert_eq!((mean.len(), mean[100], mean[0]), (200, (100.0, 200.0), (0.0, 2.0)));
    }
}
