//! `BINGMap`: the toolkit with lagent's names, arguments and results (`bing_map.py`).

use std::path::Path;
use std::sync::Arc;

use internlm_kit::sandbox::Level;
use serde_json::{Value, json};

use super::bing::{self, Found, KNOWN, Nearby};
use super::local_map::LocalMap;
use super::point::Point;
use super::routino::Route;
use crate::Result;
use crate::action::local::Failure;
use crate::action::parameter::{Kind, Parameter, optional, required};
use crate::action::toolkit::{Call, Kit, Made, Method, dictionary, tools};
use crate::action::web::provider::Provider;
use crate::action::{Action, Readiness, ToolSettings};

/// The value of `places` that stands for the coordinates.
const UNKNOWN: &str = "unknown";
/// Upstream's radius, meters.
const RADIUS: i64 = 5000;
/// Number of places that are shown.
const SHOWN: usize = 5;
/// Means of transport that routino knows.
const TRANSPORTS: [&str; 10] =
    ["motorcar", "foot", "bicycle", "wheelchair", "horse", "moped", "motorcycle", "goods", "hgv", "psv"];
/// Parameters of `get_distance` and `get_route`.
const ENDS: &[Parameter] =
    &[required("start", Kind::Text, "The start location"), required("end", Kind::Text, "The end location")];

const METHODS: &[Method<BingMap>] = &[
    Method {
        name: "get_distance",
        description: "Get the distance between two locations in km.",
        parameters: ENDS,
        run: |map, call| Ok(dictionary(&json!({"distance": map.route(call)?.length}))),
    },
    Method {
        name: "get_route",
        description: "Get the route between two locations in km.",
        parameters: ENDS,
        run: |map, call| Ok(dictionary(&json!({"route": map.route(call)?.steps}))),
    },
    Method {
        name: "get_coordinates",
        description: "Get the coordinates of a location.",
        parameters: &[required("location", Kind::Text, "the location need to get coordinates.")],
        run: |map, call| {
            let location = call.arguments.text("location")?;
            Ok(dictionary(&map.coordinates(location, call)?.value()))
        },
    },
    Method {
        name: "search_nearby",
        description: "Search for places nearby a location, within a given radius, and return the results into a list. You can use either the places name or the latitude and longitude.",
        parameters: &[
            required("search_term", Kind::Text, "the place name."),
            optional("places", Kind::Text, "the name of the location. Defaults to ``'unknown'``."),
            optional("latitude", Kind::Number, "the latitude of the location. Defaults to ``0.0``."),
            optional("longitude", Kind::Number, "the longitude of the location. Defaults to ``0.0``."),
            optional("radius", Kind::Integer, "radius in meters. Defaults to ``5000``."),
        ],
        run: BingMap::nearby,
    },
];

/// Where the answers come from.
enum Source {
    Bing,
    Local(Box<LocalMap>),
    /// A setting is wrong.
    Wrong(String),
}

struct BingMap {
    provider: Provider,
    source: Source,
}

/// Creates the toolkit.
pub(super) fn build(settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    let provider = Provider::new("BINGMap", settings, KNOWN);
    let source = match setting(&provider) {
        Err(reason) => Source::Wrong(reason),
        Ok(None) => Source::Bing,
        Ok(Some(own)) => {
            let routes = own.database.map(|folder| (Path::new(folder), own.transport));
            Source::Local(Box::new(LocalMap::new(settings, Path::new(own.map), routes)?))
        }
    };
    Ok(tools("BINGMap", BingMap { provider, source }, METHODS))
}

/// The settings of a map of the owner.
struct OwnMap<'a> {
    map: &'a str,
    /// Folder of routino's files, if routes are wanted.
    database: Option<&'a str>,
    transport: &'a str,
}

