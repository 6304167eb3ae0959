//! Tours through all cities.
//!
//! Upstream starts its greedy tour at a random city, and decides with an approximation whether a short tour exists. Both
//! change between runs or versions; here every start is tried, and the shortest tour is computed.

use serde_json::Value;

use super::solution::Solution;

/// The maximum number of cities of an exact solution.
const MAX_EXACT: usize = 15;

/// Verifies a tour: it is closed, visits every city once, and is as long as a greedy tour.
pub(super) fn tour(problem: &Value, answer: &Solution) -> Option<bool> {
    let distances = matrix(problem)?;
    let tour: Vec<usize> =
        answer.path("Path")?.into_iter().map(|city| usize::try_from(city).ok()).collect::<Option<_>>()?;
    if tour.len() != distances.len() + 1 || tour.first() != tour.last() {
        return Some(false);
    }
    let length =
        tour.windows(2).map(|step| distances.get(step[0])?.get(step[1]).copied()).sum::<Option<f64>>()?;
    Some((0..distances.len()).any(|start| (greedy(&distances, start) - length).abs() < 1e-9))
}

/// The length of the tour that always goes to the nearest city.
fn greedy(distances: &[Vec<f64>], start: usize) -> f64 {
    let mut left: Vec<usize> = (0..distances.len()).filter(|city| *city != start).collect();
    let (mut city, mut length) = (start, 0.0);
    while !left.is_empty() {
        let nearest = (0..left.len()).fold(0, |best, index| {
            if distances[city][left[index]] < distances[city][left[best]] { index } else { best }
        });
        let next = left.remove(nearest);
        length += distances[city][next];
        city = next;
    }
    length + distances[city][start]
}

/// Verifies whether a tour within the limit exists. The limit is the first number of the last row.
pub(super) fn decision(problem: &Value, answer: &Solution) -> Option<bool> {
    let mut rows = matrix(problem)?;
    let limit = *rows.pop()?.first()?;
    let exists = shortest(&rows)? <= limit + 1e-9;
    Some(answer.says_yes("Feasible")? == exists)
}

/// The length of the shortest tour, by dynamic programming over sets of cities (Held and Karp).
fn shortest(distances: &[Vec<f64>]) -> Option<f64> {
    let count = distances.len();
    if count == 0 || count > MAX_EXACT || distances.iter().any(|row| row.len() < count) {
        return None;
    }
    if count == 1 {
        return Some(0.0);
    }
    let others = count - 1;
    let mut best = vec![vec![f64::INFINITY; others]; 1 << others];
    for city in 0..others {
        best[1 << city][city] = distances[0][city + 1];
    }
    for visited in 1..(1_usize << others) {
        for last in (0..others).filter(|city| (visited >> city) & 1 == 1) {
            for next in (0..others).filter(|city| (visited >> city) & 1 == 0) {
                let length = best[visited][last] + distances[last + 1][next + 1];
                let cell = &mut best[visited | (1 << next)][next];
                *cell = cell.min(length);
            }
        }
    }
    let closed = (0..others).map(|last| best[(1 << others) - 1][last] + distances[last + 1][0]);
    Some(closed.fold(f64::INFINITY, f64::min))
}

/// Reads a table that pandas wrote: columns by their number, each with its rows by their number, as JSON inside of a
/// JSON text.
fn matrix(problem: &Value) -> Option<Vec<Vec<f64>>> {
    let parsed;
    let table = match problem {
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).ok()?;
            &parsed
        }
        other => other,
    };
    let columns = table.as_object()?;
    let height = columns.values().next()?.as_object()?.len();
    let cell = |column: usize, row: usize| {
        let value = columns.get(&column.to_string())?.get(row.to_string())?;
        // The row of the limit has one number only.
        Some(value.as_f64().unwrap_or(f64::NAN))
    };
    let row = |row: usize| (0..columns.len()).map(|column| cell(column, row)).collect::<Option<Vec<f64>>>();
    (0..height).map(row).collect()
}
