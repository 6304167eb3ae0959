//! Scores of mode `attack`: every form of a prompt by itself, and what the worst change of the best prompt costs.

use serde_json::json;

use super::{Evaluate, ScoredItem, Scores};

/// Scores each form of a prompt. The headline is the metric of the prompt that is best before the attack; next to it
/// are the lowest value among its attacked forms and the difference.
pub(super) fn attacked(evaluator: &dyn Evaluate, items: &[ScoredItem<'_>]) -> Scores {
    let mut whole = Scores::default();
    let mut forms: Vec<(u64, bool, f64)> = Vec::new();
    let mut metric = "accuracy".to_owned();
    for form in items.chunk_by(|a, b| a.prediction.replica == b.prediction.replica) {
        let scores = evaluator.evaluate(form);
        let record = &form[0].prediction.record;
        if let Some((name, value)) = scores.metrics.first() {
            metric.clone_from(name);
            forms.push((record["prompt"].as_u64().unwrap_or(0), !record["attack"].is_null(), *value));
        }
        whole.answered += scores.answered;
        whole.details.extend(scores.details);
    }
    let original = forms.iter().filter(|form| !form.1);
    let best = original.reduce(|best, form| if form.2 > best.2 { form } else { best });
    if let Some((prompt, _, value)) = best {
        let attacked = forms.iter().filter(|form| form.0 == *prompt && form.1).map(|form| form.2);
        let lowest = attacked.fold(*value, f64::min);
        whole.metrics.insert(metric.clone(), *value);
        whole.metrics.insert(format!("attacked_{metric}"), lowest);
        whole.metrics.insert(format!("dropped_{metric}"), value - lowest);
    }
    whole.extra.insert("forms".to_owned(), json!(forms));
    whole
}
