//! Charts of the report as SVG text, drawn by `plotters`.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

/// Size of every chart in pixels.
const SIZE: (u32, u32) = (860, 320);
/// Font of captions and axes; the reader's browser chooses the face.
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(40, 44, 52);
/// Colors that stay apart for color-blind readers (Okabe and Ito).
pub(crate) const COLORS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// One line of a chart.
#[derive(Debug)]
pub(crate) struct Series {
    /// Name in the legend.
    pub(crate) name: String,
    /// `(x, y)` in drawing order.
    pub(crate) points: Vec<(f64, f64)>,
    /// Index into [`COLORS`].
    pub(crate) color: usize,
    /// How it stands out.
    pub(crate) weight: Weight,
}

/// How a line stands out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weight {
    /// Single measurements behind their mean: pale, not in the legend.
    Faint,
    /// What is to be read; few points are marked one by one.
    Bold,
}

/// Maximum number of points that are marked one by one.
const MARKED: usize = 40;

/// A line chart with a legend when there is more than one series.
pub(crate) fn lines(title: &str, x: &str, y: &str, series: &[Series]) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_lines(&area, title, (x, y), series)
            .map_err(|error| anyhow!("cannot draw `{title}`: {error}"))?;
        area.present().map_err(|error| anyhow!("cannot draw `{title}`: {error}"))?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type DrawError<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_lines<'a>(
    area: &Area<'a>,
    title: &str,
    axes: (&str, &str),
    series: &[Series],
) -> Result<(), DrawError<'a>> {
    area.fill(&WHITE)?;
    let ((left, right), (low, high)) = bounds(series);
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 18).into_font().color(&INK))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(left..right, low..high)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 228, 232))
        .axis_style(INK)
        .label_style((FONT, 13).into_font().color(&INK))
        .x_desc(axes.0)
        .y_desc(axes.1)
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .draw()?;
    for line in series {
        let color = COLORS[line.color % COLORS.len()];
        if line.weight == Weight::Faint {
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), color.mix(0.3).stroke_width(1)))?;
            continue;
        }
        if line.points.len() <= MARKED {
            chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 4, color.filled())))?;
        }
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), color.stroke_width(2)))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3)));
    }
    if series.iter().filter(|line| line.weight == Weight::Bold).count() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(210, 214, 220))
            .label_font((FONT, 13).into_font().color(&INK))
            .draw()?;
    }
    Ok(())
}

/// One bar of a chart.
#[derive(Debug)]
pub(crate) struct Bar {
    /// Words to its left.
    pub(crate) label: String,
    /// Its length.
    pub(crate) value: f64,
    /// Words to its right.
    pub(crate) note: String,
}

/// Horizontal bars in the given order; the longest fills the chart.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> Result<String> {
    let mut svg = String::new();
    let height = 56 + 30 * bars.len() as u32;
    {
        let area = SVGBackend::with_string(&mut svg, (SIZE.0, height)).into_drawing_area();
        draw_bars(&area, title, bars).map_err(|error| anyhow!("cannot draw `{title}`: {error}"))?;
        area.present().map_err(|error| anyhow!("cannot draw `{title}`: {error}"))?;
    }
    Ok(svg)
}

fn draw_bars<'a>(area: &Area<'a>, title: &str, bars: &[Bar]) -> Result<(), DrawError<'a>> {
    area.fill(&WHITE)?;
    let style = (FONT, 18).into_font().color(&INK);
    let inner = area.titled(title, style)?;
    let most = bars.iter().map(|bar| bar.value).fold(1.0_f64, f64::max);
    let text = (FONT, 13).into_font().color(&INK);
    let (label_width, note_width) = (170, 190);
    let scale = f64::from(SIZE.0 as i32 - label_width - note_width - 20) / most;
    for (row, Bar { label, value, note }) in bars.iter().enumerate() {
        let top = 8 + 30 * row as i32;
        let right = label_width + (value * scale).max(1.0) as i32;
        inner.draw(&Text::new(label.clone(), (8, top + 5), text.clone()))?;
        inner.draw(&Rectangle::new([(label_width, top), (right, top + 22)], COLORS[0].filled()))?;
        inner.draw(&Text::new(note.clone(), (right + 8, top + 5), text.clone()))?;
    }
    Ok(())
}

