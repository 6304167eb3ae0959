//! From the elements of a page to text or markdown, in one walk.
//!
//! White space outside of code collapses as in a browser. Inside code every byte is kept. Blocks are separated by an
//! empty line, list items, table rows and `br` by a line break, cells by a tab (in markdown, `|`).
//!
//! `walk` visits the page and calls the `renderer` for each element it enters or leaves. The renderer keeps the
//! output and the elements that are open. Its methods are in the file of what they write: `writer` (text and white
//! space), `marks`, `list`, `table`, `code`, `image`, `math`.

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
