//! What goes to a terminal: progress for people ([`Bars`]: a bar with rate and time left, plain lines elsewhere), and
//! text of others ([`visible()`](visible())).

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use crate::reporter::{Progress, Reporter};
pub use crate::visible::{visible, visible_on};

/// How often a plain line is written when stderr is not a terminal.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// A [`Reporter`] on stderr.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bars;

impl Reporter for Bars {
    fn start(&self, name: &str, unit: &str, total: u64) -> Box<dyn Progress> {
        Box::new(Bar::new(name, unit, total))
    }
}

/// One bar; it is cleared when dropped.
#[derive(Debug)]
struct Bar {
    name: String,
    bar: ProgressBar,
    plain: Option<Mutex<Plain>>,
}

/// State of the plain form: when the last line was written.
#[derive(Debug)]
struct Plain {
    started: Instant,
    last: Instant,
}

impl Bar {
    fn new(name: &str, unit: &str, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(total) } else { ProgressBar::hidden() };
        bar.set_length(total);
        let style = ProgressStyle::with_template("{prefix:>12} [{bar:30}] {pos}/{len} {msg} {per_sec}{left}")
            .expect("the template is a constant that parses")
            .with_key("left", write_left)
            .progress_chars("=> ");
        bar.set_style(style);
        bar.set_prefix(visible(name).into_owned());
        bar.set_message(visible(unit).into_owned());
        let now = Instant::now();
        let plain = (!terminal).then(|| Mutex::new(Plain { started: now, last: now }));
        Self { name: name.to_owned(), bar, plain }
    }

    fn plain_line(&self) {
        let Some(plain) = &self.plain else { return };
        // A poisoned lock only means that another thread panicked while writing a line.
        let Ok(mut state) = plain.lock() else { return };
        if state.last.elapsed() < PLAIN_INTERVAL {
            return;
        }
        state.last = Instant::now();
        tracing::info!("{}", self.line(state.started.elapsed()));
    }

    /// The plain form of what is done so long after the start.
    fn line(&self, elapsed: Duration) -> String {
        let done = self.bar.position();
        let total = self.bar.length().unwrap_or(done);
        let rate = done as f64 / elapsed.as_secs_f64().max(1e-9);
        let line = format!("{}: {done}/{total} {} {rate:.1}/s", self.name, self.bar.message());
        if done == 0 {
            // Without a rate there is no time left to tell.
            return line;
        }
        let left = total.saturating_sub(done) as f64 / rate;
        format!("{line} eta {left:.0}s")
    }
}

/// Writes the time left of a bar; nothing while nothing is finished, since there is no rate yet.
fn write_left(state: &ProgressState, bar: &mut dyn Write) {
    if state.per_sec() > 0.0 {
        // The bar is a buffer in memory, which takes everything.
        let _ = write!(bar, " eta {:#}", HumanDuration(state.eta()));
    }
}

impl Progress for Bar {
    fn advance(&self, units: u64) {
        self.bar.inc(units);
        self.plain_line();
    }

    fn message(&self, text: &str) {
        self.bar.set_message(visible(text).into_owned());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_has_count_text_rate_and_with_a_rate_the_time_left() {
        let bar = Bar::new("read", "pages", 10);
        assert_eq!(bar.line(Duration::from_secs(15)), "read: 0/10 pages 0.0/s");
        bar.advance(4);
        assert_eq!(bar.line(Duration::from_secs(2)), "read: 4/10 pages 2.0/s eta 3s");
        bar.message("pages, 1 dropped");
        bar.advance(8);
        let more_than_announced = bar.line(Duration::from_secs(2));
        assert_eq!(more_than_announced, "read: 12/10 pages, 1 dropped 6.0/s eta 0s");
    }
}
