//! `runs/<recipe>/report.html`: one self-contained page, plots inline, no scripts, nothing fetched.

mod curves;
mod funnel;
mod html;
mod page;
mod transcripts;

pub(crate) use page::write;
