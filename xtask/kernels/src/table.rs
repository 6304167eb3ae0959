//! The table of kernels and architectures.

use std::io;

use internlm_kit::outln;

/// What the columns mean; docs/cuda.md explains them.
const HEAD: [&str; 9] =
    ["kernel", "workload", "card", "units", "registers", "shared", "spills", "PTX bytes", "SASS bytes"];
/// Columns of words; the others are numbers.
const WORDS: usize = 3;

/// One row, a cell for each column.
#[derive(Clone, Debug)]
pub(crate) struct Row(pub(crate) [String; HEAD.len()]);

/// Prints the rows below the head, every column as wide as its widest cell.
pub(crate) fn print(rows: &[Row]) -> io::Result<()> {
    for line in lines(rows) {
        outln!("{line}")?;
    }
    Ok(())
}

fn lines(rows: &[Row]) -> Vec<String> {
    let head = Row(HEAD.map(str::to_owned));
    let all: Vec<&Row> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row.0[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    let line = |row: &&Row| {
        let cells = row.0.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column < WORDS { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_left_and_numbers_right() {
        let row = ["norm::scale", "rows", "sm_80", "256", "26", "0", "0", "9001", "512"];
        let lines = lines(&[Row(row.map(str::to_owned))]);
        assert_eq!(
            lines,
            [
                "kernel       workload  card   units  registers  shared  spills  PTX bytes  SASS bytes",
                "norm::scale  rows      sm_80    256         26       0       0       9001         512",
            ]
        );
    }
}
