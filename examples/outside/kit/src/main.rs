//! A job that is interrupted, and resumed by the next run without losing or repeating anything.

use std::error::Error;
use std::path::Path;

use internlm_kit::config::{self, Validate};
use internlm_kit::context::RunContext;
use internlm_kit::journal::{Durability, Journal};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct JobConfig {
    numbers: u64,
}

impl Validate for JobConfig {
    fn problems(&self) -> Vec<String> {
        let wrong = (self.numbers == 0).then(|| "numbers: found 0, expected at least 1".to_owned());
        wrong.into_iter().collect()
    }
}

/// Squares the numbers that the journal does not have yet; stops when the context says so.
fn run(job: &JobConfig, folder: &Path, context: &RunContext, limit: u64) -> Result<Vec<u64>, Box<dyn Error>> {
    let mut opened = Journal::open::<u64>(folder.join("squares.jsonl"), Durability::Process)?;
    let progress = context.reporter.start("square", "numbers", job.numbers);
    for number in opened.entries.len() as u64..job.numbers {
        if number == limit {
            context.stop.request();
        }
        if context.stop.is_requested() {
            break;
        }
        opened.journal.append(&(number * number))?;
        opened.entries.push(number * number);
        progress.advance(1);
    }
    Ok(opened.entries)
}

fn main() -> Result<(), Box<dyn Error>> {
    let job: JobConfig = config::parse_with("numbers = 3", "job.toml", &["numbers=6"])?;
    assert_eq!(job.numbers, 6);
    let problem = config::parse::<JobConfig>("count = 3", "job.toml").expect_err("an unknown key");
    assert!(problem.to_string().contains("job.toml"), "{problem}");

    let folder = tempfile::tempdir()?;
    assert_eq!(run(&job, folder.path(), &RunContext::default(), 4)?, [0, 1, 4, 9]);
    assert_eq!(run(&job, folder.path(), &RunContext::default(), 9)?, [0, 1, 4, 9, 16, 25]);
    Ok(())
}
