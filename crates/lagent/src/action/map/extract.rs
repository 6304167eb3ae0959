//! An extract of `OpenStreetMap` (XML, version 0.6): the places that people ask for.

use std::collections::HashMap;
use std::path::Path;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::name::folded;
use super::place::{Fit, KINDS, Place};
use super::point::Point;

/// Maximum size of an extract, bytes: its points are kept in memory.
const LIMIT: u64 = 2 << 30;

/// The places of an extract.
#[derive(Debug, Default)]
pub(super) struct Extract {
    places: Vec<Place>,
}

impl Extract {
    /// Reads a file.
    ///
    /// # Errors
    /// What was found and what is expected.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let wrong = |found: String| format!("map {name}: found {found}, expected OpenStreetMap XML (.osm)");
        let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if size > LIMIT {
            return Err(wrong(format!("{size} bytes (at most {LIMIT} are read)")));
        }
        let mut reader = Reader::from_file(path).map_err(|error| wrong(error.to_string()))?;
        reader.config_mut().expand_empty_elements = true;
        let (mut reading, mut buffer) = (Reading::default(), Vec::new());
        loop {
            let place = reader.buffer_position();
            let event = reader.read_event_into(&mut buffer);
            match event.map_err(|error| wrong(format!("{error} at byte {place}")))? {
                Event::Start(element) => {
                    reading.start(&element).map_err(|error| wrong(format!("{error} at byte {place}")))?
                }
                Event::End(element) => reading.end(element.name().0),
                Event::Eof => break,
                _ => {}
            }
            buffer.clear();
        }
        match reading.root {
            Root::Map => Ok(Self { places: reading.places }),
            Root::Missing => Err(wrong("another document".to_owned())),
        }
    }

    /// The place that fits a location in words best; the first of those that fit equally well.
    pub(super) fn find(&self, location: &str) -> Option<&Place> {
        let wanted = folded(location);
        let mut best: Option<((Fit, u8), &Place)> = None;
        for place in &self.places {
            if let Some(fit) = place.fit(&wanted) {
                let fit = (fit, place.rank());
                if best.is_none_or(|(known, _)| fit > known) {
                    best = Some((fit, place));
                }
            }
        }
        best.map(|(_, place)| place)
    }

    /// What a person looks for within some meters around a point, the nearest first.
    pub(super) fn nearby(&self, term: &str, center: Point, radius: f64) -> Vec<&Place> {
        let wanted = folded(term);
        let fitting = self.places.iter().filter(|place| place.is(&wanted));
        let mut near: Vec<(f64, &Place)> =
            fitting.map(|place| (place.point.distance(center), place)).collect();
        near.retain(|(distance, _)| *distance <= radius);
        near.sort_by(|left, right| left.0.total_cmp(&right.0));
        near.into_iter().map(|(_, place)| place).collect()
    }
}

/// Whether the document is a map.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Root {
    #[default]
    Missing,
    Map,
}

/// A file that is being read.
#[derive(Debug, Default)]
struct Reading {
    root: Root,
    points: HashMap<i64, Point>,
    places: Vec<Place>,
    tags: Vec<(String, String)>,
    /// The node that was begun, and its point.
    node: Option<(i64, Point)>,
    /// The nodes of the way that was begun.
    way: Vec<i64>,
}

impl Reading {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        match element.name().0 {
            "osm" => self.root = Root::Map,
            "node" => {
                self.tags.clear();
                let point = Point::new(number(element, "lat")?, number(element, "lon")?);
                self.node = Some((number(element, "id")?, point.ok_or("a node outside of the globe")?));
            }
            "way" | "relation" => {
                self.tags.clear();
                self.way.clear();
            }
            "nd" => self.way.push(number(element, "ref")?),
            "tag" => self.tags.push((attribute(element, "k")?, attribute(element, "v")?)),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        match name {
            "node" => {
                if let Some((id, point)) = self.node.take() {
                    self.points.insert(id, point);
                    self.keep(Some(point));
                }
            }
            "way" => {
                let points: Vec<Point> =
                    self.way.iter().filter_map(|id| self.points.get(id).copied()).collect();
                self.keep(middle(&points));
            }
            _ => {}
        }
    }

    /// Keeps what was read as a place, if it is one.
    fn keep(&mut self, point: Option<Point>) {
        let is_wanted = |key: &str| key == "name" || key.starts_with("addr:") || KINDS.contains(&key);
        if let Some(point) = point.filter(|_| self.tags.iter().any(|(key, _)| is_wanted(key))) {
            self.places.push(Place { point, tags: std::mem::take(&mut self.tags) });
        }
    }
}

/// The middle of the nodes of a way. The last node of an area is its first one again.
fn middle(points: &[Point]) -> Option<Point> {
    let points = match points {
        [first, inner @ .., last] if first == last && !inner.is_empty() => &points[1..],
        _ => points,
    };
    let count = points.len() as f64;
    let mean = |value: fn(&Point) -> f64| points.iter().map(value).sum::<f64>() / count;
    (!points.is_empty())
        .then(|| Point { latitude: mean(|one| one.latitude), longitude: mean(|one| one.longitude) })
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<String, String> {
    let found = element.try_get_attribute(name).map_err(|error| error.to_string())?;
    let found = found.ok_or_else(|| format!("a {} without {name}", element.name().0))?;
    let value = found.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
    Ok(value.into_owned())
}

fn number<T: std::str::FromStr>(element: &BytesStart<'_>, name: &str) -> Result<T, String> {
    let text = attribute(element, name)?;
    text.parse().map_err(|_| format!("{name}=\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Extract, String> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("map.osm");
        std::fs::write(&path, content).expect("writes");
        Extract::read(&path)
    }

    const MAP: &str = r#"<osm version="0.6">
        <node id="1" lat="50.0" lon="10.0"><tag k="amenity" v="cafe"/><tag k="name" v="A &amp; B"/></node>
        <node id="2" lat="50.0" lon="10.02"/><node id="3" lat="50.02" lon="10.02"/>
        <node id="4" lat="50.001" lon="10.001"><tag k="amenity" v="cafe"/></node>
        <way id="1"><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/><tag k="name" v="High Street"/></way>
        <relation id="1"><member type="way" ref="1" role=""/><tag k="name" v="Not a place"/></relation>
    </osm>"#;

    #[test]
    fn nodes_and_ways_are_places() {
        let map = read(MAP).expect("is a map");
        assert_eq!(map.places.len(), 3);
        let street = map.find("high street").expect("is there");
        assert!((street.point.latitude - 50.01).abs() < 1e-9);
        let near = map.nearby("cafe", Point { latitude: 50.001, longitude: 10.001 }, 500.0);
        let names: Vec<&str> = near.into_iter().map(Place::name).collect();
        assert_eq!(names, ["cafe", "A & B"]);
        assert!(map.nearby("cafe", Point { latitude: 51.0, longitude: 10.0 }, 500.0).is_empty());
        assert_eq!(map.find("Not a place"), None);
    }

    #[test]
    fn other_files_are_refused() {
        for (content, part) in [
            ("<html></html>", "found another document"),
            ("<osm><node id=\"x\" lat=\"1\" lon=\"1\"/></osm>", "found id=\"x\" at byte 5"),
            ("<osm><node id=\"1\" lat=\"91\" lon=\"1\"/></osm>", "a node outside of the globe"),
            ("<osm><node id=\"1\" lon=\"1\"/></osm>", "a node without lat"),
            ("<osm></node>", "at byte 5"),
        ] {
            let message = read(content).expect_err(content);
            assert!(message.contains(part) && message.contains("expected OpenStreetMap XML"), "{message}");
        }
    }
}
