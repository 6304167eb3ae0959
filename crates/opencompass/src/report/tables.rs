//! The tables of the report: scores with intervals, letters, and two runs side by side.

use std::fmt::Write;

use super::cells::{Cell, Run};
use super::compare::CellDifference;
use super::html::escaped;
use super::letters::LetterBias;

/// Writes the scores of all cells: score, interval and number of items; a cell without a score shows why.
pub(super) fn scores(run: &Run) -> String {
    let mut html = "<table><tr><th>dataset</th><th>metric</th>".to_owned();
    for model in &run.models {
        append(&mut html, &format!("<th>{}</th>", escaped(model)));
    }
    append(&mut html, "</tr>");
    for dataset in &run.datasets {
        let cells: Vec<Option<&Cell>> = run.models.iter().map(|model| run.cell(model, dataset)).collect();
        let metric = cells.iter().flatten().find_map(|cell| cell.headline.as_ref());
        let metric = metric.map_or("-", |(metric, _)| metric.as_str());
        append(&mut html, &format!("<tr><td>{}</td><td>{}</td>", escaped(dataset), escaped(metric)));
        for cell in cells {
            append(&mut html, &cell.map_or_else(|| "<td>not part of the run</td>".to_owned(), score));
        }
        append(&mut html, "</tr>");
    }
    html + "</table>"
}

fn score(cell: &Cell) -> String {
    let remark = cell
        .remark
        .as_deref()
        .map_or_else(String::new, |remark| format!("<small class=\"remark\">{}</small>", escaped(remark)));
    let Some((_, score)) = &cell.headline else { return format!("<td>- {remark}</td>") };
    let interval = cell.interval.map_or_else(String::new, |(low, high)| {
        format!(" <small>[{low:.2}, {high:.2}], n = {}</small>", cell.count)
    });
    let other = cell.other.as_ref().map_or_else(String::new, |other| {
        let (name, score, items) = (escaped(&other.name), other.score, other.differing);
        format!(" <small class=\"other\">{name}: {score:.2}, {items} items differ</small>")
    });
    format!("<td>{score:.2}{interval}{other}{remark}</td>")
}

/// Writes the rows of the summary table that are groups, which have no cells of their own.
pub(super) fn groups(run: &Run) -> String {
    let Some((header, rows)) = run.table.split_first() else { return String::new() };
    let groups: Vec<&Vec<String>> =
        rows.iter().filter(|row| row.first().is_some_and(|name| !run.datasets.contains(name))).collect();
    if groups.is_empty() {
        return String::new();
    }
    let cells = |row: &Vec<String>, tag: &str| {
        let cell = |cell: &String| format!("<{tag}>{}</{tag}>", escaped(cell));
        format!("<tr>{}</tr>", row.iter().map(cell).collect::<String>())
    };
    let rows: String = groups.into_iter().map(|row| cells(row, "td")).collect();
    format!("<h2>Groups</h2><table>{}{rows}</table>", cells(header, "th"))
}

/// Writes how often each letter was chosen, against how often it is right.
pub(super) fn letters(cells: &[LetterBias]) -> String {
    if cells.is_empty() {
        return String::new();
    }
    let mut html = "<h2>Letters</h2><p>Share of the items for which the model chose a letter, minus the share for which \
                    the letter is right. A model without position bias has zeros.</p><table>\
                    <tr><th>dataset</th><th>model</th><th>letters</th></tr>"
        .to_owned();
    for LetterBias { model, dataset, letters } in cells {
        let items: usize = letters.values().map(|letter| letter.expected).sum();
        let share = |count: usize| 100.0 * count as f64 / items.max(1) as f64;
        append(&mut html, &format!("<tr><td>{}</td><td>{}</td><td>", escaped(dataset), escaped(model)));
        for (name, letter) in letters {
            let bias = share(letter.chosen) - share(letter.expected);
            let color = if bias >= 0.0 { "213,94,0" } else { "0,114,178" };
            let strength = (bias.abs() / 25.0).min(1.0);
            let title = format!(
                "chosen {}, right {}, both {} of {items}",
                letter.chosen, letter.expected, letter.correct
            );
            append(
                &mut html,
                &format!(
                    "<span class=\"letter\" style=\"background:rgba({color},{strength:.2})\" title=\"{title}\">{name} \
                     {bias:+.1}</span>"
                ),
            );
        }
        append(&mut html, "</td></tr>");
    }
    html + "</table>"
}

/// Writes two runs side by side.
pub(super) fn differences(labels: (&str, &str), differences: &[CellDifference]) -> String {
    let (first, second) = (escaped(labels.0), escaped(labels.1));
    let mut html = format!(
        "<h2>{first} and {second}</h2><table><tr><th>dataset</th><th>model</th><th>metric</th><th>{first}</th>\
         <th>{second}</th><th>difference</th><th>p</th><th>gained</th><th>lost</th></tr>"
    );
    for cell in differences {
        let (difference, p_value) = match &cell.test {
            Some(test) => {
                let (low, high) = (test.interval.low, test.interval.high);
                (
                    format!("{:+.2} <small>[{low:+.2}, {high:+.2}]</small>", test.difference),
                    format!("{:.3}", test.p_value),
                )
            }
            None => (format!("{:+.2}", cell.second - cell.first), "-".to_owned()),
        };
        append(
            &mut html,
            &format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.2}</td><td>{:.2}</td><td>{difference}</td><td>{p_value}</td>\
                 <td>{}</td><td>{}</td></tr>",
                escaped(&cell.dataset),
                escaped(&cell.model),
                escaped(&cell.metric),
                cell.first,
                cell.second,
                cell.gained.len(),
                cell.lost.len()
            ),
        );
    }
    html + "</table>"
}

fn append(html: &mut String, element: &str) {
    writeln!(html, "{element}").expect("a String takes every write");
}
