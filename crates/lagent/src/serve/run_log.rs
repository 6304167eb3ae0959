//! [`RunLog`]: the events and commands of a run, for readers who come at any time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

/// Number of news that a slow reader may be behind. What it misses of them are only pieces of replies, which come
/// again as a whole.
const BEHIND: usize = 256;

/// The lines of a run.
#[derive(Debug)]
pub(super) struct RunLog {
    lines: Mutex<Lines>,
    news: broadcast::Sender<News>,
}

#[derive(Debug, Default)]
struct Lines {
    all: Vec<Line>,
    has_ended: bool,
}

/// One line with its kind; clones share the text.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Name of the event in the stream.
    pub(super) kind: &'static str,
    /// A [`RunEvent`](crate::client::RunEvent) as JSON.
    pub(super) json: Arc<str>,
}

/// What a reader is told.
#[derive(Clone, Debug)]
enum News {
    /// There are so many lines now.
    Lines(usize),
    /// A piece of a reply, which is not kept.
    Delta(Line),
}

/// Something for a reader of the log.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// Number of the line, from 1; absent for a piece of a reply.
    pub(super) id: Option<u64>,
    pub(super) line: Line,
}

/// A reader of the log, from some line on.
#[derive(Debug)]
pub(super) struct Reader {
    log: Arc<RunLog>,
    news: broadcast::Receiver<News>,
    /// Number of lines that were read.
    read: usize,
    /// Number of lines that may be read before the next news.
    known: usize,
    has_missed: bool,
}

impl RunLog {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { lines: Mutex::default(), news: broadcast::Sender::new(BEHIND) })
    }

    /// Adds a line `{KIND: VALUE}`.
    pub(super) fn add(&self, kind: &'static str, value: &impl Serialize) {
        self.push(line(kind, value), |_| {});
    }

    /// Adds the last line; later ones are dropped.
    pub(super) fn end(&self, value: &impl Serialize) {
        self.push(line("end", value), |lines| lines.has_ended = true);
    }

    fn push(&self, line: Line, then: impl FnOnce(&mut Lines)) {
        let mut lines = self.lock();
        if lines.has_ended {
            return;
        }
        lines.all.push(line);
        then(&mut lines);
        // Nobody has to listen.
        let _ = self.news.send(News::Lines(lines.all.len()));
    }

    /// Tells the readers of this moment about a piece of a reply.
    pub(super) fn delta(&self, value: &impl Serialize) {
        let _ = self.news.send(News::Delta(line("event", value)));
    }

    /// Whether anybody reads, so that pieces of replies are worth their work.
    pub(super) fn has_readers(&self) -> bool {
        self.news.receiver_count() > 0
    }

    /// A reader of the lines after number `after`.
    pub(super) fn reader(self: &Arc<Self>, after: u64) -> Reader {
        let lines = self.lock();
        let known = lines.all.len();
        let read = usize::try_from(after).unwrap_or(usize::MAX).min(known);
        Reader { log: Arc::clone(self), news: self.news.subscribe(), read, known, has_missed: false }
    }

    /// A panic while holding the lock leaves the lines whole: every change is one call.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// The next line or piece; nothing after the last line.
    pub(super) async fn next(&mut self) -> Option<Read> {
        loop {
            if let Some(read) = self.known_line() {
                return Some(read);
            }
            if self.is_done() {
                return None;
            }
            match self.news.recv().await {
                Ok(News::Lines(known)) => self.known = known,
                Ok(News::Delta(line)) => return Some(Read { id: None, line }),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.has_missed = true;
                    self.known = self.log.lock().all.len();
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// Whether pieces of replies came faster than they were read, and were lost.
    pub(super) fn has_missed(&self) -> bool {
        self.has_missed
    }

    fn known_line(&mut self) -> Option<Read> {
        if self.read >= self.known {
            return None;
        }
        let line = self.log.lock().all.get(self.read).cloned()?;
        self.read += 1;
        Some(Read { id: u64::try_from(self.read).ok(), line })
    }

    fn is_done(&self) -> bool {
        let lines = self.log.lock();
        lines.has_ended && self.read >= lines.all.len()
    }
}

fn line(kind: &'static str, value: &impl Serialize) -> Line {
    // Every part of an event has a JSON form.
    let value = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    Line { kind, json: format!("{{\"{kind}\":{value}}}").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rest(mut reader: Reader) -> Vec<(Option<u64>, String)> {
        let mut all = Vec::new();
        while let Some(read) = reader.next().await {
            all.push((read.id, read.line.json.to_string()));
        }
        all
    }

    #[tokio::test]
    async fn readers_get_every_line_whenever_they_come() {
        let log = RunLog::new();
        let early = log.reader(0);
        log.add("event", &1);
        log.delta(&2);
        log.add("command", &3);
        let late = log.reader(1);
        log.end(&4);
        log.add("event", &5);
        let line = |id, text: &str| (Some(id), text.to_owned());
        let (one, two) = (line(1, r#"{"event":1}"#), line(2, r#"{"command":3}"#));
        let three = line(3, r#"{"end":4}"#);
        let piece = (None, r#"{"event":2}"#.to_owned());
        assert_eq!(rest(early).await, [one.clone(), piece, two.clone(), three.clone()], "in order");
        assert_eq!(rest(late).await, [two.clone(), three.clone()]);
        assert_eq!(rest(log.reader(0)).await, [one, two, three]);
        assert!(rest(log.reader(99)).await.is_empty());
    }

    #[tokio::test]
    async fn a_slow_reader_misses_only_pieces() {
        let log = RunLog::new();
        let slow = log.reader(0);
        for number in 0..2 * BEHIND {
            log.delta(&number);
        }
        log.add("event", &1);
        log.end(&2);
        let mut missed = log.reader(0);
        assert!(missed.next().await.is_some() && !missed.has_missed(), "it came later");
        drop(missed);
        let lines: Vec<_> = rest(slow).await.into_iter().filter_map(|(id, _)| id).collect();
        assert_eq!(lines, [1, 2]);
        assert!(!log.has_readers());
    }
}
