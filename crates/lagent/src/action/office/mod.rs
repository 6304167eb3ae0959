//! `PPT`: presentations in the format of `PowerPoint` (ECMA-376), written page by page.

mod deck;
mod entries;
mod package;
mod picture;
mod ppt;
mod slide;

pub(super) use entries::ENTRIES;
