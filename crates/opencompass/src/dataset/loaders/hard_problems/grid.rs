//! A table of numbers as pandas reads and prints it: a column without gaps and fractions holds integers.

use serde_json::Value;

use crate::prompt::python_str;

/// The numbers of a file without a header.
pub(super) struct Grid {
    /// Rows of cells; a gap is absent.
    rows: Vec<Vec<Option<f64>>>,
    /// Whether each column holds integers.
    whole: Vec<bool>,
}

impl Grid {
    /// Reads comma-separated numbers.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rows: Vec<Vec<Option<f64>>> = Vec::new();
        let mut whole: Vec<bool> = Vec::new();
        for (line, row) in text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty()) {
            let mut cells = Vec::new();
            for (column, cell) in row.split(',').map(str::trim).enumerate() {
                let number = if cell.is_empty() { None } else { Some(cell.parse::<f64>()) };
                let number = number.transpose();
                cells.push(
                    number.map_err(|_| format!("line {}: found `{cell}`, expected numbers", line + 1))?,
                );
                let is_whole = cell.parse::<i64>().is_ok();
                match whole.get_mut(column) {
                    Some(known) => *known &= is_whole,
                    None => whole.push(is_whole),
                }
            }
            rows.push(cells);
        }
        // A row that is too short has gaps at its end.
        for row in &mut rows {
            for known in whole.iter_mut().skip(row.len()) {
                *known = false;
            }
            row.resize(whole.len(), None);
        }
        Ok(Self { rows, whole })
    }

    /// Number of rows.
    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.whole.len()
    }

    /// Prints a cell in the type of its column.
    pub(super) fn cell(&self, row: usize, column: usize) -> String {
        self.printed(row, column, self.whole.get(column) == Some(&true))
    }

    /// Prints a cell in the type of the whole table, as `DataFrame.values` has it.
    pub(super) fn common(&self, row: usize, column: usize) -> String {
        self.printed(row, column, self.whole.iter().all(|whole| *whole))
    }

    fn printed(&self, row: usize, column: usize, whole: bool) -> String {
        match self.rows.get(row).and_then(|row| row.get(column).copied()).flatten() {
            Some(number) if whole => format!("{number:.0}"),
            Some(number) => python_str(&Value::from(number)),
            None => "nan".to_owned(),
        }
    }

    /// The table as `DataFrame.to_json` writes it: columns of numbered rows, gaps as null.
    pub(super) fn json(&self) -> String {
        let cell = |column: usize, row: usize| match self.cell(row, column) {
            gap if gap == "nan" => format!("\"{row}\":null"),
            number => format!("\"{row}\":{number}"),
        };
        let column = |column: usize| {
            let cells: Vec<String> = (0..self.height()).map(|row| cell(column, row)).collect();
            format!("\"{column}\":{{{}}}", cells.join(","))
        };
        format!("{{{}}}", (0..self.width()).map(column).collect::<Vec<_>>().join(","))
    }
}
