//! `BINGMap` against Bing's service on loopback, and on a small map of our own with routino.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use internlm_kit::stop::Stop;
use lagent::action::{ActionState, CallContext, Service, ToolSettings, Toolbox};
use serde_json::{Value, json};

use crate::local_tools::{measured, prepare};
use crate::mock_service::{MockService, Seen, json_answer};

fn toolbox(service: Service) -> Toolbox {
    let settings = ToolSettings::default().with_service("BINGMap", service);
    Toolbox::with_tools(&["BINGMap".to_owned()], &settings).expect("some sandbox level works")
}

fn call(tools: &Toolbox, method: &str, arguments: &Value) -> Value {
    let value = tools.call(&format!("BINGMap.{method}"), arguments);
    assert_eq!(value.state, ActionState::Success, "{method}: {}", value.for_model());
    serde_json::from_str(&value.for_model()).expect("is JSON")
}

fn bing(seen: &Seen) -> axum::response::Response {
    let resources = match seen.path.as_str() {
        "/Routes/Driving" => json!([{"travelDistance": 12.5, "routeLegs": [{"itineraryItems": [
            {"instruction": {"text": "Head east"}}, {"note": "no text"}, {"instruction": {"text": "Arrive"}},
        ]}]}]),
        "/Locations" if seen.query.contains("Atlantis") => json!([]),
        "/Locations" => json!([{"point": {"coordinates": [31.2, 121.5]}}]),
        _ => (0..7)
            .map(|number| json!({"name": format!("N{number}"), "Address": {"formattedAddress": "A"}}))
            .collect(),
    };
    json_answer(&json!({"resourceSets": [{"resources": resources}]}))
}

#[test]
fn bings_answers_have_upstreams_form() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let key = folder.path().join("key");
    fs::write(&key, "k5f1c7e").expect("writes");
    let service = MockService::start(bing);
    let tools = toolbox(Service { key_file: Some(key), ..Service::at(&service.url) });
    let ends = json!({"start": "A & B", "end": "C"});
    assert_eq!(call(&tools, "get_distance", &ends), json!({"distance": 12.5}));
    assert_eq!(call(&tools, "get_route", &ends), json!({"route": ["Head east", "Arrive"]}));
    assert_eq!(service.seen()[0].query, "o=json&wp.0=A+%26+B&wp.1=C&key=k5f1c7e");
    let found = call(&tools, "get_coordinates", &json!({"location": "Shanghai"}));
    assert_eq!(found, json!({"latitude": 31.2, "longitude": 121.5}));
    let found = call(&tools, "search_nearby", &json!({"search_term": "cafe", "places": "Shanghai"}));
    assert_eq!(found["place"].as_array().map(Vec::len), Some(5));
    assert!(
        service
            .seen()
            .last()
            .is_some_and(|seen| seen.query.contains("userLocation=31.2%2C121.5&radius=5000"))
    );
    let value = tools.call("BINGMap.get_coordinates", &json!({"location": "Atlantis"}));
    assert_eq!(
        (value.state, value.for_model().as_str()),
        (ActionState::HttpError, "BINGMap: found no such location")
    );
}

/// Streets in a grid of three by four crossings that are a hundredth of a degree apart, and two named squares.
fn grid(folder: &Path) -> PathBuf {
    let mut map = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<osm version=\"0.6\">\n");
    let id = |row: usize, column: usize| row * 4 + column + 1;
    for row in 0..3 {
        for column in 0..4 {
            let name = match (row, column) {
                (0, 0) => "West Gate",
                (2, 3) => "East Harbour",
                _ => "",
            };
            let tag = if name.is_empty() {
                String::new()
            } else {
                format!("<tag k=\"place\" v=\"square\"/><tag k=\"name\" v=\"{name}\"/>")
            };
            let (latitude, longitude) = (50.0 + 0.01 * row as f64, 10.0 + 0.01 * column as f64);
            let id = id(row, column);
            writeln!(
                map,
                "<node id=\"{id}\" lat=\"{latitude:.4}\" lon=\"{longitude:.4}\" version=\"1\">{tag}</node>"
            )
            .expect("writes");
        }
    }
    map.push_str(concat!(
        "<node id=\"100\" lat=\"50.0051\" lon=\"10.0002\" version=\"1\"><tag k=\"amenity\" v=\"cafe\"/>",
        "<tag k=\"name\" v=\"Café Müller\"/><tag k=\"addr:street\" v=\"Avenue 1\"/>",
        "<tag k=\"addr:housenumber\" v=\"5\"/></node>\n",
    ));
    let rows =
        (0..3).map(|row| (format!("Street {row}"), (0..4).map(|column| id(row, column)).collect::<Vec<_>>()));
    let columns =
        (0..4).map(|column| (format!("Avenue {}", column + 1), (0..3).map(|row| id(row, column)).collect()));
    for (number, (name, nodes)) in rows.chain(columns).enumerate() {
        let nodes: String = nodes.iter().map(|node| format!("<nd ref=\"{node}\"/>")).collect();
        let tags = format!("<tag k=\"highway\" v=\"residential\"/><tag k=\"name\" v=\"{name}\"/>");
        writeln!(map, "<way id=\"{}\" version=\"1\">{nodes}{tags}</way>", number + 1).expect("writes");
    }
    map.push_str("</osm>\n");
    let path = folder.join("grid.osm");
    fs::write(&path, map).expect("writes");
    path
}

