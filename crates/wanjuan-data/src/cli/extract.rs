//! `wanjuan-data extract`: the main text of one page, or of a list of pages for scoring and for scripts.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};
use flate2::read::MultiGzDecoder;
use internlm_kit::file::{self, AtPath};
use internlm_kit::reporter::Reporter;
use internlm_kit::terminal::Bars;
use rayon::prelude::*;
use serde_json::{Map, Value};

use crate::Error;
use crate::extract::{ExtractConfig, ExtractedPage, Links, Mode, TextFormat, extract_html};

/// Arguments of `extract`.
#[derive(Debug, Args)]
#[command(
    override_usage = "wanjuan-data extract <PAGE | --list LIST --out OUT> [OPTIONS]",
    after_help = "Examples:
  wanjuan-data extract page.html
  curl -s https://example.org/ | wanjuan-data extract - --format markdown
  wanjuan-data extract --list pages/list.tsv --out texts.json
  wanjuan-data extract --list pages/list.tsv --out texts.json --format markdown --meta meta.json --threads 1"
)]
pub(super) struct ExtractArguments {
    /// HTML page to extract; .gz is decompressed; - for standard input.
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    page: Option<PathBuf>,
    /// List of pages, one `key<TAB>path` per line. Paths are relative to the list; pages in .gz are decompressed.
    #[arg(long, requires = "out")]
    list: Option<PathBuf>,
    /// File to write the text of the page to, or the texts of a list as a JSON object `{key: text}`; - for standard
    /// output, the default for a page.
    #[arg(long)]
    out: Option<PathBuf>,
    /// File to write the metadata to, a JSON object `{title, author, date, site, language, license}`, or `{key: {title,
    /// ...}}` for a list.
    #[arg(long)]
    meta: Option<PathBuf>,
    #[command(flatten)]
    options: ExtractOptions,
    /// Number of worker threads; 0 for one per core. The output does not depend on it.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

impl ExtractArguments {
    fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new(STANDARD))
    }
}

/// The path that stands for standard input and standard output.
const STANDARD: &str = "-";

/// How a page is extracted; shared with `inspect`.
#[derive(Debug, Args)]
pub(super) struct ExtractOptions {
    /// Prefer less boilerplate (precision) or more text (recall) when in doubt.
    #[arg(long, value_enum, default_value_t = ModeArgument::Balanced)]
    mode: ModeArgument,
    /// Format of the text.
    #[arg(long, value_enum, default_value_t = FormatArgument::Text)]
    format: FormatArgument,
    /// Keep the addresses of links in markdown.
    #[arg(long, value_enum, default_value_t = LinksArgument::None)]
    links: LinksArgument,
}

