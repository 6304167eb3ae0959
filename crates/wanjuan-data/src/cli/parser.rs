//! Verbs and their dispatch.

use clap::{Parser, Subcommand};

use super::{extract, filter, import, inspect, lid, report, run as pipeline, warc, why};

/// Turn raw web pages into clean, deduplicated text and token shards for pre-training language models.
#[derive(Debug, Parser)]
#[command(
    name = "wanjuan-data",
    version,
    after_help = "Examples:
  wanjuan-data run recipes/tiny/1-data.toml
  wanjuan-data report runs/tiny/data
  wanjuan-data inspect page.html

Exit code: 0 when done, 1 when the work failed, 2 when the input or the usage is wrong."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a whole pipeline, from pages or archives to token shards
    ///
    /// A killed run resumes: parts whose files are intact and whose settings are unchanged are not done again. A finished
    /// run is skipped.
    Run(pipeline::RunArguments),
    /// Import pages into a WARC archive.
    #[command(subcommand)]
    Import(import::ImportVerb),
    /// List, print or check the records of WARC and ARC archives.
    #[command(subcommand)]
    Warc(warc::WarcVerb),
    /// Extract the main text of pages.
    Extract(extract::ExtractArguments),
    /// Identify the language of each line of standard input
    ///
    /// Prints `label<TAB>confidence` per line. Labels have two letters where the language has them; `und` means that the
    /// language could not be determined.
    Lid(lid::LidArguments),
    /// Show which blocks of a page are kept, which are dropped, and why.
    Inspect(inspect::InspectArguments),
    /// Decide about documents by rule sets, without rewriting them
    ///
    /// Reads documents from standard input, one JSON object per line with `id` and `content`, and prints one decision per
    /// line.
    Filter(filter::FilterArguments),
    /// Print the retention funnel of a finished run.
    Report(report::ReportArguments),
    /// Trace one document through a pipeline.
    Why(why::WhyArguments),
}

/// Parses the command line and runs the verb.
///
/// # Errors
/// Whatever the verb reports.
pub fn run() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Run(arguments) => pipeline::run(&arguments),
        Verb::Import(verb) => import::run(&verb),
        Verb::Warc(verb) => warc::run(&verb),
        Verb::Extract(arguments) => extract::run(&arguments),
        Verb::Lid(arguments) => lid::run(&arguments),
        Verb::Inspect(arguments) => inspect::run(&arguments),
        Verb::Filter(arguments) => filter::run(&arguments),
        Verb::Report(arguments) => report::run(&arguments),
        Verb::Why(arguments) => why::run(&arguments),
    }
}
