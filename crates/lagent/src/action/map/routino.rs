//! Routes by `routino-router`, which reads a database that `planetsplitter` made of an extract.

use std::path::{Path, PathBuf};

use internlm_kit::sandbox::{Level, Sandbox, Task};

use super::point::Point;
use crate::Result;
use crate::action::local::{Failure, Program, missing, run};
use crate::action::{CallContext, ToolSettings};

const ROUTER: Program = Program::of("routino-router", "routino");
/// End of the name of a database's first file.
const NODES: &str = "nodes.mem";
/// Difference of directions from which on a way counts as turning, degrees.
const TURN: i64 = 30;
/// Difference from which on it counts as turning around.
const BACK: i64 = 150;

/// The router and its database.
#[derive(Debug)]
pub(super) struct Router {
    sandbox: Sandbox,
    folder: PathBuf,
    transport: String,
}

/// A route: its length and what to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Route {
    /// Kilometers.
    pub(super) length: f64,
    pub(super) steps: Vec<String>,
}

/// One piece of a route, as the router prints it.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    /// Kilometers.
    length: f64,
    /// Degrees from north, clockwise.
    bearing: i64,
    street: String,
}

impl Router {
    /// The router with a database. The programs of the sandbox may read its folder.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the level does not work here.
    pub(super) fn new(settings: &ToolSettings, folder: &Path, transport: &str) -> Result<Self> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let mut config = settings.sandbox.clone();
        config.readable.push(folder.clone());
        Ok(Self { sandbox: ToolSettings::new(config).confined()?, folder, transport: transport.to_owned() })
    }

    pub(super) fn level(&self) -> Level {
        self.sandbox.level()
    }

    /// What is missing, in words.
    pub(super) fn problem(&self) -> Option<String> {
        if let Some(package) = missing(&[ROUTER], &self.sandbox).first() {
            return Some(format!("unavailable: needs {package}"));
        }
        let folder = self.folder.display();
        let make = "run `planetsplitter --dir=FOLDER MAP.osm`";
        self.prefix().is_none().then(|| format!("unavailable: needs a database in {folder}: {make}"))
    }

    /// The part of the files' names in front of `-nodes.mem`; empty if they begin with it.
    fn prefix(&self) -> Option<String> {
        let names = std::fs::read_dir(&self.folder).ok()?.flatten();
        let mut names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let name = names.into_iter().find(|name| name.ends_with(NODES))?;
        Some(name[..name.len() - NODES.len()].trim_end_matches('-').to_owned())
    }

    /// The quickest route between two points. The router of a cancelled call is killed.
    pub(super) fn route(&self, ends: [Point; 2], context: &CallContext<'_>) -> Result<Route, Failure> {
        let mut task = Task::new(ROUTER.name).args([
            format!("--dir={}", self.folder.display()),
            format!("--transport={}", self.transport),
            "--quickest".to_owned(),
            "--output-text-all".to_owned(),
            "--output-stdout".to_owned(),
            "--quiet".to_owned(),
        ]);
        if let Some(prefix) = self.prefix().filter(|prefix| !prefix.is_empty()) {
            task = task.args([format!("--prefix={prefix}")]);
        }
        for (number, point) in (1..).zip(ends) {
            let (latitude, longitude) = (point.latitude, point.longitude);
            task = task.args([format!("--lat{number}={latitude}"), format!("--lon{number}={longitude}")]);
        }
        let printed = run(&context.confined(&self.sandbox), ROUTER.name, &task)?.stdout;
        Ok(described(&segments(&printed)))
    }
}

/// The pieces of a printed route. The line of the start has no length.
fn segments(printed: &str) -> Vec<Segment> {
    let lines = printed.lines().filter(|line| !line.starts_with('#'));
    let read = lines.filter_map(|line| {
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        let (length, bearing) = (columns.get(4)?.parse().ok()?, columns.get(9)?.parse().ok()?);
        Some(Segment { length, bearing, street: (*columns.get(10)?).to_owned() })
    });
    read.filter(|segment| segment.length > 0.0).collect()
}

/// A route in words: one step for each street.
fn described(segments: &[Segment]) -> Route {
    let mut steps = Vec::new();
    let mut before: Option<i64> = None;
    for street in segments.chunk_by(|left, right| left.street == right.street) {
        let length: f64 = street.iter().map(|segment| segment.length).sum();
        let (Some(first), Some(last)) = (street.first(), street.last()) else { continue };
        let name = if first.street.is_empty() { "the road" } else { first.street.as_str() };
        let step = match before {
            None => format!("Head {} on {name} for {length:.2} km", direction(first.bearing)),
            Some(before) => format!("{} onto {name} for {length:.2} km", turn(first.bearing - before)),
        };
        steps.push(step);
        before = Some(last.bearing);
    }
    steps.push("Arrive at the destination".to_owned());
    let length: f64 = segments.iter().map(|segment| segment.length).sum();
    Route { length: (length * 1000.0).round() / 1000.0, steps }
}

fn direction(bearing: i64) -> &'static str {
    const NAMES: [&str; 8] =
        ["north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"];
    let eighth = (bearing.rem_euclid(360) * 2 + 45) / 90;
    NAMES[usize::try_from(eighth).unwrap_or_default() % NAMES.len()]
}

fn turn(difference: i64) -> &'static str {
    let difference = (difference + 180).rem_euclid(360) - 180;
    match difference {
        _ if difference.abs() < TURN => "Continue",
        _ if difference.abs() > BACK => "Turn around",
        1.. => "Turn right",
        _ => "Turn left",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 3.3.3 prints it.
    const PRINTED: &str = "#Latitude\tLongitude\t    Node\tType\n\
 50.000000\t  10.000000\t       0 \tWaypt#1\t0.000\t 0.00\t 0.00\t  0.0\t\t\t\n\
 50.010000\t  10.000000\t       1*\tJunct\t1.113\t 1.39\t 1.11\t  1.4\t 48\t 360\tAvenue 1\n\
 50.020000\t  10.000000\t       2 \tInter\t1.113\t 1.39\t 2.23\t  2.8\t 48\t 360\tAvenue 1\n\
 50.020000\t  10.010000\t       5*\tJunct\t0.715\t 0.89\t 2.94\t  3.7\t 48\t  90\tThird Street\n";

    #[test]
    fn printed_routes_become_steps() {
        let route = described(&segments(PRINTED));
        assert!((route.length - 2.941).abs() < 1e-9);
        assert_eq!(route.steps[0], "Head north on Avenue 1 for 2.23 km");
        assert!(route.steps[1].starts_with("Turn right onto Third Street for 0.7"));
        assert_eq!(route.steps[2..], ["Arrive at the destination"]);
    }

    #[test]
    fn directions_and_turns_have_names() {
        assert_eq!(
            [0, 44, 91, 337, 338, 360].map(direction),
            ["north", "northeast", "east", "northwest", "north", "north"]
        );
        assert_eq!(
            [90, -90, 10, 180, 350, 270].map(turn),
            ["Turn right", "Turn left", "Continue", "Turn around", "Continue", "Turn left"]
        );
    }
}
