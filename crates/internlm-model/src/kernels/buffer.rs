//! Reused memory for the results of kernels.
//!
//! A training step makes and drops the same hundreds of megabytes again and again. Given back to the system each
//! time they would cost a page fault and a zeroing per 4 KB, about a third of a step on the CPU. Buffers therefore
//! return to a pool of the process. Passes of nearly the same number of tokens share buffers, because sizes are rounded
//! up a little; and whatever the sizes are, idle and used buffers together never exceed the largest amount that was in
//! use at once.

#![allow(
    unsafe_code,
    reason = "memory of tensors is given out and taken back by hand; every block says why it is sound"
)]

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use burn_backend::{DType, Shape};
use burn_flex::{FlexTensor, Layout};
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};

/// One cache line; aligned so that a 512-bit load never crosses two of them.
#[derive(Clone, Copy)]
#[repr(align(64))]
#[expect(dead_code, reason = "read through the slice of floats")]
struct Line([f32; Line::FLOATS]);

impl Line {
    const FLOATS: usize = 16;
    const ZERO: Self = Self([0.0; Self::FLOATS]);
}

/// Floats whose memory goes back to the pool when dropped.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    length: usize,
}

struct Pool {
    /// Idle buffers by their number of lines.
    idle: BTreeMap<usize, Vec<Vec<Line>>>,
    idle_lines: usize,
    live_lines: usize,
    peak_lines: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool::EMPTY);

impl Pool {
    const EMPTY: Self = Self { idle: BTreeMap::new(), idle_lines: 0, live_lines: 0, peak_lines: 0 };

    /// An idle buffer of so many lines. Without one the caller makes it, and idle ones are freed to make room.
    fn take(&mut self, lines: usize) -> Option<Vec<Line>> {
        self.live_lines += lines;
        self.peak_lines = self.peak_lines.max(self.live_lines);
        let found = self.idle.get_mut(&lines).and_then(Vec::pop);
        if found.is_some() {
            self.idle_lines -= lines;
        }
        self.keep_bound();
        found
    }

    fn give(&mut self, buffer: Vec<Line>) {
        let lines = buffer.len();
        self.live_lines -= lines;
        self.idle_lines += lines;
        self.idle.entry(lines).or_default().push(buffer);
    }

    /// Frees idle buffers, large ones first, until all buffers together are at most the peak of the used ones.
    fn keep_bound(&mut self) {
        while self.live_lines + self.idle_lines > self.peak_lines {
            let Some(mut largest) = self.idle.last_entry() else { return };
            self.idle_lines -= largest.get_mut().pop().map_or(0, |buffer| buffer.len());
            if largest.get().is_empty() {
                largest.remove();
            }
        }
    }
}

/// A number of lines that is at least `lines` and at most a sixteenth more, of which there are few.
fn rounded(lines: usize) -> usize {
    let step = (lines.next_power_of_two() / 32).max(1);
    lines.next_multiple_of(step)
}

impl Buffer {
    /// `length` floats of any value: the caller writes every one.
    pub(crate) fn stale(length: usize) -> Self {
        let lines = rounded(length.div_ceil(Line::FLOATS));
        let found = POOL.lock().expect("no thread panics while it holds the pool").take(lines);
        Self { lines: found.unwrap_or_else(|| vec![Line::ZERO; lines]), length }
    }

