//! [`release_freed`]: memory that a program has freed goes back to the system.
#![allow(unsafe_code)]

/// Gives the system what this process has freed and its allocator still keeps, as after loading a model. It takes a
/// millisecond or so, and does nothing where the allocator is not glibc's.
pub fn release_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim(3) takes the allocator's own locks and touches only pages without living allocations.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Resident memory of this process in bytes.
    fn resident() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").expect("is there");
        let pages: usize =
            pages.split(' ').nth(1).expect("has a second number").parse().expect("is a number");
        pages * 4096
    }

    #[test]
    fn freed_memory_below_a_living_allocation_goes_back() {
        let mut small: Vec<Vec<u8>> = (0..64 << 10).map(|_| vec![1; 1 << 10]).collect();
        let last = small.pop();
        let full = resident();
        drop(small);
        release_freed();
        let left = full.saturating_sub(resident());
        assert!(left > 40 << 20, "{left} bytes went back");
        drop(last);
    }
}
