//! [`Arena`]: one anonymous memory map for all tiles of a model, in huge pages where the system has them.

use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};

/// Alignment of every part of an arena in bytes: a cache line, which is also the widest vector.
const ALIGNMENT: usize = 64;

/// Zeroed memory that is filled once and then only read.
#[derive(Debug)]
pub struct Arena {
    map: MmapMut,
    parts: Vec<Range<usize>>,
}

impl Arena {
    /// Maps one part per length, in bytes; every part is aligned to 64 bytes.
    ///
    /// # Errors
    /// The system's answer when it cannot map that much.
    pub fn new(lengths: &[usize]) -> std::io::Result<Self> {
        let mut end = 0;
        let mut parts = Vec::with_capacity(lengths.len());
        for length in lengths {
            parts.push(end..end + length);
            end = (end + length).next_multiple_of(ALIGNMENT);
        }
        let map = MmapMut::map_anon(end.max(1))?;
        #[cfg(target_os = "linux")]
        if let Err(error) = map.advise(memmap2::Advice::HugePage) {
            tracing::debug!(%error, "no huge pages");
        }
        Ok(Self { map, parts })
    }

    /// Lends all parts for filling; they may be filled by different threads.
    pub fn parts_mut(&mut self) -> Vec<&mut [u8]> {
        let mut rest = &mut self.map[..];
        let mut at = 0;
        let mut parts = Vec::with_capacity(self.parts.len());
        for range in &self.parts {
            let (_, tail) = rest.split_at_mut(range.start - at);
            let (part, tail) = tail.split_at_mut(range.len());
            parts.push(part);
            rest = tail;
            at = range.end;
        }
        parts
    }

    /// Turns the parts into read-only memory.
    ///
    /// # Errors
    /// The system's answer when it cannot protect the memory.
    pub fn freeze(self) -> std::io::Result<Vec<Bytes>> {
        let map = Arc::new(self.map.make_read_only()?);
        Ok(self.parts.into_iter().map(|range| Bytes { map: Arc::clone(&map), range }).collect())
    }
}

/// One part of a filled arena, aligned to 64 bytes; clones share the memory.
#[derive(Clone, Debug)]
pub struct Bytes {
    map: Arc<Mmap>,
    range: Range<usize>,
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map[self.range.clone()]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "maps memory")]
        fn parts_are_aligned_disjoint_and_kept(lengths in prop::collection::vec(0_usize..300, 0..9)) {
            let mut arena = Arena::new(&lengths).expect("a little memory");
            for (number, part) in (1_u8..).zip(arena.parts_mut()) {
                prop_assert!(part.iter().all(|byte| *byte == 0), "fresh memory is zero");
                part.fill(number);
            }
            let parts = arena.freeze().expect("memory that is read only");
            prop_assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), lengths);
            for (number, part) in (1_u8..).zip(&parts) {
                prop_assert!(part.iter().all(|byte| *byte == number));
                prop_assert!(part.is_empty() || part.as_ptr().addr() % ALIGNMENT == 0);
            }
        }
    }
}
