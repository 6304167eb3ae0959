//! The map of an extract of `OpenStreetMap`: its places, and routes by routino.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use internlm_kit::sandbox::Level;

use super::extract::Extract;
use super::point::Point;
use super::routino::{Route, Router};
use crate::Result;
use crate::action::local::Failure;
use crate::action::{CallContext, ToolSettings};

/// An extract, which is read at the first call, and a router if there is a database.
#[derive(Debug)]
pub(super) struct LocalMap {
    path: PathBuf,
    extract: OnceLock<Result<Extract, String>>,
    router: Option<Router>,
}

impl LocalMap {
    /// The map of a file.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when there is a database and the level does not work here.
    pub(super) fn new(settings: &ToolSettings, path: &Path, routes: Option<(&Path, &str)>) -> Result<Self> {
        let router =
            routes.map(|(folder, transport)| Router::new(settings, folder, transport)).transpose()?;
        Ok(Self { path: path.to_path_buf(), extract: OnceLock::new(), router })
    }

    /// What is missing for any call.
    pub(super) fn problem(&self) -> Option<String> {
        let path = self.path.display();
        (!self.path.is_file()).then(|| format!("unavailable: needs a map at {path}"))
    }

    pub(super) fn level(&self) -> Option<Level> {
        self.router.as_ref().map(Router::level)
    }

    /// The places of the map.
    pub(super) fn extract(&self) -> Result<&Extract, Failure> {
        self.extract.get_or_init(|| Extract::read(&self.path)).as_ref().map_err(Failure::tool)
    }

    /// Where a location is: coordinates, a name or an address.
    pub(super) fn coordinates(&self, location: &str) -> Result<Point, Failure> {
        if let Some(point) = Point::read(location) {
            return Ok(point);
        }
        let place = self.extract()?.find(location);
        place.map(|place| place.point).ok_or_else(|| {
            let expected = "expected a name or an address of the map, or latitude,longitude";
            Failure::tool(format!("found no place called `{location}`, {expected}"))
        })
    }

    /// The quickest route.
    pub(super) fn route(&self, ends: [&str; 2], context: &CallContext<'_>) -> Result<Route, Failure> {
        let Some(router) = &self.router else {
            let needs = "routino and services.BINGMap.extra.database, which `planetsplitter` makes";
            return Err(Failure::tool(format!("unavailable: needs {needs}")));
        };
        if let Some(reason) = router.problem() {
            return Err(Failure::tool(reason));
        }
        router.route([self.coordinates(ends[0])?, self.coordinates(ends[1])?], context)
    }
}
