//! The table for terminals and txt files, laid out like Python's `tabulate(table, headers="firstrow",
//! floatfmt=".2f")`.

/// The alignment of a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Alignment {
    Left,
    Right,
}

/// Lays out rows, the first of which is the header. Columns of numbers are right-aligned.
pub(super) fn tabulate(rows: &[Vec<String>]) -> String {
    let Some((header, body)) = rows.split_first() else { return String::new() };
    let columns: Vec<(usize, Alignment)> = header
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let cells = || body.iter().map(|row| row[column].as_str());
            // tabulate makes a column at least two characters wider than its header.
            let width = cells().map(width).chain([width(name) + 2]).max().unwrap_or(0);
            let numbers = !body.is_empty() && cells().all(is_number);
            (width, if numbers { Alignment::Right } else { Alignment::Left })
        })
        .collect();
    let rule: Vec<String> = columns.iter().map(|(width, _)| "-".repeat(*width)).collect();
    let mut lines = vec![line(header, &columns), rule.join("  ")];
    lines.extend(body.iter().map(|row| line(row, &columns)));
    lines.join("\n")
}

fn line(cells: &[String], columns: &[(usize, Alignment)]) -> String {
    let cells = cells.iter().zip(columns).map(|(cell, (wide, alignment))| {
        let padding = " ".repeat(wide.saturating_sub(width(cell)));
        match alignment {
            Alignment::Left => format!("{cell}{padding}"),
            Alignment::Right => format!("{padding}{cell}"),
        }
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Says whether Python's `float()` accepts a cell; cells contain no white space or `inf`.
fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '-') && text.parse::<f64>().is_ok()
}
