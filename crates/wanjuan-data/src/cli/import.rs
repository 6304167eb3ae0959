//! `wanjuan-data import`: pages to WARC.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::read::{Selection, list_pages, write_pages};

/// Kinds of input.
#[derive(Debug, Subcommand)]
pub(super) enum ImportVerb {
    /// A folder of pages.
    HtmlDir(HtmlDirArguments),
}

/// Arguments of `import html-dir`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data import html-dir site/ --out site.warc.gz --base-url https://example.org/
  wanjuan-data import html-dir site/ --out posts.warc.gz --include 'posts/**/*.html' --exclude '**/print.html'")]
pub(super) struct HtmlDirArguments {
    /// The folder.
    dir: PathBuf,
    /// The archive to write: one gzip member per record.
    #[arg(long)]
    out: PathBuf,
    /// Put before the path to make the address of a page.
    #[arg(long, default_value = "file:///")]
    base_url: String,
    /// WARC-Date of all records.
    #[arg(long, default_value = "2000-01-01T00:00:00Z")]
    date: String,
    /// Glob of pages to take; repeatable. Default: .html, .htm, .md, .txt.
    #[arg(long)]
    include: Vec<String>,
    /// Glob of pages and folders to leave out; repeatable.
    #[arg(long)]
    exclude: Vec<String>,
    /// At most this many pages per include, chosen by the hash of their path.
    #[arg(long)]
    max_pages: Option<usize>,
}

pub(super) fn run(verb: &ImportVerb) -> anyhow::Result<()> {
    let ImportVerb::HtmlDir(arguments) = verb;
    let select = |include: &String| Selection { include: include.clone(), max_pages: arguments.max_pages };
    let select: Vec<Selection> = arguments.include.iter().map(select).collect();
    let list = list_pages(&arguments.dir, &select, &arguments.exclude)?;
    write_pages(&list.root, &list.pages, &arguments.out, &arguments.base_url, &arguments.date)?;
    let bytes: u64 = list.pages.iter().map(|page| page.size).sum();
    tracing::info!("{}: {} pages, {bytes} bytes", arguments.out.display(), list.pages.len());
    Ok(())
}