fn local(extra: Value) -> Service {
    Service { extra: serde_json::from_value(extra).expect("is a table"), ..Service::default() }
}

#[test]
fn a_map_of_the_owner_has_places() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let tools = toolbox(local(json!({"map": grid(folder.path())})));
    let found = call(&tools, "get_coordinates", &json!({"location": "east harbour"}));
    assert_eq!(found, json!({"latitude": 50.02, "longitude": 10.03}));
    let found = call(&tools, "get_coordinates", &json!({"location": "Avenue 1 5"}));
    assert_eq!(found, json!({"latitude": 50.0051, "longitude": 10.0002}));
    for arguments in [
        json!({"search_term": "cafes", "places": "West Gate"}),
        json!({"search_term": "muller", "latitude": 50.0, "longitude": 10.0, "radius": 600}),
    ] {
        let found = call(&tools, "search_nearby", &arguments);
        assert_eq!(found, json!({"place": [{"name": "Café Müller", "address": "Avenue 1 5"}]}));
    }
    let far = json!({"search_term": "cafe", "places": "West Gate", "radius": 100});
    assert_eq!(call(&tools, "search_nearby", &far), json!({"place": []}));
    let value = tools.call("BINGMap.get_coordinates", &json!({"location": "Atlantis"}));
    assert_eq!(value.state, ActionState::ApiError);
    assert!(value.for_model().starts_with("found no place called `Atlantis`"));
    let value = tools.call("BINGMap.get_distance", &json!({"start": "West Gate", "end": "East Harbour"}));
    assert!(value.for_model().starts_with("unavailable: needs routino and services.BINGMap.extra.database"));
}

#[test]
fn routes_on_the_map_have_the_length_of_their_streets() {
    prepare();
    let folder = tempfile::tempdir().expect("temporary folder");
    let (map, database) = (grid(folder.path()), folder.path().join("routes"));
    fs::create_dir(&database).expect("creates");
    // The sandbox may run programs as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("opens the folder");
    let made = Command::new("planetsplitter")
        .args(["--prefix=grid", "--tagging=/usr/share/routino/tagging.xml", "--loggable"])
        .arg(format!("--dir={}", database.display()))
        .arg(&map)
        .output();
    let Ok(made) = made else {
        println!("skipped: needs routino");
        return;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let tools = toolbox(local(json!({"map": map, "database": database})));
    let ends = json!({"start": "West Gate", "end": "East Harbour"});
    let length = call(&tools, "get_distance", &ends)["distance"].as_f64().expect("is a number");
    // Two hundredths of a degree of latitude, and three of longitude at fifty degrees.
    let (north, east) = (2.0 * 1.112, 3.0 * 1.112 * 50_f64.to_radians().cos());
    assert!((length - north - east).abs() < 0.05, "{length}");
    measured("BINGMap", format!("{length:.3} km, {:.3} km expected", north + east));
    let route = call(&tools, "get_route", &ends);
    let steps: Vec<&str> =
        route["route"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(steps[0].starts_with("Head "), "{steps:?}");
    assert!(steps[1].starts_with("Turn "), "{steps:?}");
    assert_eq!(steps.last(), Some(&"Arrive at the destination"));
    let away = json!({"start": "West Gate", "end": "60.0, 20.0"});
    let value = tools.call("BINGMap.get_distance", &away);
    assert_eq!(value.state, ActionState::ApiError);
    assert!(
        value.for_model().contains("Cannot find node close to specified point 2"),
        "{}",
        value.for_model()
    );
    let stop = Stop::new();
    stop.request();
    let context = CallContext { stop: Some(&stop), ..CallContext::default() };
    let value = tools.call_in(&context, "BINGMap.get_distance", &ends);
    assert!(value.for_model().contains("stopped by the caller"), "{}", value.for_model());
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (service, part) in [
        (local(json!({"database": "x"})), "services.BINGMap.extra.map: missing"),
        (
            local(json!({"map": "x", "transport": "ufo"})),
            "extra.transport: found `ufo`, expected one of motorcar",
        ),
        (local(json!({"map": "no-such.osm"})), "unavailable: needs a map at no-such.osm"),
        (
            Service { endpoint: Some("http://a".to_owned()), ..local(json!({"map": "x"})) },
            "found a service too",
        ),
        (local(json!({"maps": "x"})), "extra.maps: unknown, expected one of map, database, transport"),
        (Service::default(), "unavailable: needs a key of https://dev.virtualearth.net"),
    ] {
        let reason = toolbox(service).first_unavailable().expect("is refused").1;
        assert!(reason.contains(part), "{reason}");
    }
}
