//! [`Shared`]: a buffer that the members of a pool fill together.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ops::Range;

/// Numbers that members write in disjoint parts during one phase and read during others.
#[derive(Debug, Default)]
pub(crate) struct Shared<T> {
    data: UnsafeCell<Vec<T>>,
}

// SAFETY: the methods that hand out parts through `&self` are unsafe and demand disjointness between threads.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T: Copy + Default> Shared<T> {
    /// Grows the buffer to at least `length` values, whose content is unspecified; it never shrinks.
    pub(crate) fn reserve(&mut self, length: usize) {
        let data = self.data.get_mut();
        if data.len() < length {
            data.resize(length, T::default());
        }
    }

    /// The whole buffer; the exclusive borrow proves that no member uses it.
    pub(crate) fn get_mut(&mut self) -> &mut [T] {
        self.data.get_mut()
    }

    /// Lends a part for reading.
    ///
    /// # Safety
    /// No thread writes any of `range` while the slice lives.
    pub(crate) unsafe fn read(&self, range: Range<usize>) -> &[T] {
        // SAFETY: the vector itself (pointer, length) changes only through `&mut self`.
        let data = unsafe { &*self.data.get() };
        assert!(range.start <= range.end && range.end <= data.len(), "a part of the buffer");
        // SAFETY: in bounds by the line above; nobody writes it, by the caller's promise.
        unsafe { std::slice::from_raw_parts(data.as_ptr().add(range.start), range.len()) }
    }

    /// Lends a part for writing.
    ///
    /// # Safety
    /// No other thread reads or writes any of `range` while the slice lives, and this thread holds no other slice
    /// of it.
    #[allow(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub(crate) unsafe fn write(&self, range: Range<usize>) -> &mut [T] {
        // SAFETY: the vector itself changes only through `&mut self`; no reference to its elements is made here.
        let (pointer, length) = unsafe {
            let data = self.data.get();
            ((*data).as_ptr().cast_mut(), (*data).len())
        };
        assert!(range.start <= range.end && range.end <= length, "a part of the buffer");
        // SAFETY: in bounds by the line above; nobody else touches it, by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(pointer.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;
    use crate::pool::Pool;

    #[test]
    fn members_write_disjoint_parts_that_all_of_them_read() {
        let mut shared = Shared::<u32>::default();
        shared.reserve(64);
        shared.reserve(8);
        let mut pool = Pool::new(3).expect("threads");
        let buffer = &shared;
        let job = pool.run(&|member| {
            member.phase(16, |chunk| {
                // SAFETY: a chunk is claimed once, and chunks do not overlap.
                unsafe { buffer.write(4 * chunk..4 * chunk + 4) }.fill(chunk as u32);
            })?;
            // SAFETY: nobody writes after the phase.
            let sum: u32 = unsafe { buffer.read(0..64) }.iter().sum();
            assert_eq!(sum, 4 * (0..16).sum::<u32>());
            Ok(())
        });
        job.expect("no member fails");
        assert_eq!(shared.get_mut().len(), 64, "the buffer never shrinks");
    }

    #[test]
    #[should_panic(expected = "a part of the buffer")]
    fn a_part_outside_of_the_buffer_is_refused() {
        let mut shared = Shared::<f32>::default();
        shared.reserve(4);
        // SAFETY: no other thread knows the buffer.
        let _ = unsafe { shared.write(2..5) };
    }
}