/// The range of both axes with a little air; a flat line still gets a visible range.
fn bounds(series: &[Series]) -> ((f64, f64), (f64, f64)) {
    let span = |values: Vec<f64>, air: f64| {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) = finite
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return (0.0, 1.0);
        }
        let margin = ((high - low) * air).max(high.abs() * 0.01).max(1e-9);
        if air == 0.0 && high > low { (low, high) } else { (low - margin, high + margin) }
    };
    let points = || series.iter().flat_map(|line| line.points.iter());
    (span(points().map(|point| point.0).collect(), 0.0), span(points().map(|point| point.1).collect(), 0.05))
}

/// A tick label without needless digits.
fn tick(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.abs() >= 10_000.0 {
        return format!("{:.0}k", value / 1000.0);
    }
    if value.abs() < 0.01 {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_holds_its_words_and_lines() {
        let series = |name: &str, color| Series {
            name: name.to_owned(),
            points: vec![(0.0, 7.0), (1.0, 5.0), (2.0, 4.5)],
            color,
            weight: Weight::Bold,
        };
        let svg = lines("Loss", "step", "nats", &[series("train", 0), series("valid", 1)]).expect("draws");
        for word in ["<svg", "Loss", "step", "nats", "train", "valid", "polyline"] {
            assert!(svg.contains(word), "{word} is missing");
        }
    }

    #[test]
    fn legends_name_bold_lines_when_there_are_several() {
        let series = |name: &str, weight| Series {
            name: name.to_owned(),
            points: vec![(0.0, 1.0), (9.0, 2.0)],
            color: 5,
            weight,
        };
        let drawn = |series: &[Series]| lines("t", "x", "y", series).expect("draws");
        assert!(!drawn(&[series("alone", Weight::Bold), series("pale", Weight::Faint)]).contains("alone"));
        let two =
            drawn(&[series("one", Weight::Bold), series("two", Weight::Bold), series("pale", Weight::Faint)]);
        assert!(two.contains("one") && two.contains("two") && !two.contains("pale"));
        assert!(drawn(&[]).contains("<svg"));
    }

    #[test]
    fn bounds_leave_air_and_survive_odd_values() {
        let series = |points: &[(f64, f64)]| {
            [Series { name: String::new(), points: points.to_vec(), color: 0, weight: Weight::Bold }]
        };
        assert_eq!(bounds(&series(&[])), ((0.0, 1.0), (0.0, 1.0)));
        let ((left, right), (low, high)) = bounds(&series(&[(1.0, 10.0), (3.0, 20.0), (2.0, f64::NAN)]));
        assert_eq!((left, right), (1.0, 3.0));
        assert!(low < 10.0 && high > 20.0 && low > 9.0 && high < 21.0);
        let ((left, right), (low, high)) = bounds(&series(&[(1.0, 5.0)]));
        assert!(left < right && low < 5.0 && high > 5.0);
    }

    #[test]
    fn the_longest_bar_fits_and_the_shortest_is_seen() {
        let bar = |label: &str, value: f64| {
            let note = format!("note {label}");
            Bar { label: label.to_owned(), value, note }
        };
        let svg = bars("Funnel", &[bar("in", 8000.0), bar("none", 0.0)]).expect("draws");
        let widths: Vec<i32> = svg
            .split("<rect ")
            .filter(|part| part.contains("#0072B2"))
            .filter_map(|part| part.split("width=\"").nth(1)?.split('"').next()?.parse().ok())
            .collect();
        assert_eq!(widths.len(), 2, "{svg}");
        assert!(widths[0] > 400 && widths[0] < SIZE.0 as i32 - 170 && widths[1] >= 1, "{widths:?}");
        assert!(svg.contains("note in") && svg.contains("Funnel"));
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.0, 0.5, 2.0, 25_000.0, 0.0012].map(tick), ["0", "0.5", "2", "25k", "1.2e-3"]);
    }
}
