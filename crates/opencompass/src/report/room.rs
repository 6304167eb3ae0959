//! Shares the room of the report among the cells, so that one large set does not push the others out.

/// Returns how many bytes each part may have, so that all together have at most `room`: small parts keep their size and
/// the large ones share the rest evenly.
pub(super) fn shares(sizes: &[usize], room: usize) -> Vec<usize> {
    let mut sorted: Vec<usize> = sizes.to_vec();
    sorted.sort_unstable();
    let mut left = room;
    let mut level = 0;
    for (place, size) in sorted.iter().enumerate() {
        level = left / (sorted.len() - place);
        if *size > level {
            break;
        }
        left -= size;
        level = usize::MAX;
    }
    sizes.iter().map(|size| (*size).min(level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_keep_their_size_and_large_ones_share() {
        for (sizes, room, expected) in [
            (vec![10, 20, 30], 100, vec![10, 20, 30]),
            (vec![10, 200, 300], 110, vec![10, 50, 50]),
            (vec![400, 400], 100, vec![50, 50]),
            (vec![30, 10, 90], 60, vec![25, 10, 25]),
            (vec![], 10, vec![]),
            (vec![5], 0, vec![0]),
        ] {
            let found = shares(&sizes, room);
            assert_eq!(found, expected, "{sizes:?} in {room}");
            assert!(found.iter().sum::<usize>() <= room);
        }
    }
}
