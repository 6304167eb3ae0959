//! The tables of a run: scores with intervals, groups, and every metric.

use std::fmt::Write;

use super::cells::{Cell, FACTS, Run, on_scale};
use super::html::escaped;

/// Writes the scores of all cells: score, interval and number of items; a cell without a score shows why.
pub(super) fn scores(run: &Run) -> String {
    let mut html = format!("<div class=\"scroll\"><table class=\"scores\">{}<tbody>", header(run, "dataset"));
    for dataset in &run.datasets {
        let cells: Vec<Option<&Cell>> = run.models.iter().map(|model| run.cell(model, dataset)).collect();
        let metric = cells.iter().flatten().find_map(|cell| cell.headline.as_ref());
        let metric = metric.map(|(metric, _)| metric.as_str());
        append(&mut html, &format!("<tr><th scope=\"row\">{}</th>", name(run, dataset, metric)));
        for cell in cells {
            let missing = "<td class=\"none\"><small class=\"remark\">not part of the run</small></td>";
            append(&mut html, &cell.map_or_else(|| missing.to_owned(), |cell| score(cell, metric)));
        }
        append(&mut html, "</tr>");
    }
    html + "</tbody></table></div>"
}

/// Writes the header of a table with one column per model; `first` is the name of the first column.
fn header(run: &Run, first: &str) -> String {
    let model = |model: &String| format!("<th scope=\"col\" class=\"number\">{}</th>", escaped(model));
    let models: String = run.models.iter().map(model).collect();
    format!("<thead><tr><th scope=\"col\">{first}</th>{models}</tr></thead>")
}

/// Writes the name of a dataset with its metric, mode and version.
fn name(run: &Run, dataset: &str, metric: Option<&str>) -> String {
    let row = run.metric_rows(dataset).next();
    let column = |number: usize| row.and_then(|row| row.get(number)).map(String::as_str);
    let fact = |number: usize| column(number).filter(|fact| *fact != "-");
    let facts: Vec<String> = [metric, fact(3), fact(1)].into_iter().flatten().map(escaped).collect();
    format!("{}<small>{}</small>", escaped(dataset), facts.join(" · "))
}

/// Writes a cell. `metric` is the one that its row names.
fn score(cell: &Cell, metric: Option<&str>) -> String {
    let remark = |remark: &String| format!("<small class=\"remark\">{}</small>", escaped(remark));
    let remarks: String = cell.remarks.iter().map(remark).collect();
    let place = cell.place;
    let Some((own, score)) = &cell.headline else {
        let link = format!("<a href=\"#viewer\" data-cell=\"{place}\">no score</a>");
        return format!("<td class=\"none\">{link}{remarks}</td>");
    };
    let bar = match on_scale(own, *score) {
        true => format!("<span class=\"share\" style=\"--share:{score:.2}%\"></span>"),
        false => String::new(),
    };
    let own = match metric == Some(own.as_str()) {
        true => String::new(),
        false => format!("<small>{}</small>", escaped(own)),
    };
    let interval = cell.interval.map(|(low, high)| format!("<span>[{low:.2}, {high:.2}]</span>"));
    let count = cell.count.map(|count| format!("<span>n = {count}</span>"));
    let facts: Vec<String> = [interval, count].into_iter().flatten().collect();
    let other = cell.other.as_ref().map_or_else(String::new, |other| {
        let (name, score, items) = (escaped(&other.name), other.score, other.differing);
        let items = if items == 1 { "1 item differs".to_owned() } else { format!("{items} items differ") };
        format!("<small class=\"other\">{name}: {score:.2}, {items}</small>")
    });
    format!(
        "<td class=\"number\" data-score=\"{score}\"><a href=\"#viewer\" data-cell=\"{place}\">{score:.2}</a>{bar}{own}\
         <small>{}</small>{other}{remarks}</td>",
        facts.join(" ")
    )
}

/// Writes the groups, which have no cells of their own. A group without a score shows why.
pub(super) fn groups(run: &Run) -> String {
    let mut rows = String::new();
    for row in run.group_rows() {
        let (group, metric) = (&row[0], row.get(2).map_or("", String::as_str));
        let metric = if metric == "-" { "" } else { metric };
        append(
            &mut rows,
            &format!("<tr><th scope=\"row\">{}<small>{}</small></th>", escaped(group), escaped(metric)),
        );
        for (model, cell) in run.models.iter().zip(row.iter().skip(FACTS)) {
            append(&mut rows, &plain(cell, run.problem(model, group).unwrap_or("a member has no score")));
        }
        append(&mut rows, "</tr>");
    }
    for group in run.missing_groups() {
        append(&mut rows, &format!("<tr><th scope=\"row\">{}</th>", escaped(group)));
        for model in &run.models {
            append(&mut rows, &plain("-", run.problem(model, group).unwrap_or("a member has no score")));
        }
        append(&mut rows, "</tr>");
    }
    match rows.is_empty() {
        true => rows,
        false => format!(
            "<h3>Groups</h3><div class=\"scroll\"><table class=\"scores\">{}<tbody>{rows}</tbody></table></div>",
            header(run, "dataset")
        ),
    }
}

