//! `xiezhi`: rows of the question's own fields of knowledge (`XiezhiRetriever`).

use std::collections::BTreeMap;

/// Takes the first rows that share a label with each test row, label after label until there are `count`.
///
/// # Errors
/// A message, when a test row has a label that no train row has.
pub(super) fn xiezhi(
    train: &[Vec<String>],
    test: &[Vec<String>],
    count: usize,
) -> Result<Vec<Vec<usize>>, String> {
    let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, labels) in train.iter().enumerate() {
        for label in labels {
            rows.entry(label).or_default().push(row);
        }
    }
    let chosen = |labels: &Vec<String>| {
        let mut ids: Vec<usize> = Vec::new();
        for label in labels {
            if ids.len() >= count {
                break;
            }
            let found = rows.get(label.as_str());
            let found = found.ok_or_else(|| format!("label {label}: found no example that has it"))?;
            ids.extend(found);
        }
        ids.truncate(count);
        Ok(ids)
    };
    test.iter().map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_used_in_order_until_there_are_enough() {
        let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        let train = [labels(&["a"]), labels(&["b", "a"]), labels(&["b"])];
        let found = xiezhi(&train, &[labels(&["b", "a"]), labels(&["a"])], 3).expect("known labels");
        // A row that has both labels may come twice, as in upstream.
        assert_eq!(found, [vec![1, 2, 0], vec![0, 1]]);
        assert!(xiezhi(&train, &[labels(&["c"])], 1).expect_err("no such label").contains("label c"));
    }
}
