//! [`run`] and [`run_share`]: a whole pipeline, from pages to shards, resumable.

use internlm_kit::context::RunContext;

use super::corpus::{Corpus, Listing};
use super::journal::Journal;
use super::runner::Runner;
use super::segment::{Segment, segments};
use super::share::Share;
use super::unit::{VERSION, key};
use crate::report::{Finished, Funnel};
use crate::run_folder::RunFolder;
use crate::{Error, PipelineConfig, Result};

/// Whether work that is already done is done again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Force {
    /// Finished units are taken over when their files are intact.
    #[default]
    Resume,
    /// Everything is done again.
    Redo,
}

/// How to run; the output does not depend on it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RunOptions {
    /// Worker threads; 0 (default) for one per core.
    pub threads: usize,
    /// Whether to use what an earlier run left. Default: resume.
    pub force: Force,
}

impl RunOptions {
    /// Runs on `threads` threads; 0 for one per core.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Decides whether finished work is done again.
    #[must_use]
    pub fn with_force(self, force: Force) -> Self {
        Self { force, ..self }
    }
}

/// What a run did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Where every document went.
    pub funnel: Funnel,
    /// Whether the output was already complete, so that nothing was done.
    pub skipped: bool,
}

/// Runs `config` over `corpus` into `config.output`. `context` says where progress goes and when to stop.
///
/// # Errors
/// Bad input (an empty corpus, missing files, a folder in which another process runs), failing writes, and
/// [`Error::Stopped`]. Finished units stay and are not redone.
pub fn run(
    config: &PipelineConfig,
    corpus: &Corpus,
    options: RunOptions,
    context: &RunContext,
) -> Result<Outcome> {
    let listing = corpus.list()?;
    let key = key(&(VERSION, config, listing.fingerprint()));
    let folder = RunFolder::new(&config.output);
    if options.force == Force::Resume
        && let Some(finished) = Finished::load(&folder, &key)
    {
        return Ok(Outcome { funnel: finished.funnel, skipped: true });
    }
    let mut journal = Journal::open(&folder)?;
    if options.force == Force::Redo {
        journal.clear()?;
    }
    Finished::remove(&folder)?;
    let mut runner = Runner::new(config, folder, journal, context);
    let funnel = threads(options.threads)?.install(|| runner.run(&listing, &key))?;
    Ok(Outcome { funnel, skipped: false })
}

/// Does one worker's share of the document stages up to the first pass over the whole corpus, and returns the
/// number of parts done; [`run`] then finds them finished. Workers may run at the same time in one output folder.
///
/// # Errors
/// As [`run`]; a corpus of pages, which first have to become archives.
pub fn run_share(
    config: &PipelineConfig,
    corpus: &Corpus,
    options: RunOptions,
    share: Share,
    context: &RunContext,
) -> Result<usize> {
    let listing = corpus.list()?;
    if matches!(listing, Listing::Pages(_)) {
        return Err(Error::Unexpected {
            path: config.output.clone(),
            found: "an import of pages to share among workers".to_owned(),
            expected: "import.source = \"warc\"".to_owned(),
        });
    }
    let folder = RunFolder::new(&config.output);
    let journal = Journal::open_share(&folder, share)?;
    let mut runner = Runner::new(config, folder, journal, context);
    threads(options.threads)?.install(|| {
        let imported = runner.import(&listing)?;
        match segments(&config.stages).first() {
            Some(Segment::Stages(stages)) => Ok(runner.stages(1, stages, &imported, Some(share))?.len()),
            _ => Ok(0),
        }
    })
}

fn threads(count: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().map_err(|error| Error::Usage {
        option: "--threads",
        found: format!("{count} ({error})"),
        expected: "a number of threads that the system can start".to_owned(),
    })
}
