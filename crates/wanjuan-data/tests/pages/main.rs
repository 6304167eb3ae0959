//! Memory and time of extraction on public, damaged and hostile pages. This is a separate test binary because it needs
//! its own allocator. `PAGE_MUTATIONS=20000` makes the long run; `--nocapture` prints the figures.
#![allow(clippy::print_stdout, reason = "the figures are what a reader of the test wants")]

mod mutations;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use internlm_kit::testing::shared_data;
use peak_alloc::PeakAlloc;
use wanjuan_data::extract::{ExtractConfig, Mode, TextFormat, extract_html};

use mutations::{hostile_pages, mutate};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Held by the test that is measuring, because memory is counted per process.
static TURN: Mutex<()> = Mutex::new(());

/// Memory that every page may take, whatever its size, in bytes. The tables of a page have a minimum capacity.
const FIXED: usize = 256 << 10;

/// Maximum memory per byte of page, in bytes.
const FACTOR: usize = 50;

fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // The trained model is read once per process. Its memory is not that of the page.
    drop(extract_html(b"<p>first</p>", None, &ExtractConfig::default()));
    turn
}

/// The worst pages so far.
#[derive(Default)]
struct Worst {
    pages: usize,
    slowest: (Duration, String),
    /// Maximum bytes of memory per byte of page, without the fixed cost.
    hungriest: (f64, String),
}

impl Worst {
    /// Extracts a page and fails if that takes more memory than allowed.
    fn extract(&mut self, name: &str, bytes: &[u8], config: &ExtractConfig) {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let started = Instant::now();
        let page = extract_html(bytes, None, config);
        let time = started.elapsed();
        let peak = ALLOCATOR.peak_usage().saturating_sub(before);
        drop(page);
        let limit = FACTOR * bytes.len() + FIXED;
        assert!(peak <= limit, "{name}: {} bytes of page took {peak} bytes, limit {limit}", bytes.len());
        let factor = peak.saturating_sub(FIXED) as f64 / bytes.len().max(1) as f64;
        self.pages += 1;
        if time > self.slowest.0 {
            self.slowest = (time, name.to_owned());
        }
        if factor > self.hungriest.0 {
            self.hungriest = (factor, name.to_owned());
        }
    }

    fn print(&self, what: &str) {
        let Self { pages, slowest: (time, slow), hungriest: (factor, hungry) } = self;
        println!(
            "{what}: {pages} pages, slowest {:.3} s ({slow}), most memory {factor:.1} times the page ({hungry})",
            time.as_secs_f64()
        );
    }
}

/// The page archives, unpacked into a temporary folder; `None` with a visible line when they are absent.
fn page_sets() -> Option<tempfile::TempDir> {
    let shared = shared_data("web")?;
    let folder = tempfile::tempdir().expect("temporary folder");
    for set in ["traf", "aeb", "wcxb", "readability", "zh"] {
        let archive = shared.join(format!("{set}.tar.zst"));
        let mut tar = Command::new("tar");
        let status = tar.arg("--zstd").arg("-xf").arg(&archive).arg("-C").arg(folder.path()).status();
        if !status.is_ok_and(|status| status.success()) {
            println!("skipped: tar cannot unpack {}", archive.display());
            return None;
        }
    }
    Some(folder)
}

/// All pages below a folder, in order of their paths.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for set in std::fs::read_dir(folder).expect("folder of sets").flatten() {
        let html = set.path().join("html");
        found.extend(std::fs::read_dir(html).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    found.sort();
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[test]
fn every_page_of_every_set() {
    let _turn = turn();
    let Some(folder) = page_sets() else { return };
    let mut worst = Worst::default();
    for path in pages(folder.path()) {
        let bytes = std::fs::read(&path).expect("page");
        worst.extract(&name_of(&path), &bytes, &ExtractConfig::default());
    }
    worst.print("public pages");
    assert_eq!(worst.pages, 1582);
}

#[test]
fn mutated_pages() {
    let _turn = turn();
    let Some(folder) = page_sets() else { return };
    let paths = pages(folder.path());
    let wanted: usize =
        std::env::var("PAGE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let configs = [Mode::Balanced, Mode::Precision, Mode::Recall].map(|mode| {
        let format = if mode == Mode::Balanced { TextFormat::Text } else { TextFormat::Markdown };
        ExtractConfig::default().with_mode(mode).with_format(format)
    });
    let mut worst = Worst::default();
    for number in 0..wanted {
        // A stride that is coprime to the number of pages reaches all of them.
        let path = &paths[number * 7919 % paths.len()];
        let bytes = std::fs::read(path).expect("page");
        let (kind, mutant) = mutate(&bytes, number as u64);
        worst.extract(&format!("{kind} of {}", name_of(path)), &mutant, &configs[number % 3]);
    }
    worst.print("mutated pages");
}

#[test]
fn hostile_pages_of_our_own() {
    let _turn = turn();
    let mut worst = Worst::default();
    for (name, page) in hostile_pages() {
        for format in [TextFormat::Text, TextFormat::Markdown] {
            let config = ExtractConfig::default().with_format(format);
            worst.extract(name, &page, &config);
        }
    }
    worst.print("hostile pages");
}
