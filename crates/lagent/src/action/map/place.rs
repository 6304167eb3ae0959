//! Named things of an extract: what they are called, where they are, what they are.

use super::name::{folded, tokens};
use super::point::Point;

/// Keys whose values say what a thing is.
pub(super) const KINDS: [&str; 13] = [
    "amenity",
    "shop",
    "tourism",
    "leisure",
    "office",
    "craft",
    "healthcare",
    "historic",
    "natural",
    "railway",
    "public_transport",
    "place",
    "highway",
];
/// Keys of an address in the order in which it is written.
const STREET: [&str; 2] = ["addr:street", "addr:housenumber"];
const TOWN: [&str; 2] = ["addr:postcode", "addr:city"];

/// A thing of the map with a name, a kind or an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub(super) point: Point,
    pub(super) tags: Vec<(String, String)>,
}

/// How well a place fits a name, worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fit {
    Words,
    Beginning,
    Address,
    Name,
}

impl Place {
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The name that a person would say: the name, the operator's brand, or the kind.
    pub(super) fn name(&self) -> &str {
        let named = ["name", "brand", "operator"].iter().find_map(|key| self.tag(key));
        named.or_else(|| KINDS.iter().find_map(|key| self.tag(key))).unwrap_or_default()
    }

    /// The address as one line; the coordinates of a place without an address.
    pub(super) fn address(&self) -> String {
        if let Some(full) = self.tag("addr:full") {
            return full.to_owned();
        }
        let line =
            |keys: [&str; 2]| keys.iter().filter_map(|key| self.tag(key)).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> =
            [line(STREET), line(TOWN)].into_iter().filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return format!("{:.5}, {:.5}", self.point.latitude, self.point.longitude);
        }
        lines.join(", ")
    }

    /// How well the place fits a location in words, such as a name or an address.
    pub(super) fn fit(&self, wanted: &str) -> Option<Fit> {
        let names = self.names().map(folded).collect::<Vec<_>>();
        if names.iter().any(|name| name == wanted) {
            return Some(Fit::Name);
        }
        let has_address = self.tag(STREET[1]).is_some() || self.tag("addr:full").is_some();
        let address = if has_address { folded(&self.address()) } else { String::new() };
        if has_address && (address == wanted || address.starts_with(&format!("{wanted} "))) {
            return Some(Fit::Address);
        }
        let begins = |name: &String| {
            name.starts_with(&format!("{wanted} ")) || wanted.starts_with(&format!("{name} "))
        };
        if names.iter().any(begins) {
            return Some(Fit::Beginning);
        }
        let known: Vec<&str> = names.iter().flat_map(|name| tokens(name)).chain(tokens(&address)).collect();
        let is_known = !wanted.is_empty() && tokens(wanted).all(|word| known.contains(&word));
        is_known.then_some(Fit::Words)
    }

    /// Whether the place is what a person looks for: by name, or by kind such as `cafe` or `bus stop`.
    pub(super) fn is(&self, wanted: &str) -> bool {
        let kinds = KINDS.iter().filter_map(|key| Some((*key, self.tag(key)?)));
        let mut kinds = kinds.chain(self.tag("cuisine").map(|value| ("cuisine", value)));
        let singular = wanted.strip_suffix('s').unwrap_or(wanted);
        let is_kind = kinds.any(|(key, value)| {
            value.split(';').map(folded).any(|value| value == wanted || value == singular)
                || folded(key) == singular
        });
        is_kind
            || self
                .names()
                .map(folded)
                .any(|name| tokens(wanted).all(|word| tokens(&name).any(|one| one == word)))
    }

    /// Everything that the place is called, in all languages.
    fn names(&self) -> impl Iterator<Item = &str> {
        let is_name = |key: &str| {
            matches!(key, "name" | "brand" | "operator" | "alt_name" | "short_name" | "official_name" | "ref")
                || key.starts_with("name:")
        };
        self.tags.iter().filter(move |(key, _)| is_name(key)).map(|(_, value)| value.as_str())
    }

    /// Towns before streets before everything else, among places that fit equally well.
    pub(super) fn rank(&self) -> u8 {
        match (self.tag("place"), self.tag("highway")) {
            (Some("city" | "country" | "state"), _) => 4,
            (Some("town"), _) => 3,
            (Some(_), _) => 2,
            (None, Some(_)) => 1,
            (None, None) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(tags: &[(&str, &str)]) -> Place {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Place { point: Point { latitude: 50.0, longitude: 10.0 }, tags }
    }

    #[test]
    fn places_are_found_by_name_address_and_kind() {
        let cafe = place(&[
            ("amenity", "cafe"),
            ("name", "Café Müller"),
            ("addr:street", "First Street"),
            ("addr:housenumber", "5"),
            ("addr:city", "Gridtown"),
        ]);
        assert_eq!(cafe.address(), "First Street 5, Gridtown");
        assert_eq!(cafe.fit("cafe muller"), Some(Fit::Name));
        assert_eq!(cafe.fit("first street 5"), Some(Fit::Address));
        assert_eq!(cafe.fit("cafe"), Some(Fit::Beginning));
        assert_eq!(cafe.fit("muller gridtown"), Some(Fit::Words));
        assert_eq!(cafe.fit("harbour"), None);
        assert_eq!(cafe.fit(""), None);
        assert!(cafe.is("cafes") && cafe.is("muller") && !cafe.is("bank"));
        assert!(place(&[("highway", "bus_stop")]).is("bus stop"));
        assert!(place(&[("shop", "bakery")]).is("shops"));
    }

    #[test]
    fn places_without_an_address_have_coordinates() {
        let bench = place(&[("amenity", "bench")]);
        assert_eq!((bench.name(), bench.address().as_str()), ("bench", "50.00000, 10.00000"));
        assert!(place(&[("place", "city")]).rank() > place(&[("highway", "residential")]).rank());
    }
}