impl ExtractOptions {
    pub(super) fn config(&self) -> ExtractConfig {
        ExtractConfig {
            mode: match self.mode {
                ModeArgument::Precision => Mode::Precision,
                ModeArgument::Balanced => Mode::Balanced,
                ModeArgument::Recall => Mode::Recall,
            },
            format: match self.format {
                FormatArgument::Text => TextFormat::Text,
                FormatArgument::Markdown => TextFormat::Markdown,
            },
            links: match self.links {
                LinksArgument::None => Links::None,
                LinksArgument::Inline => Links::Inline,
            },
            ..ExtractConfig::default()
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LinksArgument {
    None,
    Inline,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArgument {
    Precision,
    Balanced,
    Recall,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArgument {
    Text,
    Markdown,
}

/// One extracted page, with what it took.
struct Done {
    key: String,
    page: ExtractedPage,
    bytes: usize,
    time: Duration,
    failure: Option<String>,
}

pub(super) fn run(arguments: &ExtractArguments) -> anyhow::Result<()> {
    match (&arguments.page, &arguments.list) {
        (Some(page), _) => run_page(arguments, page),
        (None, Some(list)) => run_list(arguments, list),
        (None, None) => {
            let expected = "a page, or a list by --list".to_owned();
            Err(Error::Usage { option: "PAGE", found: "nothing".to_owned(), expected }.into())
        }
    }
}

fn run_page(arguments: &ExtractArguments, path: &Path) -> anyhow::Result<()> {
    let bytes = if path == Path::new(STANDARD) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).at("standard input", "read")?;
        bytes
    } else {
        read_page(path).at(path, "read")?
    };
    let page = extract_html(&bytes, None, &arguments.options.config());
    let end = if page.text.is_empty() { "" } else { "\n" };
    file::write(arguments.out(), page.text + end)?;
    if let Some(meta) = &arguments.meta {
        file::write(meta, serde_json::to_vec(&page.metadata).context("metadata is plain data")?)?;
    }
    Ok(())
}

fn run_list(arguments: &ExtractArguments, list: &Path) -> anyhow::Result<()> {
    let config = arguments.options.config();
    let pages = read_list(list)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    let progress = Bars.start("extract", "pages", pages.len() as u64);
    let (started, cpu_before) = (Instant::now(), cpu_time());
    let done: Vec<Done> = pool.install(|| {
        let one = |(key, path): &(String, PathBuf)| {
            let done = extract_one(key, path, &config);
            progress.advance(1);
            done
        };
        pages.par_iter().map(one).collect()
    });
    let (wall, cpu) = (started.elapsed(), cpu_time().saturating_sub(cpu_before));
    drop(progress);
    write_results(arguments, &done)?;
    log_speed(&done, wall, cpu);
    Ok(())
}

fn read_list(list: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let text = file::read_to_string(list)?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let mut offset = 0;
    let mut pages = Vec::new();
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        if !content.is_empty() {
            let (key, path) = content.split_once('\t').ok_or_else(|| Error::Format {
                path: list.to_path_buf(),
                offset,
                found: format!("{content:?}"),
                expected: "key<TAB>path".to_owned(),
            })?;
            pages.push((key.to_owned(), folder.join(path)));
        }
        offset += line.len() as u64;
    }
    Ok(pages)
}

/// The bytes of a page; `.gz` is inflated.
pub(super) fn read_page(path: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(bytes);
    }
    let mut inflated = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut inflated)?;
    Ok(inflated)
}

fn extract_one(key: &str, path: &Path, config: &ExtractConfig) -> Done {
    let started = Instant::now();
    let (page, bytes, failure) = match read_page(path) {
        Err(error) => {
            (ExtractedPage::default(), 0, Some(format!("{}: cannot read: {error}", path.display())))
        }
        Ok(bytes) => match std::panic::catch_unwind(|| extract_html(&bytes, None, config)) {
            Ok(page) => (page, bytes.len(), None),
            Err(_) => (ExtractedPage::default(), bytes.len(), Some(format!("{}: panic", path.display()))),
        },
    };
    Done { key: key.to_owned(), page, bytes, time: started.elapsed(), failure }
}

fn write_results(arguments: &ExtractArguments, done: &[Done]) -> anyhow::Result<()> {
    let texts: Map<String, Value> =
        done.iter().map(|one| (one.key.clone(), Value::String(one.page.text.clone()))).collect();
    let write = |path: &Path, map: &Map<String, Value>| -> anyhow::Result<()> {
        let bytes = serde_json::to_vec(map).context("texts are plain data")?;
        Ok(file::write(path, bytes)?)
    };
    write(arguments.out(), &texts)?;
    if let Some(path) = &arguments.meta {
        let metas: serde_json::Result<Map<String, Value>> =
            done.iter().map(|one| Ok((one.key.clone(), serde_json::to_value(&one.page.metadata)?))).collect();
        write(path, &metas?)?;
    }
    Ok(())
}

/// CPU time of this process so far, all threads, user and system.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn log_speed(done: &[Done], wall: Duration, cpu: Duration) {
    for failure in done.iter().filter_map(|one| one.failure.as_ref()) {
        tracing::warn!("{failure}");
    }
    let cpu = cpu.as_secs_f64();
    let bytes: usize = done.iter().map(|one| one.bytes).sum();
    let (pages, megabytes) = (done.len() as f64, bytes as f64 / 1e6);
    let slowest = done.iter().max_by_key(|one| one.time);
    tracing::info!(
        "{} pages, {megabytes:.1} MB in {:.2} s; {cpu:.2} CPU seconds: {:.1} pages/s, {:.1} MB/s; slowest {}",
        done.len(),
        wall.as_secs_f64(),
        pages / cpu.max(1e-9),
        megabytes / cpu.max(1e-9),
        slowest.map_or_else(String::new, |one| format!("{} {:.3} s", one.key, one.time.as_secs_f64()))
    );
}
