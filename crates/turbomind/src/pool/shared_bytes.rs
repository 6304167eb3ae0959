//! [`SharedBytes`]: an anonymous memory map that the members of a pool fill together.
#![allow(unsafe_code)]

use std::ops::Range;

use memmap2::{MmapMut, MmapRaw};

/// Zeroed memory, aligned to pages, in huge pages where the system has them; it becomes resident when it is touched.
#[derive(Debug)]
pub(crate) struct SharedBytes {
    map: MmapRaw,
    length: usize,
}

impl SharedBytes {
    /// Maps `length` zeros.
    ///
    /// # Errors
    /// The system's answer when it cannot map that much.
    pub(crate) fn new(length: usize) -> std::io::Result<Self> {
        let map = MmapMut::map_anon(length.max(1))?;
        #[cfg(target_os = "linux")]
        if let Err(error) = map.advise(memmap2::Advice::HugePage) {
            tracing::debug!(%error, "no huge pages");
        }
        Ok(Self { map: MmapRaw::from(map), length })
    }

    /// Length of the map in bytes.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The whole map; the exclusive borrow proves that no member uses it.
    pub(crate) fn get_mut(&mut self) -> &mut [u8] {
        // SAFETY: the map holds at least `length` bytes, zeroed at first, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr(), self.length) }
    }

    /// Lends a part for reading.
    ///
    /// # Safety
    /// No thread writes any of `range` while the slice lives.
    pub(crate) unsafe fn read(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.length, "a part of the map");
        // SAFETY: in bounds by the line above; nobody writes it, by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(range.start), range.len()) }
    }

    /// Puts `bytes` at `offset`.
    ///
    /// # Safety
    /// No other thread reads or writes these bytes at the same time, and no slice of them lives.
    #[inline]
    pub(crate) unsafe fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset.checked_add(bytes.len()).is_some_and(|end| end <= self.length), "a part of the map");
        // SAFETY: in bounds by the line above; nobody else touches them, by the caller's promise.
        unsafe { self.map.as_mut_ptr().add(offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::SharedBytes;

    #[test]
    #[cfg_attr(miri, ignore = "maps memory")]
    fn bytes_are_zero_until_they_are_written() {
        let mut map = SharedBytes::new(100).expect("a little memory");
        // SAFETY: no other thread knows the map.
        unsafe {
            map.write(97, &[1, 2, 3]);
            assert_eq!(map.read(95..100), [0, 0, 1, 2, 3]);
        }
        assert_eq!((map.len(), map.get_mut().iter().map(|byte| u32::from(*byte)).sum::<u32>()), (100, 6));
        assert_eq!(SharedBytes::new(0).expect("no memory").len(), 0);
    }

    #[test]
    #[cfg_attr(miri, ignore = "maps memory")]
    #[should_panic(expected = "a part of the map")]
    fn bytes_outside_of_the_map_are_refused() {
        let map = SharedBytes::new(100).expect("a little memory");
        // SAFETY: no other thread knows the map.
        unsafe { map.write(98, &[1, 2, 3]) };
    }
}
