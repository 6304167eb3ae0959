//! Post-processors that find an option letter.

use serde::Deserialize;

use super::first_option::FirstOption;
use super::fixed_option::FixedOption;
use super::post::Apply;
use super::registry::PostEntry;
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry { name: "first_option_postprocess", upstream: &[], has_fixed: true, make: first },
    PostEntry { name: "last_option_postprocess", upstream: &[], has_fixed: true, make: last },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    /// The option letters, such as `ABCD`.
    options: String,
    /// Whether to take any option letter if no pattern matches. Default: true.
    #[serde(default)]
    cushion: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    /// The option letters, such as `ABCD`.
    options: String,
}

fn first(named: &Named, reading: Reading) -> Result<Apply> {
    let First { options, cushion } = named.arguments()?;
    let cushion = cushion.unwrap_or(true);
    Ok(match reading {
        Reading::Compat => {
            let patterns = FirstOption::new(&options, cushion);
            Box::new(move |text| patterns.apply(text).into())
        }
        Reading::Fixed => {
            let patterns = FixedOption::new(&options, cushion);
            Box::new(move |text| patterns.answer(text).into())
        }
    })
}

fn last(named: &Named, reading: Reading) -> Result<Apply> {
    let Last { options } = named.arguments()?;
    Ok(match reading {
        Reading::Compat => Box::new(move |text| {
            let letter = text.chars().rev().find(|letter| options.contains(*letter));
            letter.map(String::from).unwrap_or_default().into()
        }),
        Reading::Fixed => {
            let patterns = FixedOption::new(&options, true);
            Box::new(move |text| patterns.last_letter(text).into())
        }
    })
}
