//! Tools of the web: search engines, pages, scholarly articles.
//!
//! | file | what |
//! |---|---|
//! | `google_search`, `scholar`, `arxiv`, `browser` | the toolkits, with lagent's names, arguments and results |
//! | `search/` | the engines of the browser |
//! | `index/` | an engine of the owner's own pages |
//! | `guard`, `page` | which addresses may be opened, and the text of a page |
//! | `provider`, `http` | a configured service, and one exchange with it |

mod arxiv;
mod atom;
mod browser;
mod browser_setup;
mod entries;
mod google_search;
mod guard;
mod hit;
pub(super) mod http;
mod index;
mod page;
pub(super) mod provider;
mod scholar;
mod scholar_parameters;
mod search;

pub(super) use entries::ENTRIES;
pub use index::{IndexSummary, build_index};
