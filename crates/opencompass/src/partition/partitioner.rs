//! [`Partitioner`]: which rows of which datasets make up a task (`partitioners/` upstream).

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{SetSize, TaskPart};

/// How a run is cut into tasks, the table `run.partitioner`.
///
/// ```
/// use opencompass::partition::{Partitioner, SetSize};
/// let sets = [SetSize { name: "gsm8k".to_owned(), rows: 1319, labels: None }];
/// let partitioner: Partitioner = serde_json::from_str(r#"{"kind": "num_worker", "num-worker": 4}"#)?;
/// let tasks = partitioner.tasks(&sets);
/// assert_eq!((tasks.len(), tasks[3][0].rows.clone()), (4, 990..1320));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Partitioner {
    /// One task per model and dataset.
    #[default]
    Naive,
    /// Cuts expensive datasets and packs cheap ones together, most expensive first.
    Size {
        /// Maximum cost of a task. Default: 40,000.
        #[serde(default = "max_task_size")]
        max_task_size: usize,
        /// Cost of a generated answer, where a scored label costs 1. Default: 20.
        #[serde(default = "gen_task_coef")]
        gen_task_coef: usize,
        /// What a task may contain. Default: `heuristic`.
        #[serde(default)]
        strategy: Strategy,
    },
    /// Cuts every dataset and deals the parts to a number of workers.
    NumWorker {
        /// Number of tasks per model. Default: 8.
        #[serde(default = "num_worker")]
        num_worker: usize,
        /// Number of parts of a dataset. Default: `num-worker`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        num_split: Option<usize>,
        /// Minimum number of rows of a part. Default: 16.
        #[serde(default = "min_task_size")]
        min_task_size: usize,
        /// What a task may contain. Default: `heuristic`.
        #[serde(default)]
        strategy: Strategy,
    },
}

/// What a task may contain.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Parts of several datasets.
    #[default]
    Heuristic,
    /// One part of one dataset.
    Split,
}

fn max_task_size() -> usize {
    40_000
}

fn gen_task_coef() -> usize {
    20
}

fn num_worker() -> usize {
    8
}

fn min_task_size() -> usize {
    16
}

/// A part with its cost.
type Chunk = (usize, TaskPart);

impl Partitioner {
    /// Lists the settings that have no meaning, by their place in a run file.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let settings = match *self {
            Self::Naive => Vec::new(),
            Self::Size { max_task_size, gen_task_coef, .. } => {
                vec![("max-task-size", max_task_size), ("gen-task-coef", gen_task_coef)]
            }
            Self::NumWorker { num_worker, .. } => vec![("num-worker", num_worker)],
        };
        let zero = settings.into_iter().filter(|(_, value)| *value == 0);
        zero.map(|(key, _)| format!("run.partitioner.{key}: found 0, expected 1 or more")).collect()
    }

    /// Cuts the datasets of one model into tasks, in upstream's order. Every row is in exactly one part.
    #[must_use]
    pub fn tasks(&self, sets: &[SetSize]) -> Vec<Vec<TaskPart>> {
        match *self {
            Self::Naive => (0..sets.len()).map(|set| vec![TaskPart::whole(set, sets[set].rows)]).collect(),
            Self::Size { max_task_size, gen_task_coef, strategy } => {
                let chunks = by_size(sets, max_task_size, gen_task_coef);
                match strategy {
                    Strategy::Split => chunks.into_iter().map(|(_, part)| vec![part]).collect(),
                    Strategy::Heuristic => packed(chunks, max_task_size),
                }
            }
            Self::NumWorker { num_worker, num_split, min_task_size, strategy } => {
                let split = num_split.filter(|split| *split > 0).unwrap_or(num_worker);
                let parts: Vec<TaskPart> = sets
                    .iter()
                    .enumerate()
                    .flat_map(|(set, size)| by_count(set, size.rows, split, min_task_size))
                    .collect();
                match strategy {
                    Strategy::Split => parts.into_iter().map(|part| vec![part]).collect(),
                    Strategy::Heuristic => dealt(parts, num_worker),
                }
            }
        }
    }
}

