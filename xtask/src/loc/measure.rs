//! What is measured of one crate, summed over its files.

use super::functions::Functions;
use super::lines::Lines;
use crate::rust::{Place, RustFile};

/// Measures of a crate or of several.
#[derive(Clone, Debug, Default)]
pub(super) struct Measure {
    file_lines: Vec<usize>,
    function_lines: Vec<usize>,
    code: usize,
    comments: usize,
    tests: usize,
    panics: usize,
    public: usize,
    documented: usize,
}

impl Measure {
    /// Adds one file.
    pub(super) fn add(&mut self, file: &RustFile) {
        if file.place() == Place::Other {
            return;
        }
        let lines = Lines::count(file);
        self.tests += lines.tests;
        if file.place() == Place::Test {
            return;
        }
        let functions = Functions::read(file);
        self.file_lines.push(lines.all);
        self.function_lines.extend(functions.lengths);
        self.code += lines.code;
        self.comments += lines.comments;
        self.panics += functions.panics;
        self.public += functions.public;
        self.documented += functions.documented;
    }

    /// The measures of both.
    pub(super) fn join(&mut self, other: &Self) {
        self.file_lines.extend(&other.file_lines);
        self.function_lines.extend(&other.function_lines);
        self.code += other.code;
        self.comments += other.comments;
        self.tests += other.tests;
        self.panics += other.panics;
        self.public += other.public;
        self.documented += other.documented;
    }

    /// The cells of a table row, in the order of the columns.
    pub(super) fn cells(&self) -> [String; 8] {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        let join = |values: [usize; 3]| values.map(|value| value.to_string()).join("/");
        let (files, functions) = (&self.file_lines, &self.function_lines);
        [
            files.len().to_string(),
            self.code.to_string(),
            join([percentile(files, 50), percentile(files, 90), percentile(files, 100)]),
            join([percentile(functions, 50), percentile(functions, 90), percentile(functions, 99)]),
            format!("{:.1} %", share(self.comments, self.code + self.comments)),
            format!("{:.0} %", share(self.documented, self.public)),
            format!("{:.2}", self.tests as f64 / self.code.max(1) as f64),
            format!("{:.1}", 1000.0 * self.panics as f64 / self.code.max(1) as f64),
        ]
    }
}

/// The smallest value that `percent` of the values do not exceed; 0 without values.
fn percentile(values: &[usize], percent: usize) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_list() {
        let values: Vec<usize> = (1..=10).rev().collect();
        assert_eq!([50, 90, 99, 100].map(|percent| percentile(&values, percent)), [5, 9, 10, 10]);
        assert_eq!((percentile(&[7], 50), percentile(&[], 50)), (7, 0));
    }

    #[test]
    fn files_of_tests_weigh_on_the_other_side() {
        let mut measure = Measure::default();
        for (path, text) in [
            ("crates/a/src/lib.rs", "//! A.\n\nfn f() {\n    b.expect(\"c\")\n}\n"),
            ("crates/a/tests/it/main.rs", "//! T.\n\nfn t() {}\n"),
            ("crates/a/examples/e.rs", "//! E.\n\nfn e() {}\n"),
        ] {
            measure.add(&RustFile::parse(path, text).expect("parses"));
        }
        let expected = ["1", "3", "5/5/5", "3/3/3", "25.0 %", "0 %", "1.00", "333.3"];
        assert_eq!(measure.cells(), expected);
        let mut both = measure.clone();
        both.join(&measure);
        assert_eq!(both.cells()[..2], ["2", "6"]);
    }
}
