//! A point on the globe, and the distance between two.

use serde_json::{Value, json};

/// Mean radius of the earth, meters.
const RADIUS: f64 = 6_371_008.8;

/// A place on the globe, in degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

impl Point {
    /// Reads `latitude,longitude`; `None` for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        Self::new(latitude.trim().parse().ok()?, longitude.trim().parse().ok()?)
    }

    /// A point within the ranges of degrees.
    pub(super) fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let is_valid = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        is_valid.then_some(Self { latitude, longitude })
    }

    /// Distance over the ground, meters, by the haversine formula.
    pub(super) fn distance(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let across = ((to - from) / 2.0).sin().powi(2);
        let along = ((other.longitude - self.longitude).to_radians() / 2.0).sin().powi(2);
        2.0 * RADIUS * (across + from.cos() * to.cos() * along).sqrt().min(1.0).asin()
    }

    /// The form of `get_coordinates`.
    pub(super) fn value(self) -> Value {
        json!({"latitude": self.latitude, "longitude": self.longitude})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_a_globe() {
        let berlin = Point::read("52.52, 13.405").expect("is a point");
        let paris = Point::new(48.8566, 2.3522).expect("is a point");
        assert!((berlin.distance(paris) / 1000.0 - 877.5).abs() < 1.0);
        assert_eq!(Point::read("Berlin, Germany"), None);
        assert_eq!(Point::read("91,0"), None);
    }
}
