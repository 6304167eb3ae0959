//! [`Reporter`]: how a library says how far long work is, without drawing anything itself.
//!
//! A library gets a `&dyn Reporter` (usually inside a [`RunContext`](crate::context::RunContext)) and starts a
//! [`Progress`] for each piece of long work. The binary connects it to a bar
//! ([`terminal::Bars`](crate::terminal::Bars), feature `cli`); `()` reports nothing.

use std::fmt::Debug;

/// Where the progress of long work goes.
///
/// ```
/// use internlm_kit::reporter::Reporter;
///
/// fn read_pages(pages: &[&str], reporter: &dyn Reporter) -> usize {
///     let progress = reporter.start("read", "pages", pages.len() as u64);
///     let mut bytes = 0;
///     for page in pages {
///         bytes += page.len();
///         progress.advance(1);
///     }
///     bytes
/// }
/// assert_eq!(read_pages(&["a", "bc"], &()), 3);
/// ```
pub trait Reporter: Debug + Send + Sync {
    /// Starts reporting work called `name` that consists of `total` units (`pages`, `steps`); it ends when the
    /// result is dropped.
    fn start(&self, name: &str, unit: &str, total: u64) -> Box<dyn Progress>;
}

/// One piece of work in progress; may be shared between threads.
pub trait Progress: Debug + Send + Sync {
    /// Says that `units` more are done.
    fn advance(&self, units: u64);

    /// Replaces the text after the count, for instance `pages, 12 dropped`.
    fn message(&self, text: &str);
}

/// Reports nothing.
impl Reporter for () {
    fn start(&self, _name: &str, _unit: &str, _total: u64) -> Box<dyn Progress> {
        Box::new(())
    }
}

impl Progress for () {
    fn advance(&self, _units: u64) {}

    fn message(&self, _text: &str) {}
}
