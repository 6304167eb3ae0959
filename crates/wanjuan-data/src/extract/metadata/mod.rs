//! What a page states about itself: title, author, date, site, language and license.

mod author;
mod date;
mod heading;
mod headline;
mod json_ld;
mod labelled_date;
mod license;
mod loose_json;
mod metas;
mod name;
mod name_words;
mod page;
mod site;
mod starts;
mod statement;
mod text;
mod text_byline;
mod text_date;
mod title;

pub use statement::Metadata;