/// Writes all metrics of the datasets that have several, folded.
pub(super) fn metrics(run: &Run) -> String {
    let mut rows = String::new();
    for dataset in run.datasets.iter().filter(|dataset| run.metric_rows(dataset).nth(1).is_some()) {
        for row in run.metric_rows(dataset) {
            let metric = row.get(2).map_or("", String::as_str);
            append(
                &mut rows,
                &format!("<tr><th scope=\"row\">{}<small>{}</small></th>", escaped(metric), escaped(dataset)),
            );
            for cell in row.iter().skip(FACTS) {
                append(&mut rows, &plain(cell, "not measured, see the scores above"));
            }
            append(&mut rows, "</tr>");
        }
    }
    match rows.is_empty() {
        true => rows,
        false => format!(
            "<details><summary>Every metric</summary><div class=\"scroll\"><table>{}<tbody>{rows}</tbody></table></div>\
             </details>",
            header(run, "metric")
        ),
    }
}

/// Writes a cell of the summary table; `reason` is why it may be empty.
fn plain(cell: &str, reason: &str) -> String {
    match cell {
        "-" | "" => {
            format!("<td class=\"none\">no score<small class=\"remark\">{}</small></td>", escaped(reason))
        }
        // The marks of the summary, explained.
        _ => {
            let (score, mark) = match cell.strip_suffix('!') {
                Some(score) => (score, "<small class=\"remark\">with items that have no answer</small>"),
                None => match cell.strip_suffix('?') {
                    Some(score) => (score, "<small class=\"remark\">with ties</small>"),
                    None => (cell, ""),
                },
            };
            format!("<td class=\"number\">{}{mark}</td>", escaped(score))
        }
    }
}

fn append(html: &mut String, element: &str) {
    writeln!(html, "{element}").expect("a String takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        let cell = |place: usize, model: &str, headline: Option<f64>, remark: Option<&str>| Cell {
            model: model.to_owned(),
            dataset: "d<1>".to_owned(),
            place,
            headline: headline.map(|score| ("accuracy".to_owned(), score)),
            interval: headline.map(|score| (score - 1.0, score + 1.0)),
            count: headline.map(|_| 40),
            remarks: remark.into_iter().map(str::to_owned).collect(),
            other: None,
        };
        let row = |cells: [&str; 6]| cells.map(str::to_owned).to_vec();
        Run {
            label: "run".to_owned(),
            models: vec!["one".to_owned(), "two".to_owned()],
            datasets: vec!["d<1>".to_owned()],
            table: vec![
                row(["dataset", "version", "metric", "mode", "one", "two"]),
                row(["d<1>", "abc123", "accuracy", "gen", "37.50!", "-"]),
                row(["d<1>", "abc123", "f1", "gen", "12.00", "-"]),
                row(["all", "-", "naive_average", "gen", "37.50", "-"]),
            ],
            problems: vec!["two x all: found no score of d<1>".to_owned()],
            denominator: "n".to_owned(),
            cells: vec![cell(3, "one", Some(37.5), None), cell(4, "two", None, Some("no <data>"))],
        }
    }

    #[test]
    fn every_cell_is_a_score_or_says_why_not() {
        let (scores, groups, metrics) = (scores(&run()), groups(&run()), metrics(&run()));
        for part in [
            "d&lt;1&gt;<small>accuracy · gen · abc123</small>",
            "data-cell=\"3\">37.50</a>",
            "<small><span>[36.50, 38.50]</span> <span>n = 40</span></small>",
            "data-cell=\"4\">no score</a><small class=\"remark\">no &lt;data&gt;</small>",
        ] {
            assert!(scores.contains(part), "{part}: {scores}");
        }
        assert!(
            groups.contains("no score<small class=\"remark\">found no score of d&lt;1&gt;</small>"),
            "{groups}"
        );
        assert!(!groups.contains("accuracy"), "{groups}");
        assert!(metrics.contains("12.00") && metrics.contains("37.50<small class=\"remark\">"), "{metrics}");
        assert!(![scores, groups, metrics].concat().contains(">-<"));
    }
}
