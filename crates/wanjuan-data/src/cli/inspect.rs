//! `wanjuan-data inspect`: which blocks of a page are kept, which are dropped, and why.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use internlm_kit::file::AtPath;
use internlm_kit::{file, stdout};

use super::columns::{Columns, Look};
use super::extract::{ExtractOptions, read_page};
use super::inspect_html::to_html;
use super::inspect_summary::Summary;
use crate::extract::{BlockReport, explain};

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data inspect page.html
  wanjuan-data inspect page.html --mode recall --format markdown --html report.html")]
pub(super) struct InspectArguments {
    /// HTML page to inspect; .gz is decompressed.
    page: PathBuf,
    #[command(flatten)]
    options: ExtractOptions,
    /// Also write all blocks, uncut, to this file as one self-contained HTML page.
    #[arg(long)]
    html: Option<PathBuf>,
}

/// Maximum number of terminal lines for blocks dropped for one reason; the HTML page shows all.
const DROPPED_LINES: usize = 4;
/// Width of a terminal that does not report it, in columns.
const WIDTH: usize = 100;

pub(super) fn run(arguments: &InspectArguments) -> anyhow::Result<()> {
    let bytes = read_page(&arguments.page).at(&arguments.page, "read")?;
    let started = Instant::now();
    let explanation = explain(&bytes, None, &arguments.options.config());
    let summary = Summary::of(&arguments.page, bytes.len(), &explanation, started.elapsed().as_secs_f64());
    let look = if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Look::Colored
    } else {
        Look::Plain
    };
    let columns = Columns::new(width(), look);
    stdout::print_styled(format_args!("{}", to_text(&summary, &explanation.blocks, &columns)))?;
    if let Some(path) = &arguments.html {
        let page = to_html(&summary, &explanation);
        file::write(path, page)?;
        tracing::info!("{}: written", path.display());
    }
    Ok(())
}

/// Width of the terminal in columns: its own answer, else `COLUMNS`.
fn width() -> usize {
    let own = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let given = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    own.or_else(given).unwrap_or(WIDTH).clamp(40, 240)
}

/// Kept blocks on the left, dropped ones on the right, in page order: dropped blocks are in the rows of the text that
/// precedes them.
fn to_text(summary: &Summary, blocks: &[BlockReport], columns: &Columns) -> String {
    let mut out = columns.heading(&summary.title);
    for (name, value) in &summary.rows {
        out += &format!("{name:<9} {value}\n");
    }
    out += &columns.titles("KEPT", "DROPPED, AND WHY");
    let mut rest = blocks;
    while !rest.is_empty() {
        let kept = rest.iter().take_while(|block| block.kept).count();
        let dropped = rest[kept..].iter().take_while(|block| !block.kept).count();
        let (left, after) = rest.split_at(kept);
        let (right, after) = after.split_at(dropped);
        let left: Vec<String> = left.iter().flat_map(|block| columns.wrap(&block.text)).collect();
        out += &columns.rows(&left, &dropped_lines(right, columns));
        rest = after;
    }
    out
}

/// One line with the reason for all that was dropped in a row for it, then their text, shortened.
fn dropped_lines(blocks: &[BlockReport], columns: &Columns) -> Vec<String> {
    let mut lines = Vec::new();
    for group in blocks.chunk_by(|a, b| a.reason == b.reason) {
        let score = group[0].score.map_or_else(String::new, |score| format!(" ({score:.3})"));
        lines.extend(columns.wrap(&format!("[{}{score}]", group[0].reason)));
        let texts: Vec<&str> = group.iter().map(|block| block.text.as_str()).collect();
        let mut wrapped = columns.wrap(&texts.join(" / "));
        if wrapped.len() > DROPPED_LINES {
            let more = wrapped.len() - DROPPED_LINES + 1;
            wrapped.truncate(DROPPED_LINES - 1);
            wrapped.push(format!("... {more} more lines"));
        }
        lines.append(&mut wrapped);
    }
    lines
}
