//! Colorings of graphs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::solution::Solution;

/// The neighbors of each vertex.
type Graph = BTreeMap<i64, BTreeSet<i64>>;

/// Verifies a coloring: no neighbors have the same color.
pub(super) fn coloring(problem: &str, answer: &Solution) -> Option<bool> {
    let graph = graph(problem)?;
    let color = |vertex: i64| answer.0.get(&vertex.to_string());
    for (vertex, neighbors) in &graph {
        for neighbor in neighbors {
            let (a, b): (&Value, &Value) = (color(*vertex)?, color(*neighbor)?);
            if a == b {
                return Some(false);
            }
        }
    }
    Some(true)
}

/// Verifies whether so many colors are enough. As in upstream, the greedy coloring from the vertices with the most
/// neighbors on decides.
pub(super) fn decision(problem: &str, answer: &Solution) -> Option<bool> {
    let first = problem.split('\n').next()?;
    let colors: usize = first.split_whitespace().rev().nth(1)?.parse().ok()?;
    Some(answer.says_yes("Feasible")? == (greedy(&graph(problem)?) <= colors))
}

/// The number of colors of the greedy coloring.
fn greedy(graph: &Graph) -> usize {
    let mut order: Vec<i64> = graph.keys().copied().collect();
    order.sort_by_key(|vertex| std::cmp::Reverse(graph[vertex].len()));
    let mut colors: BTreeMap<i64, usize> = BTreeMap::new();
    for vertex in order {
        let taken: BTreeSet<usize> =
            graph[&vertex].iter().filter_map(|neighbor| colors.get(neighbor).copied()).collect();
        let free = (0..).find(|color| !taken.contains(color)).unwrap_or_default();
        colors.insert(vertex, free);
    }
    colors.values().max().map_or(0, |color| color + 1)
}

/// Reads a graph in the DIMACS format. Edges of vertices that do not exist are left out.
fn graph(problem: &str) -> Option<Graph> {
    let lines = problem.trim().split('\n');
    let size = lines.clone().find(|line| line.starts_with('p'))?;
    let vertices: i64 = size.split_whitespace().nth(2)?.parse().ok()?;
    let mut graph: Graph = (1..=vertices.min(10_000)).map(|vertex| (vertex, BTreeSet::new())).collect();
    for line in lines.filter(|line| line.starts_with('e')) {
        let mut ends = line.split_whitespace().skip(1).map(|end| end.parse::<i64>().ok());
        let (a, b) = (ends.next()??, ends.next()??);
        if graph.contains_key(&a) && graph.contains_key(&b) {
            graph.entry(a).or_default().insert(b);
            graph.entry(b).or_default().insert(a);
        }
    }
    Some(graph)
}
