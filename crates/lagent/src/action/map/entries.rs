//! The list of the tools of this folder.

use super::bing_map;
use crate::action::Entry;

/// The tools of this folder.
pub(in crate::action) const ENTRIES: &[Entry] = &[Entry {
    name: "BINGMap",
    group: "map",
    needs: "a key of Bing Maps, or an extract of OpenStreetMap; for routes also routino",
    build: bing_map::build,
}];
