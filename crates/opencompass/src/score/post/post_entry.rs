//! [`PostEntry`]: a post-processor by its name, and how it is created.

use serde_json::Value;

use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// What a post-processor does: text -> text, or a list, a number or null where upstream's function gives that.
pub(crate) type Apply = Box<dyn Fn(&str) -> Value + Send + Sync>;

/// A post-processor that dataset files can name.
#[derive(Clone, Copy, Debug)]
pub struct PostEntry {
    /// Name in dataset files, which is upstream's where upstream has one.
    pub name: &'static str,
    /// Names of upstream's functions that it replaces, without their modules, where they differ from `name`.
    pub upstream: &'static [&'static str],
    /// Whether the reading without the faults of OpenCompass differs.
    pub has_fixed: bool,
    make: Make,
}

/// The ways to create a post-processor.
#[derive(Clone, Copy, Debug)]
enum Make {
    /// Text -> text, without arguments, the same in both readings.
    Text(fn(&str) -> String),
    /// Text -> text, without arguments, one function for each reading.
    Readings(fn(&str) -> String, fn(&str) -> String),
    /// Text -> any value, without arguments, the same in both readings.
    Value(fn(&str) -> Value),
    /// Reads its arguments and decides on its own.
    Configured(fn(&Named, Reading) -> Result<Apply>),
}

impl PostEntry {
    /// A function of a text.
    pub(super) const fn text(
        name: &'static str,
        upstream: &'static [&'static str],
        apply: fn(&str) -> String,
    ) -> Self {
        Self { name, upstream, has_fixed: false, make: Make::Text(apply) }
    }

    /// A function of a text that repeats OpenCompass, and one without its faults.
    pub(super) const fn readings(
        name: &'static str,
        upstream: &'static [&'static str],
        compat: fn(&str) -> String,
        fixed: fn(&str) -> String,
    ) -> Self {
        Self { name, upstream, has_fixed: true, make: Make::Readings(compat, fixed) }
    }

    /// A function that gives a list, a number or null.
    pub(super) const fn value(
        name: &'static str,
        upstream: &'static [&'static str],
        apply: fn(&str) -> Value,
    ) -> Self {
        Self { name, upstream, has_fixed: false, make: Make::Value(apply) }
    }

    /// A function with arguments, the same in both readings.
    pub(super) const fn configured(
        name: &'static str,
        upstream: &'static [&'static str],
        make: fn(&Named, Reading) -> Result<Apply>,
    ) -> Self {
        Self { name, upstream, has_fixed: false, make: Make::Configured(make) }
    }

    /// Says that the two readings differ.
    pub(super) const fn with_fixed(self) -> Self {
        Self { has_fixed: true, ..self }
    }

    /// Creates the post-processor; fails if its arguments do not fit.
    pub(super) fn create(&self, named: &Named, reading: Reading) -> Result<Apply> {
        let apply = match (self.make, reading) {
            (Make::Configured(make), reading) => return make(named, reading),
            (Make::Value(apply), _) => {
                named.no_arguments()?;
                return Ok(Box::new(apply));
            }
            (Make::Text(apply) | Make::Readings(apply, _), Reading::Compat)
            | (Make::Text(apply) | Make::Readings(_, apply), Reading::Fixed) => apply,
        };
        named.no_arguments()?;
        Ok(Box::new(move |text| apply(text).into()))
    }
}
