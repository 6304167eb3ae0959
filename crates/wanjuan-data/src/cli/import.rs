//! `wanjuan-data import`: turns pages into WARC archives.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::read::{Selection, list_pages, write_pages};

/// What can be imported.
#[derive(Debug, Subcommand)]
pub(super) enum ImportVerb {
    /// Import the pages of a folder, sorted by path.
    HtmlDir(HtmlDirArguments),
}

/// Arguments of `import html-dir`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  wanjuan-data import html-dir site/ --out site.warc.gz --base-url https://example.org/
  wanjuan-data import html-dir site/ --out posts.warc.gz --include 'posts/**/*.html' --exclude '**/print.html'")]
pub(super) struct HtmlDirArguments {
    /// Folder of pages, searched at any depth.
    dir: PathBuf,
    /// Archive to write, with one gzip member per record.
    #[arg(long)]
    out: PathBuf,
    /// Prefix that turns the path of a page into its URL.
    #[arg(long, default_value = "file:///")]
    base_url: String,
    /// WARC-Date of all records; fixed, so that the bytes are reproducible.
    #[arg(long, default_value = "2000-01-01T00:00:00Z")]
    date: String,
    /// Take pages that match this glob; repeatable. Default: all .html, .htm, .md and .txt files.
    #[arg(long)]
    include: Vec<String>,
    /// Leave out pages and folders that match this glob; repeatable.
    #[arg(long)]
    exclude: Vec<String>,
    /// Maximum number of pages per --include, chosen by the hash of their path. Default: all.
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
