//! Verbs and their dispatch.

use clap::{Parser, Subcommand};

use super::{extract, filter, import, inspect, lid, report, run as pipeline, warc, why};

/// Raw web pages to clean text and token shards.
#[derive(Debug, Parser)]
#[command(name = "wanjuan-data", version, about)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a whole pipeline; resumes, and skips what is done.
    Run(pipeline::RunArguments),
    /// Turn pages into a WARC archive.
    #[command(subcommand)]
    Import(import::ImportVerb),
    /// List, print or check the records of archives.
    #[command(subcommand)]
    Warc(warc::WarcVerb),
    /// Extract the main text of a list of pages.
    Extract(extract::ExtractArguments),
    /// Tell the language of every line of standard input: `label<TAB>confidence`.
    Lid(lid::LidArguments),
    /// Show one page: what was kept, what was dropped and why.
    Inspect(inspect::InspectArguments),
    /// Decide about documents by rules, without rewriting them.
    Filter(filter::FilterArguments),
    /// Print the retention funnel of a finished run.
    Report(report::ReportArguments),
    /// Tell the life of one document.
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
