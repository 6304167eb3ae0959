//! Scores split by class, as upstream's rows `accuracy - clean`.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Class, Overlap};

/// The classes in the order of the table.
const CLASSES: [Class; 4] = [Class::Clean, Class::Input, Class::InputAndLabel, Class::Short];

/// Splits a score by class: `metric - class` -> mean over the items of that class, and their number. Classes without
/// items are left out. `details` are those of a result file, by item; items beyond the rows are further answers to the
/// same rows.
#[must_use]
pub fn split_scores(metric: &str, details: &Value, overlaps: &[Overlap]) -> IndexMap<String, (f64, usize)> {
    let mut sums: IndexMap<Class, (f64, usize)> =
        CLASSES.into_iter().map(|class| (class, (0.0, 0))).collect();
    for (place, (_, detail)) in details.as_object().into_iter().flatten().enumerate() {
        let Some(overlap) = overlaps.get(place % overlaps.len().max(1)) else { continue };
        let correct = detail["correct"].as_bool().map(|correct| 100.0 * f64::from(u8::from(correct)));
        let Some(score) = correct.or(detail["score"].as_f64()) else { continue };
        let sum = sums.entry(overlap.class).or_default();
        sum.0 += score;
        sum.1 += 1;
    }
    let filled = sums.into_iter().filter(|(_, (_, count))| *count > 0);
    filled
        .map(|(class, (sum, count))| (format!("{metric} - {}", class.word()), (sum / count as f64, count)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_class_has_its_own_mean() {
        let overlap = |class| Overlap { class, share: 0.0 };
        let overlaps = [overlap(Class::Clean), overlap(Class::Input), overlap(Class::Clean)];
        let details = json!({
            "0": { "correct": true }, "1": { "correct": true }, "2": { "correct": false },
            "3": { "correct": true }, "4": { "correct": false }, "5": { "correct": false },
        });
        let split = split_scores("accuracy", &details, &overlaps);
        assert_eq!(split["accuracy - clean"], (50.0, 4));
        assert_eq!(split["accuracy - input contamination"], (50.0, 2));
        assert_eq!(split.len(), 2);
    }
}