    /// `length` zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        let mut buffer = Self::stale(length);
        buffer.fill(0.0);
        buffer
    }

    /// A copy of `values`.
    pub(crate) fn copied(values: &[f32]) -> Self {
        let mut buffer = Self::stale(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// The floats as a tensor of the CPU backend.
    pub(crate) fn into_tensor<const D: usize>(self, shape: [usize; D]) -> FlexTensor {
        assert_eq!(
            shape.iter().product::<usize>(),
            self.length,
            "a tensor holds as many floats as its shape says"
        );
        let bytes = self.length * size_of::<f32>();
        // SAFETY: all floats of a buffer are initialized, so the first `bytes` bytes are.
        let bytes = unsafe { Bytes::from_controller(Box::new(Pooled(self)), bytes) };
        FlexTensor::new(bytes, Layout::contiguous(Shape::from(shape.to_vec())), DType::F32)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `length` initialized floats without padding (`Line` is 16 floats, 64 bytes).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; the exclusive borrow of `self` covers the memory.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if let Ok(mut pool) = POOL.lock() {
            pool.give(lines);
        }
    }
}

/// A buffer as the memory behind a tensor.
struct Pooled(Buffer);

impl AllocationController for Pooled {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self, _policy: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let floats: &mut [f32] = &mut self.0;
        // SAFETY: the bytes of floats, valid for as long as the borrow; the caller promises to write initialized
        // bytes, and any bytes are a float.
        Ok(unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), size_of_val(floats)) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let floats: &[f32] = &self.0;
        // SAFETY: the bytes of initialized floats, valid for as long as the borrow.
        Ok(unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), size_of_val(floats)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensor_of_a_buffer_reads_back_and_may_be_written() {
        let mut tensor = Buffer::copied(&[1.0, 2.0, 3.0]).into_tensor([3]);
        tensor.storage_mut::<f32>()[1] = 5.0;
        assert_eq!(tensor.storage::<f32>(), [1.0, 5.0, 3.0]);
        assert_eq!(tensor.clone().into_data().to_vec_unwrapped(), [1.0, 5.0, 3.0]);
    }

    trait Unwrapped {
        fn to_vec_unwrapped(&self) -> Vec<f32>;
    }

    impl Unwrapped for burn_backend::TensorData {
        fn to_vec_unwrapped(&self) -> Vec<f32> {
            self.as_slice::<f32>().expect("f32 data").to_vec()
        }
    }

    fn lines(count: usize) -> Vec<Line> {
        vec![Line::ZERO; count]
    }

    #[test]
    fn idle_and_used_buffers_never_exceed_the_peak_of_the_used_ones() {
        let mut pool = Pool::EMPTY;
        for pass in 1..=20 {
            // Every pass uses three buffers of sizes that no other pass has.
            let sizes = [100 + pass, 200 + pass, 300 + pass];
            let used = sizes.map(|size| pool.take(size).unwrap_or_else(|| lines(size)));
            assert!(pool.live_lines + pool.idle_lines <= 600 + 3 * pass);
            used.into_iter().for_each(|buffer| pool.give(buffer));
            let idle: usize = pool.idle.iter().map(|(size, buffers)| size * buffers.len()).sum();
            assert_eq!((idle, pool.live_lines), (pool.idle_lines, 0));
            assert!(idle <= pool.peak_lines);
        }
        assert_eq!(pool.peak_lines, 660);
    }

    #[test]
    fn a_buffer_that_was_given_back_is_taken_again() {
        let mut pool = Pool::EMPTY;
        assert!(pool.take(64).is_none());
        pool.give(lines(64));
        assert_eq!(pool.take(64).map(|buffer| buffer.len()), Some(64));
        assert_eq!(pool.idle_lines, 0);
    }

    #[test]
    fn sizes_are_rounded_up_by_at_most_a_sixteenth() {
        for lines in (0..2000).chain([1 << 20, (1 << 20) + 1, 12_345_678]) {
            let rounded = rounded(lines);
            assert!(lines <= rounded && rounded <= lines + lines.div_ceil(16), "{lines}: {rounded}");
        }
        assert_eq!(Vec::from_iter([2040, 2041, 2048].map(rounded)), [2048; 3]);
    }

    #[test]
    fn zeroed_buffers_are_zero_after_reuse() {
        let length = 12_345;
        Buffer::stale(length).fill(7.0);
        assert!(Buffer::zeroed(length).iter().all(|&value| value == 0.0));
    }
}
