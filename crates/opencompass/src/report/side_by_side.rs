//! The table of two runs side by side.

use std::fmt::Write;

use super::cells::Run;
use super::compare::{CellDifference, pairs};
use super::html::escaped;

/// Probability below which a difference counts as more than chance.
const SIGNIFICANT: f64 = 0.05;

/// Writes the differences of two runs, and how many cells have no partner. `differences` are those of [`pairs`].
pub(super) fn table(one: &Run, two: &Run, differences: &[CellDifference]) -> String {
    let (first, second) = (escaped(&one.label), escaped(&two.label));
    let mut html = format!(
        "<div class=\"scroll\"><table class=\"differences\"><thead><tr><th scope=\"col\">dataset</th>\
         <th scope=\"col\">model</th><th scope=\"col\" class=\"number\">{first}</th>\
         <th scope=\"col\" class=\"number\">{second}</th><th scope=\"col\" class=\"number\">difference</th>\
         <th scope=\"col\" class=\"number\">p</th><th scope=\"col\" class=\"number\">gained</th>\
         <th scope=\"col\" class=\"number\">lost</th></tr></thead><tbody>"
    );
    let pairs = pairs(one, two);
    for ((cell, other), difference) in pairs.iter().zip(differences) {
        row(&mut html, (cell.place, other.place), difference);
    }
    let alone = [(one, &first), (two, &second)].map(|(run, label)| {
        let left = run.cells.len() - pairs.len().min(run.cells.len());
        format!("{left} of {} cells of {label}", run.cells.len())
    });
    write!(
        html,
        "</tbody></table></div><p class=\"facts\">Intervals and p are those of a paired bootstrap over the items that both \
         runs have. Without a partner of the same dataset and metric: {}.</p>",
        alone.join(", ")
    )
    .expect("a String takes every write");
    html
}

fn row(html: &mut String, (cell, beside): (usize, usize), difference: &CellDifference) {
    let gap = difference.second - difference.first;
    let (kind, interval, p_value) = match &difference.test {
        Some(test) => {
            let kind = match test.p_value < SIGNIFICANT {
                true if test.difference > 0.0 => "number gain",
                true => "number loss",
                false => "number",
            };
            let (low, high) = (test.interval.low, test.interval.high);
            (kind, format!("<small>[{low:+.2}, {high:+.2}]</small>"), format!("{:.3}", test.p_value))
        }
        None => {
            let reason = match difference.other_questions {
                true => "the runs asked different questions",
                false => "the score is not a mean over the same items",
            };
            ("number", String::new(), format!("<small class=\"remark\">no test: {reason}</small>"))
        }
    };
    writeln!(
        html,
        "<tr><th scope=\"row\">{}<small>{}</small></th><td>{}</td><td class=\"number\">{:.2}</td>\
         <td class=\"number\">{:.2}</td><td class=\"{kind}\"><a href=\"#viewer\" data-cell=\"{cell}\" \
         data-beside=\"{beside}\" data-verdict=\"differ\">{gap:+.2}</a>{interval}</td><td class=\"number\">{p_value}</td>\
         <td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
        escaped(&difference.dataset),
        escaped(&difference.metric),
        escaped(&difference.model),
        difference.first,
        difference.second,
        difference.gained.len(),
        difference.lost.len()
    )
    .expect("a String takes every write");
}
