//! The bar plot: one bar per cell with its interval, as elements that follow the width of the page.

use super::cells::{Cell, Run, on_scale};
use super::html::escaped;
use super::palette::color;
use crate::counted::counted;

/// Number of datasets above which the plot is folded: the table says the same on less room.
const FOLDED: usize = 30;

/// Draws one bar per cell whose score is a percentage, with its interval as a line. Empty without such a cell.
pub(super) fn bars(run: &Run) -> String {
    let mut groups = String::new();
    let mut drawn = 0;
    for dataset in &run.datasets {
        let models = run.models.iter().enumerate();
        let drawn_bar = |(place, model): (usize, &String)| bar(place, run.cell(model, dataset)?);
        let bars: String = models.filter_map(drawn_bar).collect();
        if !bars.is_empty() {
            let name = escaped(dataset);
            groups.push_str(&format!(
                "<div class=\"bar-group\"><div class=\"bar-name\">{name}</div><div class=\"tracks\">{bars}</div></div>\n"
            ));
            drawn += 1;
        }
    }
    if drawn == 0 {
        return String::new();
    }
    let mark = |mark: u32| format!("<span style=\"left:{mark}%\">{mark}</span>");
    let axis: String = [0, 25, 50, 75, 100].map(mark).concat();
    let open = if drawn > FOLDED { "" } else { " open" };
    let sets = counted(drawn, "dataset");
    format!(
        "<details class=\"bars\"{open}><summary>Bars of {sets} with intervals of 95 %</summary>\
         <div class=\"bar-group axis\"><div></div><div class=\"tracks\">{axis}</div></div>{groups}</details>"
    )
}

fn bar(place: usize, cell: &Cell) -> Option<String> {
    let (metric, score) = cell.headline.as_ref().filter(|(metric, score)| on_scale(metric, *score))?;
    let (model, dataset, metric, color) =
        (escaped(&cell.model), escaped(&cell.dataset), escaped(metric), color(place));
    let interval = cell.interval.map_or_else(String::new, |(low, high)| {
        let (low, high) = (low.clamp(0.0, 100.0), high.clamp(0.0, 100.0));
        format!("<span class=\"whisker\" style=\"left:{low:.2}%;width:{:.2}%\"></span>", high - low)
    });
    Some(format!(
        "<div class=\"track\" title=\"{model} on {dataset}: {metric} {score:.2}\"><span class=\"fill {color}\" \
         style=\"width:{score:.2}%\"></span>{interval}<span class=\"value\">{score:.2}</span></div>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_percentages_have_bars() {
        let mut cell = Cell {
            model: "m\"".to_owned(),
            dataset: "d".to_owned(),
            place: 0,
            headline: Some(("accuracy".to_owned(), 40.0)),
            interval: Some((-1.0, 55.5)),
            count: Some(9),
            remarks: Vec::new(),
            other: None,
        };
        let found = bar(8, &cell).expect("a bar");
        for part in ["width:40.00%", "left:0.00%;width:55.50%", "fill m1", "m&quot; on d: accuracy 40.00"] {
            assert!(found.contains(part), "{found}");
        }
        cell.headline = Some(("bits_per_byte".to_owned(), 8.0));
        assert_eq!(bar(0, &cell), None);
    }
}
