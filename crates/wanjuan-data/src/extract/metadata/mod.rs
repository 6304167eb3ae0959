//! What a page states about itself: title, author, date, site, language and license.

mod author;
mod date;
mod json_ld;
mod license;
mod page;
mod statement;
mod text;
mod text_date;
mod title;

pub use statement::Metadata;
