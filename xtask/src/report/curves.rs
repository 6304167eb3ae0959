//! Curves of a training-like stage from its `metrics.jsonl`: loss, rewards, learning rate, tokens per second.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::plot::{self, Series, Weight};

/// The section, empty when the stage has not run.
pub(super) fn section(title: &str, metrics: &Path) -> Result<String> {
    let Ok(text) = std::fs::read_to_string(metrics) else { return Ok(String::new()) };
    let rows = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}: line {}: not JSON", metrics.display(), index + 1))
        })
        .collect::<Result<Vec<Value>>>()?;
    let line = |points, name: &str, color, weight| Series { name: name.to_owned(), points, color, weight };
    let curve = |key: &str, name: &str, color| {
        let single = points(&rows, key);
        let mean = moving_mean(&single);
        [line(single, name, color, Weight::Faint), line(mean, name, color, Weight::Bold)]
    };
    let mut losses = Vec::from(curve("loss", "train, moving mean", 0));
    losses.push(line(points(&rows, "valid_loss"), "held-out", 1, Weight::Bold));
    losses.retain(|line| !line.points.is_empty());
    let rate = line(points(&rows, "lr"), "learning rate", 2, Weight::Bold);
    let mut rewards = Vec::from(curve("reward", "answers of a round, moving mean", 0));
    rewards.push(line(points(&rows, "valid_reward"), "held-out prompts", 1, Weight::Bold));
    rewards.retain(|line| !line.points.is_empty());
    let mut html = format!("<h2>{title}</h2>\n");
    if !rewards.is_empty() {
        html += &plot::lines("Reward", "step", "mean reward", &rewards)?;
    }
    html += &plot::lines("Loss", "step", "nats per token", &losses)?;
    html += &plot::lines("Learning rate", "step", "learning rate", &[rate])?;
    html += &plot::lines("Speed", "step", "tokens per second", &curve("tokens_per_second", "speed", 3))?;
    Ok(html)
}

/// Share of all points that one mean takes in.
const WINDOW: usize = 50;

/// The mean of the points around each point, a window of 1/50 of all.
fn moving_mean(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let half = points.len() / WINDOW / 2;
    let around = |index: usize| {
        let near = &points[index.saturating_sub(half)..(index + half + 1).min(points.len())];
        near.iter().map(|point| point.1).sum::<f64>() / near.len() as f64
    };
    points.iter().enumerate().map(|(index, point)| (point.0, around(index))).collect()
}

/// `(step, row[key])` of the rows that have the key.
fn points(rows: &[Value], key: &str) -> Vec<(f64, f64)> {
    rows.iter().filter_map(|row| Some((row.get("step")?.as_f64()?, row.get(key)?.as_f64()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_of_a_straight_line_is_the_line_but_for_its_ends() {
        let line: Vec<(f64, f64)> = (0..200).map(|step| (f64::from(step), f64::from(2 * step))).collect();
        let mean = moving_mean(&line);
        assert_eq!((mean.len(), mean[100], mean[0]), (200, (100.0, 200.0), (0.0, 2.0)));
        assert_eq!(moving_mean(&line[..10]), line[..10]);
    }

    #[test]
    fn held_out_loss_is_drawn_where_it_was_measured() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let row = |step: u32, more: &str| {
            format!("{{\"step\":{step},\"loss\":2.0,\"lr\":0.1,\"tokens_per_second\":9{more}}}\n")
        };
        let plain = [row(1, ""), row(2, "")].concat();
        std::fs::write(&path, &plain).expect("writes");
        let without = section("Training", &path).expect("draws");
        assert!(without.starts_with("<h2>Training</h2>") && !without.contains("held-out"));
        std::fs::write(&path, plain + &row(3, ",\"valid_loss\":1.5")).expect("writes");
        assert!(section("Training", &path).expect("draws").contains("held-out"));
        std::fs::write(&path, "{\"step\":1}\n{\"st").expect("writes");
        assert!(section("Training", &path).expect_err("a torn line").to_string().contains("line 2"));
        assert_eq!(section("Training", Path::new("/nowhere")).expect("nothing to show"), "");
    }

    #[test]
    fn rewards_are_drawn_for_runs_that_have_them() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let rows = "{\"step\":0,\"valid_reward\":0.5}\n{\"step\":1,\"loss\":0.1,\"reward\":0.6}\n";
        std::fs::write(&path, rows).expect("writes");
        let html = section("Alignment", &path).expect("draws");
        assert!(html.contains("Reward") && html.contains("held-out prompts"), "{html}");
        std::fs::write(&path, "{\"step\":1,\"loss\":0.1}\n").expect("writes");
        assert!(!section("Alignment", &path).expect("draws").contains("Reward"));
    }

    #[test]
    fn rows_without_the_key_are_left_out() {
        let rows: Vec<Value> = ["{\"step\":1,\"lr\":2.5}", "{\"step\":2}", "{\"lr\":1}"]
            .map(|row| serde_json::from_str(row).expect("JSON"))
            .into();
        assert_eq!(points(&rows, "lr"), [(1.0, 2.5)]);
    }
}
