//! Accuracies of groups of items: by contamination, and before and after an attack.

use crate::prompt::python_str;
use crate::score::verdict::verdicts;
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// The values of the column `is_clean`, and what they are called in metrics.
const CLASSES: [(&str, &str); 3] = [
    ("clean", "clean"),
    ("input contamination", "input contaminated"),
    ("input-and-label contamination", "input-and-label contaminated"),
];

/// `AccContaminationEvaluator`: the accuracy of each class of contamination, which the column `is_clean` names.
pub(super) struct ByContamination;

impl Evaluate for ByContamination {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let scores = equal(items);
        let mut metrics = Metrics::new();
        for (class, name) in CLASSES {
            let is_member =
                |item: &ScoredItem<'_>| item.columns.get("is_clean").is_some_and(|found| *found == class);
            let members: Vec<&Detail> = items
                .iter()
                .zip(&scores.details)
                .filter(|(item, _)| is_member(item))
                .map(|(_, detail)| detail)
                .collect();
            if let Some(accuracy) = accuracy(&members) {
                metrics.insert(format!("accuracy - {name}"), accuracy);
            }
        }
        Scores { metrics, correct: None, ..scores }
    }
}

/// `AccDropEvaluator`: the first half of the items are attacked, the second half are the same ones as they were.
pub(super) struct AttackDrop;

impl Evaluate for AttackDrop {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let scores = equal(items);
        let details: Vec<&Detail> = scores.details.iter().collect();
        let (attacked, original) = details.split_at(details.len() / 2);
        let mut metrics = Metrics::new();
        if let (Some(after), Some(before)) = (accuracy(attacked), accuracy(original)) {
            // Without a right answer before the attack there is nothing to lose.
            let drop = if before > 0.0 { 1.0 - after / before } else { 0.0 };
            metrics.insert("acc_drop".to_owned(), drop);
            metrics.insert("acc_after".to_owned(), after);
            metrics.insert("acc_before".to_owned(), before);
        }
        Scores { metrics, correct: None, ..scores }
    }
}

fn equal(items: &[ScoredItem<'_>]) -> Scores {
    verdicts("accuracy", items, |item| item.pred_text() == python_str(&item.answer))
}

/// The share of right items in percent; `None` without items.
fn accuracy(details: &[&Detail]) -> Option<f64> {
    let right = details.iter().filter(|detail| detail.correct == Some(true)).count();
    (!details.is_empty()).then(|| 100.0 * right as f64 / details.len() as f64)
}
