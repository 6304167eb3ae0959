//! Bing's map service (`bing_map.py`): the requests and the fields are upstream's.

use serde_json::Value;

use super::point::Point;
use super::routino::Route;
use crate::action::CallContext;
use crate::action::local::Failure;
use crate::action::web::http::Request;
use crate::action::web::provider::{KeyUse, Known, Provider};

/// What the toolkit understands of its table, for both of its sources.
pub(super) const KNOWN: Known = Known {
    endpoint: "https://dev.virtualearth.net/REST/V1",
    key: KeyUse::Needed,
    names: &["map", "database", "transport"],
};

/// A name and an address.
pub(super) type Found = (String, String);

/// The quickest route by car.
pub(super) fn route(
    provider: &Provider,
    ends: [&str; 2],
    context: &CallContext<'_>,
) -> Result<Route, Failure> {
    let query = [("o", "json"), ("wp.0", ends[0]), ("wp.1", ends[1])];
    let answer = ask(provider, "/Routes/Driving", &query, context)?;
    let route = resource(&answer)?;
    let length =
        route.get("travelDistance").and_then(Value::as_f64).ok_or_else(|| absent("travelDistance"))?;
    let items = route.pointer("/routeLegs/0/itineraryItems").and_then(Value::as_array);
    let items = items.ok_or_else(|| absent("itineraryItems"))?;
    let texts = items.iter().filter_map(|item| item.pointer("/instruction/text")?.as_str());
    Ok(Route { length, steps: texts.map(str::to_owned).collect() })
}

/// Where a location is.
pub(super) fn coordinates(
    provider: &Provider,
    location: &str,
    context: &CallContext<'_>,
) -> Result<Point, Failure> {
    let answer = ask(provider, "/Locations", &[("query", location)], context)?;
    let place = resource(&answer)?;
    let number = |place_of: &str| place.pointer(place_of).and_then(Value::as_f64);
    match (number("/point/coordinates/0"), number("/point/coordinates/1")) {
        (Some(latitude), Some(longitude)) => Ok(Point { latitude, longitude }),
        _ => Err(absent("coordinates")),
    }
}

/// Places around a point.
pub(super) fn nearby(provider: &Provider, search: &Nearby<'_>) -> Result<Vec<Found>, Failure> {
    let location = format!("{},{}", search.center.latitude, search.center.longitude);
    let radius = search.radius.to_string();
    let query = [("query", search.term), ("userLocation", location.as_str()), ("radius", radius.as_str())];
    let answer = ask(provider, "/LocalSearch", &query, &search.context)?;
    let resources = answer.pointer("/resourceSets/0/resources").and_then(Value::as_array);
    let found = resources.ok_or_else(|| absent("resources"))?.iter().filter_map(|item| {
        let name = item.get("name")?.as_str()?.to_owned();
        let address = item.pointer("/Address/formattedAddress")?.as_str()?.to_owned();
        Some((name, address))
    });
    Ok(found.collect())
}

/// What is looked for around a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nearby<'a> {
    pub(super) term: &'a str,
    pub(super) center: Point,
    /// Meters.
    pub(super) radius: i64,
    pub(super) context: CallContext<'a>,
}

fn ask(
    provider: &Provider,
    route: &str,
    query: &[(&str, &str)],
    context: &CallContext<'_>,
) -> Result<Value, Failure> {
    let key = provider.key()?.unwrap_or_default();
    let mut query = query.to_vec();
    if !key.is_empty() {
        query.push(("key", key.as_str()));
    }
    Request::get(provider.url(route, &query)?).secret(&key).json(context)
}

/// The first result of an answer.
fn resource(answer: &Value) -> Result<&Value, Failure> {
    answer
        .pointer("/resourceSets/0/resources/0")
        .ok_or_else(|| Failure::service("BINGMap: found no such location"))
}

fn absent(name: &str) -> Failure {
    Failure::service(format!("BINGMap: found an answer without {name}, expected one with it"))
}