/// The owner's map; `None` if the table does not name one.
fn setting(provider: &Provider) -> Result<Option<OwnMap<'_>>, String> {
    let (map, database) = (provider.text("map")?, provider.text("database")?);
    let transport = provider.text("transport")?.unwrap_or(TRANSPORTS[0]);
    if !TRANSPORTS.contains(&transport) {
        let expected = TRANSPORTS.join(", ");
        return Err(
            provider.problem("extra.transport", &format!("found `{transport}`, expected one of {expected}"))
        );
    }
    let service = provider.service();
    match map {
        Some(_)
            if service.endpoint.is_some() || service.key_file.is_some() || service.key_variable.is_some() =>
        {
            Err(provider.problem("extra.map", "found a service too, expected either a map or a service"))
        }
        Some(map) => Ok(Some(OwnMap { map, database, transport })),
        None if database.is_some() || provider.text("transport")?.is_some() => {
            Err(provider.problem("extra.map", "missing, expected the .osm file that the database is made of"))
        }
        None => Ok(None),
    }
}

impl Kit for BingMap {
    fn readiness(&self) -> Readiness {
        let reason = match &self.source {
            Source::Wrong(reason) => Some(reason.clone()),
            Source::Local(map) => self.provider.ignored().or_else(|| map.problem()),
            Source::Bing => return self.provider.readiness(),
        };
        reason.map_or(Readiness::Ready, |reason| Readiness::Unavailable { reason })
    }

    fn sandbox_level(&self) -> Option<Level> {
        match &self.source {
            Source::Local(map) => map.level(),
            Source::Bing | Source::Wrong(_) => None,
        }
    }
}

impl BingMap {
    fn route(&self, call: &Call<'_>) -> Result<Route, Failure> {
        let ends = [call.arguments.text("start")?, call.arguments.text("end")?];
        match &self.source {
            Source::Bing => bing::route(&self.provider, ends, &call.context),
            Source::Local(map) => map.route(ends, &call.context),
            Source::Wrong(reason) => Err(Failure::tool(reason)),
        }
    }

    fn coordinates(&self, location: &str, call: &Call<'_>) -> Result<Point, Failure> {
        match &self.source {
            Source::Bing => bing::coordinates(&self.provider, location, &call.context),
            Source::Local(map) => map.coordinates(location),
            Source::Wrong(reason) => Err(Failure::tool(reason)),
        }
    }

    fn nearby(&self, call: &Call<'_>) -> Made {
        let term = call.arguments.text("search_term")?.trim();
        if term.is_empty() {
            return Err(Failure::arguments("search_term: found an empty text, expected what to look for"));
        }
        let radius = call.arguments.integer("radius", 1..=1_000_000)?.unwrap_or(RADIUS);
        let search = Nearby { term, center: self.center(call)?, radius, context: call.context };
        let found: Vec<Found> = match &self.source {
            Source::Bing => bing::nearby(&self.provider, &search)?,
            Source::Local(map) => {
                let places = map.extract()?.nearby(term, search.center, radius as f64);
                places.into_iter().map(|place| (place.name().to_owned(), place.address())).collect()
            }
            Source::Wrong(reason) => return Err(Failure::tool(reason)),
        };
        let shown =
            found.into_iter().take(SHOWN).map(|(name, address)| json!({"name": name, "address": address}));
        Ok(dictionary(&json!({"place": shown.collect::<Vec<Value>>()})))
    }

    /// The point around which is searched: a named place, or the coordinates of the call.
    fn center(&self, call: &Call<'_>) -> Result<Point, Failure> {
        match call.arguments.optional_text("places")?.filter(|name| *name != UNKNOWN) {
            Some(name) => self.coordinates(name, call),
            None => {
                let (latitude, longitude) =
                    (call.arguments.number("latitude")?, call.arguments.number("longitude")?);
                let point = Point::new(latitude.unwrap_or_default(), longitude.unwrap_or_default());
                let expected = "latitude, longitude: expected -90 to 90 and -180 to 180";
                point.ok_or_else(|| Failure::arguments(expected))
            }
        }
    }
}
