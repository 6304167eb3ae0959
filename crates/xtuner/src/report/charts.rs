//! [`charts`]: which columns share a chart.

use super::drawing::chart;
use super::metrics::Column;

/// Columns of one kind.
struct Kind {
    title: &'static str,
    /// What the values are.
    unit: &'static str,
    /// Whether a column belongs here, unless an earlier kind took it.
    takes: fn(&str) -> bool,
}

const fn kind(title: &'static str, unit: &'static str, takes: fn(&str) -> bool) -> Kind {
    Kind { title, unit, takes }
}

/// Kinds in the order of the page.
const KINDS: [Kind; 10] = [
    kind("Loss", "loss", |name| name == "loss" || name == "valid_loss"),
    kind("Rewards", "reward", |name| name.contains("reward") || name == "margin" || name == "valid_margin"),
    kind("Accuracy", "share", |name| name.contains("accuracy") || name == "near_bound"),
    kind("Distance to the reference", "nats", |name| name == "kl" || name.ends_with("_kl")),
    kind("Length of answers", "tokens", |name| name == "length" || name.ends_with("_length")),
    kind("Other losses", "loss", |name| name.ends_with("_loss")),
    kind("Bits per byte of held-out text", "bits", |name| name.ends_with("bits_per_byte")),
    kind("Learning rate", "rate", |name| name == "lr"),
    kind("Gradient norm", "norm", |name| name == "grad_norm"),
    kind("Speed", "tokens per second", |name| name == "tokens_per_second"),
];

/// Counters and parts of the time of a step, which no chart shows.
fn is_hidden(name: &str) -> bool {
    let counters = ["tokens", "skipped", "mfu", "round", "step_tokens", "actor_step"];
    counters.contains(&name) || name.starts_with("seconds_")
}

/// The charts of all columns: one for each kind, and one for every column of no kind.
pub(super) fn charts(columns: &[Column]) -> Vec<String> {
    let shown: Vec<&Column> = columns.iter().filter(|column| !is_hidden(&column.name)).collect();
    let of = |column: &Column| KINDS.iter().position(|kind| (kind.takes)(&column.name));
    let mut drawn = Vec::new();
    for (index, kind) in KINDS.iter().enumerate() {
        let same: Vec<&Column> = shown.iter().copied().filter(|column| of(column) == Some(index)).collect();
        if !same.is_empty() {
            drawn.push(chart(kind.title, kind.unit, &same));
        }
    }
    let others = shown.iter().filter(|column| of(column).is_none());
    drawn.extend(others.map(|column| chart(&column.name.replace('_', " "), "", &[column])));
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_kind_share_a_chart_and_new_ones_get_their_own() {
        let column = |name: &str| Column { name: name.to_owned(), points: vec![(1.0, 0.5), (2.0, 0.25)] };
        let names = [
            "loss",
            "lr",
            "tokens",
            "seconds_data",
            "reward_chosen",
            "reward_rejected",
            "margin",
            "kl",
            "valid_loss",
            "brand_new",
        ];
        let drawn = charts(&names.map(column));
        let titles: Vec<bool> =
            ["Loss", "Rewards", "Distance to the reference", "Learning rate", "brand new"]
                .iter()
                .zip(&drawn)
                .map(|(title, svg)| svg.contains(&format!(">{title}<")))
                .collect();
        assert_eq!(titles, [true; 5]);
        assert_eq!(drawn.len(), 5);
        assert!(drawn[1].contains(">reward_rejected<") && drawn[1].contains(">margin<"));
        assert!(charts(&[]).is_empty());
    }
}
