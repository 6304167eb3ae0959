//! [`Command`]: rewards from a program of the user.
//!
//! The program is started once per round. It reads one JSON object per answer from its standard input, the keys of the
//! prompt's line with the answer as `response`, and writes one number per line to its standard output, in the same order.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Answered;
use crate::{Error, Result};

/// The setting that names the program, for messages.
const PLACE: &str = "objective.rewards.command.program";
/// Pause between two looks at a program that runs.
const PAUSE: Duration = Duration::from_millis(5);

/// A program that scores answers.
#[derive(Clone, Debug)]
pub(super) struct Command {
    program: Vec<String>,
    timeout: Duration,
}

impl Command {
    /// The program with its arguments, and the maximum number of seconds for one round.
    pub(super) fn new(program: &[String], timeout_seconds: u64) -> Self {
        Self { program: program.to_vec(), timeout: Duration::from_secs(timeout_seconds) }
    }

    /// The number that the program gives each answer.
    ///
    /// # Errors
    /// A program that cannot be started, fails, takes too long, or does not write one number per answer.
    pub(super) fn score(&self, answers: &[Answered<'_>]) -> Result<Vec<f64>> {
        let Some((name, arguments)) = self.program.split_first() else {
            return Err(Error::mismatch(PLACE, "no program", "its path and arguments"));
        };
        let mut child = std::process::Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| self.fault(format!("a program that cannot be started ({error})")))?;
        let input: String = answers.iter().map(|answer| line(answer) + "\n").collect();
        // Both pipes have threads of their own: neither can fill up and block the other.
        let writer = child.stdin.take().map(|mut pipe| {
            // A program that ends early does not read everything; its exit code says whether that is a fault.
            thread::spawn(move || drop(pipe.write_all(input.as_bytes())))
        });
        let reader = child.stdout.take().map(|mut pipe| {
            thread::spawn(move || {
                let mut text = String::new();
                pipe.read_to_string(&mut text).map(|_| text)
            })
        });
        self.wait(&mut child)?;
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        let read = reader.and_then(|reader| reader.join().ok()?.ok());
        let text = read.ok_or_else(|| self.fault("output that is not UTF-8".to_owned()))?;
        self.numbers(&text, answers.len())
    }

    /// Waits for the end of the program, or ends it.
    fn wait(&self, child: &mut Child) -> Result<()> {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.fault(format!("a program that failed ({status})"))),
                Ok(None) if start.elapsed() < self.timeout => thread::sleep(PAUSE),
                Ok(None) => {
                    let seconds = self.timeout.as_secs();
                    // It may have ended by itself in the meantime.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(self.fault(format!("a program that ran for more than {seconds} seconds")));
                }
                Err(error) => return Err(self.fault(format!("a program that was lost ({error})"))),
            }
        }
    }

    fn numbers(&self, text: &str, count: usize) -> Result<Vec<f64>> {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.len() != count {
            return Err(self.fault(format!("{} lines of output for {count} answers", lines.len())));
        }
        let number = |(index, line): (usize, &&str)| {
            line.parse::<f64>()
                .map_err(|_| self.fault(format!("`{line}` as line {} of its output", index + 1)))
        };
        lines.iter().enumerate().map(number).collect()
    }

    fn fault(&self, found: String) -> Error {
        let expected = format!("a program that writes one number per answer: {}", self.program.join(" "));
        Error::mismatch(PLACE, found, expected)
    }
}

/// One answer as the program reads it.
fn line(answer: &Answered<'_>) -> String {
    let mut fields = answer.prompt.fields.clone();
    fields.insert("response".to_owned(), Value::from(answer.text));
    Value::Object(fields).to_string()
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::super::prompt::Prompt;
    use super::*;

    fn score(script: &str, seconds: u64) -> Result<Vec<f64>> {
        let command = Command::new(&["sh", "-c", script].map(str::to_owned), seconds);
        let mut prompt = Prompt::new("q");
        prompt.fields.insert("level".to_owned(), Value::from(7));
        command.score(&["a\nb", "c"].map(|text| Answered { prompt: &prompt, text }))
    }

    #[test]
    fn a_program_reads_lines_and_writes_numbers() {
        // 1 where the level and the answer are on the line.
        let script = r#"while read -r line; do case "$line" in *'"level":7'*'"response":"c"'*) echo 1;; *) echo -0.5;; esac; done"#;
        assert_eq!(score(script, 60).expect("scores"), [-0.5, 1.0]);
        // A program need not read its input.
        assert_eq!(score("echo 1; echo 2", 60).expect("scores"), [1.0, 2.0]);
    }

    #[test]
    fn programs_that_fail_are_named() {
        let cases = [
            ("exit 3", 60, "failed (exit status: 3)"),
            ("echo 1", 60, "1 lines of output for 2 answers"),
            ("echo 1; echo one", 60, "`one` as line 2"),
            ("sleep 30 >/dev/null", 1, "more than 1 seconds"),
        ];
        for (script, seconds, expected) in cases {
            let text = score(script, seconds).expect_err(script).to_string();
            assert!(text.contains(expected) && text.contains("sh -c"), "{script}: {text}");
        }
        let command = Command::new(&["/no/such/program".to_owned()], 1);
        assert!(command.score(&[]).expect_err("nothing to start").to_string().contains("cannot be started"));
    }
}
