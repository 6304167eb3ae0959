//! Problems with fast algorithms: search, edit distance, shortest path, and the knapsack.

use std::collections::BTreeMap;

use serde_json::Value;

use super::solution::{Solution, whole};

/// The maximum capacity of a knapsack.
const MAX_CAPACITY: usize = 1_000_000;

/// Verifies the position of a number in a sorted list.
pub(super) fn search(problem: &Value, answer: &Solution) -> Option<bool> {
    let mut array: Vec<i64> =
        problem["array"].as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?;
    array.sort_unstable();
    let position = usize::try_from(answer.whole("Position")?).ok()?;
    Some(*array.get(position)? == problem["target"].as_i64()?)
}

/// Verifies the number of operations between two texts.
pub(super) fn edit_distance(problem: &Value, answer: &Solution) -> Option<bool> {
    let letters = |name: &str| Some(problem[name].as_str()?.chars().collect::<Vec<char>>());
    let (left, right) = (letters("string_a")?, letters("string_b")?);
    let mut row: Vec<i64> = (0..).take(right.len() + 1).collect();
    for (index, a) in (1..).zip(&left) {
        let mut diagonal = std::mem::replace(&mut row[0], index);
        for (column, b) in right.iter().enumerate() {
            let best = if a == b { diagonal } else { 1 + diagonal.min(row[column]).min(row[column + 1]) };
            diagonal = std::mem::replace(&mut row[column + 1], best);
        }
    }
    Some(answer.whole("Operations")? == *row.last()?)
}

/// Verifies a shortest path from the first node to the last one, and its length.
pub(super) fn shortest(problem: &Value, answer: &Solution) -> Option<bool> {
    let nodes: Vec<i64> = problem["nodes"].as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?;
    let (start, end) = (*nodes.first()?, *nodes.last()?);
    let edges = edges(problem)?;
    let Some(best) = distance(&edges, start, end, nodes.len()) else {
        // There is no path, and an answer without a length says so.
        return Some(answer.whole("TotalDistance").is_none());
    };
    let path = answer.path("Path")?;
    if path.first() != Some(&start) || path.last() != Some(&end) {
        return Some(false);
    }
    let mut length = 0;
    for step in path.windows(2) {
        let joins = |edge: &&Edge| {
            (edge.from == step[0] && edge.to == step[1]) || (edge.from == step[1] && edge.to == step[0])
        };
        length += edges.iter().find(joins)?.weight;
    }
    Some(length == best && answer.whole("TotalDistance")? == length)
}

/// An edge between two nodes.
struct Edge {
    from: i64,
    to: i64,
    weight: i64,
}

/// The edges with their weights.
fn edges(problem: &Value) -> Option<Vec<Edge>> {
    let edge = |edge: &Value| {
        let number = |name: &str| edge[name].as_i64();
        Some(Edge { from: number("from")?, to: number("to")?, weight: number("weight")? })
    };
    problem["edges"].as_array()?.iter().map(edge).collect()
}

/// The length of the shortest path in both directions of the edges (Bellman-Ford).
fn distance(edges: &[Edge], start: i64, end: i64, nodes: usize) -> Option<i64> {
    let mut known: BTreeMap<i64, i64> = BTreeMap::from([(start, 0)]);
    for _ in 0..nodes {
        let mut changed = false;
        for &Edge { from, to, weight } in edges {
            for (a, b) in [(from, to), (to, from)] {
                let Some(length) = known.get(&a).map(|length| length + weight) else { continue };
                if known.get(&b).is_none_or(|other| length < *other) {
                    known.insert(b, length);
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    known.get(&end).copied()
}

/// Verifies a choice of items: it fits, its value is right, and no choice is worth more.
pub(super) fn knapsack(problem: &Value, answer: &Solution) -> Option<bool> {
    let capacity = usize::try_from(problem["knapsack_capacity"].as_i64()?).ok()?;
    let item = |item: &Value| {
        let weight = usize::try_from(item["weight"].as_i64()?).ok()?;
        Some((item["id"].as_i64()?, (weight, item["value"].as_i64()?)))
    };
    let items: BTreeMap<i64, (usize, i64)> =
        problem["items"].as_array()?.iter().map(item).collect::<Option<_>>()?;
    if capacity > MAX_CAPACITY {
        return None;
    }
    let mut best = vec![0_i64; capacity + 1];
    for &(weight, value) in items.values() {
        for room in (weight..=capacity).rev() {
            best[room] = best[room].max(value + best[room - weight]);
        }
    }
    let best = best[capacity];
    if answer.says_yes("Feasible")? != (best > 0) {
        return Some(false);
    }
    let chosen: Vec<i64> = match answer.0.get("SelectedItemIds") {
        Some(Value::Array(ids)) => ids.iter().map(whole).collect::<Option<_>>()?,
        _ => Vec::new(),
    };
    let (mut weight, mut value) = (0, 0);
    let mut seen = std::collections::BTreeSet::new();
    for id in chosen {
        if !seen.insert(id) {
            return Some(false);
        }
        let (item_weight, item_value) = items.get(&id)?;
        weight += item_weight;
        value += item_value;
    }
    let total = answer.whole("TotalValue").unwrap_or(-1);
    Some(weight <= capacity && total == value && total == best)
}