/// Cuts the sets that cost more than `most`, most expensive set first. Upstream counts every part of a cut set as
/// `most`.
fn by_size(sets: &[SetSize], most: usize, generation: usize) -> Vec<Chunk> {
    let mut order: Vec<usize> = (0..sets.len()).collect();
    order.sort_by_key(|set| Reverse(sets[*set].cost(generation)));
    let mut chunks = Vec::new();
    for set in order {
        let (rows, cost) = (sets[set].rows, sets[set].cost(generation));
        if cost <= most {
            chunks.push((cost, TaskPart::whole(set, rows)));
            continue;
        }
        let step = (most / sets[set].factor(generation)).max(1);
        let step = rows.div_ceil(rows.div_ceil(step));
        chunks.extend(cut(set, rows, step).map(|part| (most, part)));
    }
    chunks
}

/// Packs the parts in the order of their costs: a task is closed when the next part would make it too expensive.
fn packed(mut chunks: Vec<Chunk>, most: usize) -> Vec<Vec<TaskPart>> {
    chunks.sort_by_key(|(cost, _)| Reverse(*cost));
    let mut tasks: Vec<Vec<TaskPart>> = Vec::new();
    let mut size = 0;
    for (cost, part) in chunks {
        match tasks.last_mut() {
            Some(task) if size + cost <= most => task.push(part),
            _ => {
                tasks.push(vec![part]);
                size = 0;
            }
        }
        size += cost;
    }
    tasks
}

fn by_count(set: usize, rows: usize, split: usize, least: usize) -> Vec<TaskPart> {
    if split <= 1 || rows <= least {
        return vec![TaskPart::whole(set, rows)];
    }
    cut(set, rows, rows.div_ceil(split).max(least)).collect()
}

/// Deals the parts round robin; workers without a part have no task.
fn dealt(parts: Vec<TaskPart>, workers: usize) -> Vec<Vec<TaskPart>> {
    let workers = workers.max(1);
    let mut tasks: Vec<Vec<TaskPart>> = vec![Vec::new(); workers];
    for (index, part) in parts.into_iter().enumerate() {
        tasks[index % workers].push(part);
    }
    tasks.retain(|task| !task.is_empty());
    tasks
}

/// The parts of a set, each of `step` rows. As in upstream the last one may reach beyond the set.
fn cut(set: usize, rows: usize, step: usize) -> impl Iterator<Item = TaskPart> {
    let step = step.max(1);
    let part =
        move |(part, start): (usize, usize)| TaskPart { set, part: Some(part), rows: start..start + step };
    (0..rows).step_by(step).enumerate().map(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::Strategy as Generator;

    use super::{Partitioner, SetSize, Strategy};

    fn partitioner() -> impl Generator<Value = Partitioner> {
        let strategy = prop_oneof![Just(Strategy::Heuristic), Just(Strategy::Split)];
        let size = (1_usize..9000, 1_usize..40, strategy.clone()).prop_map(
            |(max_task_size, gen_task_coef, strategy)| Partitioner::Size {
                max_task_size,
                gen_task_coef,
                strategy,
            },
        );
        let workers = (1_usize..20, proptest::option::of(0_usize..20), 0_usize..40, strategy).prop_map(
            |(num_worker, num_split, min_task_size, strategy)| Partitioner::NumWorker {
                num_worker,
                num_split,
                min_task_size,
                strategy,
            },
        );
        prop_oneof![Just(Partitioner::Naive), size, workers]
    }

    proptest! {
        #[test]
        fn every_row_is_in_exactly_one_part(
            partitioner in partitioner(),
            sizes in proptest::collection::vec((0_usize..700, proptest::option::of(2_usize..5)), 1..6),
        ) {
            let sets: Vec<SetSize> = sizes
                .iter()
                .map(|(rows, labels)| SetSize { name: "set".to_owned(), rows: *rows, labels: *labels })
                .collect();
            let mut seen: Vec<Vec<usize>> = sets.iter().map(|set| vec![0; set.rows]).collect();
            for part in partitioner.tasks(&sets).into_iter().flatten() {
                for row in part.rows.clone().filter(|row| *row < sets[part.set].rows) {
                    seen[part.set][row] += 1;
                }
            }
            prop_assert!(seen.iter().flatten().all(|count| *count == 1));
        }
    }
}
