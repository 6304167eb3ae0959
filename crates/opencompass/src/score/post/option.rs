//! Post-processors that find an option letter.

use serde::Deserialize;

use super::first_option::FirstOption;
use super::fixed_option::FixedOption;
use super::post_entry::{Apply, PostEntry};
use crate::dataset::Named;
use crate::score::Reading;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::configured("first_option_postprocess", &[], first).with_fixed(),
    PostEntry::configured("last_option_postprocess", &[], last).with_fixed(),
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

/// Checks that there are options: a pattern without letters means nothing.
fn check(named: &Named, options: &str) -> Result<()> {
    if options.is_empty() {
        let place = format!("{}.options", named.name());
        return Err(Error::Value { place, found: "``".to_owned(), expected: "option letters".to_owned() });
    }
    Ok(())
}

fn first(named: &Named, reading: Reading) -> Result<Apply> {
    let First { options, cushion } = named.arguments()?;
    check(named, &options)?;
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
    check(named, &options)?;
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
