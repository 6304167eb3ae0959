//! From the elements of a page to text or markdown, in one walk.
//!
//! White space outside of code collapses as in a browser. Inside code every byte is kept. Blocks are separated by an
//! empty line, list items, table rows and `br` by a line break, cells by a tab (in markdown, `|`).
//!
//! `walk` visits the page and tells the `renderer` what it enters and leaves. The renderer holds the output and what
//! is open. Its methods are in the file of what they write: `writer` for text and white space, `marks`, `list`,
//! `table`, `code`, `image`, `math`.

mod code;
mod gutter;
mod image;
mod list;
mod markdown;
mod marks;
mod math;
mod open;
mod renderer;
mod style;
mod table;
mod walk;
mod writer;

pub(crate) use walk::render;
