//! `sliding_k`: the rows before the question's own (`SlidingWindowRetriever`).

/// Takes the `count` rows before each test row; the first rows are filled up with the last of the `train` rows.
pub(super) fn sliding(train: usize, test: usize, count: usize) -> Vec<Vec<usize>> {
    let before = |row: usize| {
        let start = row.saturating_sub(count);
        let missing = count - (row - start);
        (train.saturating_sub(missing)..train).chain(start..row).collect()
    };
    (0..test).map(before).collect()
}
