//! Scores split by class, as upstream's rows `accuracy - clean`.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Class, Overlap};
use crate::statistics::agree;

/// The classes in the order of the table.
const CLASSES: [Class; 4] = [Class::Clean, Class::Input, Class::InputAndLabel, Class::Short];

/// Splits a score by class: `metric - class` -> mean over the items of that class, and their number. Classes without
/// items are left out; nothing is returned for a score that is not the mean of the items' own. `details` are those of a
/// result file, by item; items beyond the rows are further answers to the same rows.
#[must_use]
pub fn split_scores(
    (metric, score): (&str, f64),
    details: &Value,
    overlaps: &[Overlap],
) -> IndexMap<String, (f64, usize)> {
    let details: Vec<&Value> = details.as_object().into_iter().flat_map(Map::values).collect();
    let Some(values) = own_scores((metric, score), &details) else { return IndexMap::new() };
    let mut sums: IndexMap<Class, (f64, usize)> =
        CLASSES.into_iter().map(|class| (class, (0.0, 0))).collect();
    for (value, overlap) in values.into_iter().zip(overlaps.iter().cycle()) {
        let Some(value) = value else { continue };
        let sum = sums.entry(overlap.class).or_default();
        sum.0 += value;
        sum.1 += 1;
    }
    let filled = sums.into_iter().filter(|(_, (_, count))| *count > 0);
    filled
        .map(|(class, (sum, count))| (format!("{metric} - {}", class.word()), (sum / count as f64, count)))
        .collect()
}

/// Finds the items' own scores whose mean is the metric, on its scale.
fn own_scores((metric, score): (&str, f64), details: &[&Value]) -> Option<Vec<Option<f64>>> {
    let number = |value: &Value| {
        let flag = value.as_bool().map(|flag| f64::from(u8::from(flag)));
        value.as_f64().or(flag)
    };
    let values = |name: &str, scale: f64| {
        details.iter().map(|detail| Some(scale * number(&detail[name])?)).collect::<Vec<Option<f64>>>()
    };
    let ways = [metric, "score", "correct"].into_iter().flat_map(|name| [(name, 1.0), (name, 100.0)]);
    ways.map(|(name, scale)| values(name, scale)).find(|values| {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        agree(known.iter().sum::<f64>() / known.len() as f64, score)
    })
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
        let split = split_scores(("accuracy", 50.0), &details, &overlaps);
        assert_eq!(split["accuracy - clean"], (50.0, 4));
        assert_eq!(split["accuracy - input contamination"], (50.0, 2));
        assert_eq!(split.len(), 2);
    }

    #[test]
    fn parts_are_on_the_scale_of_the_whole() {
        let overlap = |class| Overlap { class, share: 0.0 };
        let overlaps = [overlap(Class::Clean), overlap(Class::Input)];
        let details =
            json!({ "0": { "score": 0.5, "correct": true }, "1": { "score": 0.25, "correct": false } });
        let clean = |metric: &str, score: f64| {
            let split = split_scores((metric, score), &details, &overlaps);
            split.get(&format!("{metric} - clean")).copied()
        };
        assert_eq!(clean("score", 37.5), Some((50.0, 1)));
        assert_eq!(clean("rouge", 0.375), Some((0.5, 1)));
        assert_eq!(clean("accuracy", 50.0), Some((100.0, 1)));
        // The mean of neither the scores nor the verdicts.
        assert_eq!(clean("bits_per_byte", 1.25), None);
    }
}
