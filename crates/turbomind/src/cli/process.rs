//! What the system says about this process and this machine.

use std::fs;
use std::path::Path;

use internlm_model::weights::gguf::GgufFile;

use crate::Isa;
use crate::simd::peak_gmac_s;

/// Ticks of a processor second in `/proc`, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// Reads a line of `/proc/self/status` (`VmRSS`: resident memory, `VmHWM`: its peak) in MB of 2^20 bytes; 0 where there is
/// no such line.
pub(super) fn memory_mb(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

/// Processor seconds of all threads so far; 0 where the system does not say.
pub(super) fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold anything; user and system time are fields 14 and 15 of all.
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    rest.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Measures what `threads` threads reach together: 10^9 multiply-adds of bytes per second.
pub(super) fn peak(isa: Isa, threads: usize) -> f64 {
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(move || peak_gmac_s(isa))).collect();
        let own = peak_gmac_s(isa);
        own + others.into_iter().map(|other| other.join().unwrap_or(0.0)).sum::<f64>()
    })
}

/// Size of a model file in bytes, of all parts of a split one, or of all files of a folder.
pub(super) fn file_bytes(path: &Path) -> u64 {
    let length =
        |path: &Path| fs::metadata(path).map_or(0, |data| if data.is_file() { data.len() } else { 0 });
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| length(&entry.path())).sum(),
        Err(_) => GgufFile::open(path).map_or_else(|_| length(path), |file| file.files().map(length).sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_files_and_folders_are_summed() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a"), [0; 70]).expect("writes");
        std::fs::write(folder.path().join("b"), [0; 30]).expect("writes");
        std::fs::create_dir(folder.path().join("c")).expect("creates");
        assert_eq!(file_bytes(&folder.path().join("a")), 70);
        assert_eq!(file_bytes(folder.path()), 100);
        assert_eq!(file_bytes(&folder.path().join("absent")), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_tells_memory_and_time() {
        let (now, peak) = (memory_mb("VmRSS"), memory_mb("VmHWM"));
        assert!(now > 0.5 && peak > 0.5, "{now} {peak}");
        assert_eq!(memory_mb("VmNothing"), 0.0);
        assert!(cpu_seconds() >= 0.0);
    }
}
