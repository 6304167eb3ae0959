//! Circles of a directed graph, by plain searches: a crate has some hundred files.

use std::collections::{BTreeSet, VecDeque};

/// Sets of nodes that all reach each other, of two nodes or more, each sorted.
pub(super) fn components(nodes: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<Vec<usize>> {
    let reached: Vec<BTreeSet<usize>> = (0..nodes).map(|node| reach(node, edges)).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for node in 0..nodes {
        let together: Vec<usize> =
            reached[node].iter().copied().filter(|other| reached[*other].contains(&node)).collect();
        if together.len() > 1 && seen.insert(together.clone()) {
            found.push(together);
        }
    }
    found
}

/// Everything that a walk of one step or more from `start` comes to.
fn reach(start: usize, edges: &BTreeSet<(usize, usize)>) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![start];
    while let Some(node) = pending.pop() {
        pending.extend(next(node, edges).filter(|to| reached.insert(*to)));
    }
    reached
}

/// A shortest circle inside a component, from its smallest node that is on one of that length.
pub(super) fn shortest_circle(component: &[usize], edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let circles = component.iter().filter_map(|start| circle_from(*start, edges));
    circles.min_by_key(Vec::len).unwrap_or_default()
}

fn circle_from(start: usize, edges: &BTreeSet<(usize, usize)>) -> Option<Vec<usize>> {
    let mut seen = BTreeSet::from([start]);
    let mut pending = VecDeque::from([vec![start]]);
    while let Some(walk) = pending.pop_front() {
        let last = *walk.last()?;
        for to in next(last, edges) {
            if to == start {
                return Some(walk);
            }
            if seen.insert(to) {
                pending.push_back(walk.iter().copied().chain([to]).collect());
            }
        }
    }
    None
}

fn next(node: usize, edges: &BTreeSet<(usize, usize)>) -> impl Iterator<Item = usize> {
    edges.range((node, 0)..=(node, usize::MAX)).map(|edge| edge.1)
}

#[cfg(test)]
mod tests {
    use internlm_kit::testing::TestRng;

    use super::*;

    #[test]
    fn components_and_their_shortest_circles() {
        let edges = BTreeSet::from([(0, 1), (1, 2), (2, 0), (2, 1), (2, 3), (3, 4), (5, 6), (6, 5)]);
        let found = components(7, &edges);
        assert_eq!(found, [vec![0, 1, 2], vec![5, 6]]);
        assert_eq!(shortest_circle(&found[0], &edges), [1, 2]);
        assert_eq!(shortest_circle(&found[1], &edges), [5, 6]);
    }

    #[test]
    fn random_graphs_have_the_components_of_their_closure() {
        let mut rng = TestRng::new(1);
        for _ in 0..500 {
            let nodes = 2 + rng.below(7);
            let edges: BTreeSet<(usize, usize)> = (0..rng.below(14))
                .map(|_| (rng.below(nodes), rng.below(nodes)))
                .filter(|(a, b)| a != b)
                .collect();
            // Warshall's closure says who reaches whom.
            let mut reaches = vec![vec![false; nodes]; nodes];
            edges.iter().for_each(|(from, to)| reaches[*from][*to] = true);
            for via in 0..nodes {
                for from in 0..nodes {
                    for to in 0..nodes {
                        reaches[from][to] |= reaches[from][via] && reaches[via][to];
                    }
                }
            }
            let found = components(nodes, &edges);
            for (a, b) in (0..nodes).flat_map(|a| (0..nodes).map(move |b| (a, b))).filter(|(a, b)| a != b) {
                let together = found.iter().any(|component| component.contains(&a) && component.contains(&b));
                assert_eq!(together, reaches[a][b] && reaches[b][a], "{edges:?}");
            }
            for component in &found {
                let circle = shortest_circle(component, &edges);
                let next = circle.iter().cycle().skip(1);
                assert!(
                    circle.len() > 1
                        && circle.iter().zip(next).all(|(from, to)| edges.contains(&(*from, *to)))
                );
            }
        }
    }

    #[test]
    fn a_chain_has_none() {
        assert!(components(3, &BTreeSet::from([(0, 1), (1, 2), (0, 2)])).is_empty());
    }
}
