//! [`Trail`]: a transcript that is written line by line, so that a killed run can be continued.

use super::{Header, Recorder, Secrets};
use crate::Result;
use crate::driver::Watcher;
use crate::run::{Command, Event};

/// Writes lines without their ends. They must be in the file, in the order of the calls, when it returns.
pub(super) type Sink<'a> = Box<dyn FnMut(&[String]) -> Result<()> + Send + 'a>;

/// A watcher that writes every line at once: an event before the run takes it, a command before it is carried out.
///
/// ```
/// use lagent::run::{AgentRun, AgentSpec};
/// use lagent::transcript::{Header, Secrets, Trail};
///
/// let agent = AgentRun::new(AgentSpec::internlm2(Vec::new())).into();
/// let (version, tools) = ("1".to_owned(), Vec::new());
/// let header = Header { id: "q".to_owned(), version, sandbox: None, tools, agent };
/// let trail = Trail::start(&header, Secrets::default(), |lines| {
///     assert_eq!(lines.len(), 1, "the head of the run");
///     Ok(())
/// })?;
/// assert_eq!(trail.into_lines().len(), 1);
/// # Ok::<(), lagent::Error>(())
/// ```
pub struct Trail<'a> {
    recorder: Recorder,
    /// Number of lines that are written.
    written: usize,
    sink: Sink<'a>,
    mode: Mode,
}

/// What happens to the next event and its commands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mode {
    /// They are written.
    Write,
    /// The next start repeats what is already written.
    SkipStart,
    /// The commands of that start do so.
    SkipCommands,
}

impl<'a> Trail<'a> {
    /// Begins the transcript of a run. `sink` writes lines without their ends: they must be in the file when it
    /// returns.
    ///
    /// # Errors
    /// The same as [`Recorder::masking`]; any error of `sink`.
    pub fn start(
        header: &Header,
        secrets: Secrets,
        sink: impl FnMut(&[String]) -> Result<()> + Send + 'a,
    ) -> Result<Self> {
        let recorder = Recorder::masking(header, secrets)?;
        let mut trail = Self { recorder, written: 0, sink: Box::new(sink), mode: Mode::Write };
        trail.write()?;
        Ok(trail)
    }

    /// Continues a transcript of which the first `written` lines are in the file.
    pub(super) fn resume(
        lines: Vec<String>,
        written: usize,
        (secrets, sink): (Secrets, Sink<'a>),
    ) -> Result<Self> {
        let mut trail = Self { recorder: Recorder::resume(lines, secrets), written, sink, mode: Mode::Write };
        trail.write()?;
        Ok(trail)
    }

    /// Leaves out the next start and its commands, which a resumed run only repeats.
    pub fn skip_start(&mut self) {
        self.mode = Mode::SkipStart;
    }

    /// Returns all lines of the run, without line ends.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.recorder.into_lines()
    }

    fn write(&mut self) -> Result<()> {
        let lines = self.recorder.lines();
        (self.sink)(&lines[self.written..])?;
        self.written = lines.len();
        Ok(())
    }
}

impl Watcher for Trail<'_> {
    fn event(&mut self, event: &Event) -> Result<()> {
        if self.mode == Mode::SkipStart && matches!(event, Event::Start { .. }) {
            self.mode = Mode::SkipCommands;
            return Ok(());
        }
        self.mode = Mode::Write;
        self.recorder.event(event)?;
        self.write()
    }

    fn command(&mut self, command: &Command) -> Result<()> {
        if self.mode == Mode::SkipCommands {
            return Ok(());
        }
        self.recorder.command(command)?;
        self.write()
    }
}

impl std::fmt::Debug for Trail<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { recorder, written, mode, .. } = self;
        let mut shown = formatter.debug_struct("Trail");
        shown
            .field("recorder", recorder)
            .field("written", written)
            .field("mode", mode)
            .finish_non_exhaustive()
    }
}
