//! `BINGMap`: distances, routes, coordinates and places, from Bing's service or from an extract of `OpenStreetMap`.

mod bing;
mod bing_map;
mod entries;
mod extract;
mod local_map;
mod name;
mod place;
mod point;
mod routino;

pub(super) use entries::ENTRIES;
