//! Units of measurement by name, with their exact sizes in base units (SI brochure, 9th edition; NIST SP 811).

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow};

use super::constants::pi;
use super::quantity::{Dimension, Exactness, Quantity};

/// One unit: its names, its size as a decimal number of base units, and what it measures.
struct Unit {
    names: &'static [&'static str],
    size: &'static str,
    measures: Dimension,
    prefixes: Prefixes,
}

/// Which prefixes a unit takes in front of its first name.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Prefixes {
    None,
    Decimal,
    DecimalAndBinary,
}

const fn unit(names: &'static [&'static str], size: &'static str, measures: Dimension) -> Unit {
    Unit { names, size, measures, prefixes: Prefixes::None }
}

const fn si(names: &'static [&'static str], size: &'static str, measures: Dimension) -> Unit {
    Unit { names, size, measures, prefixes: Prefixes::Decimal }
}

const fn data(names: &'static [&'static str], size: &'static str) -> Unit {
    Unit { names, size, measures: DATA, prefixes: Prefixes::DecimalAndBinary }
}

const NUMBER: Dimension = Dimension::new([0; 8]);
const LENGTH: Dimension = Dimension::new([1, 0, 0, 0, 0, 0, 0, 0]);
const AREA: Dimension = Dimension::new([2, 0, 0, 0, 0, 0, 0, 0]);
const VOLUME: Dimension = Dimension::new([3, 0, 0, 0, 0, 0, 0, 0]);
const MASS: Dimension = Dimension::new([0, 1, 0, 0, 0, 0, 0, 0]);
const TIME: Dimension = Dimension::new([0, 0, 1, 0, 0, 0, 0, 0]);
const SPEED: Dimension = Dimension::new([1, 0, -1, 0, 0, 0, 0, 0]);
const FREQUENCY: Dimension = Dimension::new([0, 0, -1, 0, 0, 0, 0, 0]);
const FORCE: Dimension = Dimension::new([1, 1, -2, 0, 0, 0, 0, 0]);
const PRESSURE: Dimension = Dimension::new([-1, 1, -2, 0, 0, 0, 0, 0]);
const ENERGY: Dimension = Dimension::new([2, 1, -2, 0, 0, 0, 0, 0]);
const POWER: Dimension = Dimension::new([2, 1, -3, 0, 0, 0, 0, 0]);
const CURRENT: Dimension = Dimension::new([0, 0, 0, 1, 0, 0, 0, 0]);
const CHARGE: Dimension = Dimension::new([0, 0, 1, 1, 0, 0, 0, 0]);
const VOLTAGE: Dimension = Dimension::new([2, 1, -3, -1, 0, 0, 0, 0]);
const RESISTANCE: Dimension = Dimension::new([2, 1, -3, -2, 0, 0, 0, 0]);
const CAPACITANCE: Dimension = Dimension::new([-2, -1, 4, 2, 0, 0, 0, 0]);
const TEMPERATURE: Dimension = Dimension::new([0, 0, 0, 0, 1, 0, 0, 0]);
const AMOUNT: Dimension = Dimension::new([0, 0, 0, 0, 0, 1, 0, 0]);
const LIGHT: Dimension = Dimension::new([0, 0, 0, 0, 0, 0, 1, 0]);
const DATA: Dimension = Dimension::new([0, 0, 0, 0, 0, 0, 0, 1]);

const UNITS: &[Unit] = &[
    si(&["m", "meter", "meters", "metre", "metres"], "1", LENGTH),
    unit(&["in", "inch", "inches"], "0.0254", LENGTH),
    unit(&["ft", "foot", "feet"], "0.3048", LENGTH),
    unit(&["yd", "yard", "yards"], "0.9144", LENGTH),
    unit(&["mi", "mile", "miles"], "1609.344", LENGTH),
    unit(&["nmi"], "1852", LENGTH),
    unit(&["au"], "149597870700", LENGTH),
    unit(&["ly", "lightyear", "lightyears"], "9460730472580800", LENGTH),
    unit(&["ha", "hectare", "hectares"], "10000", AREA),
    unit(&["acre", "acres"], "4046.8564224", AREA),
    si(&["L", "liter", "liters", "litre", "litres"], "0.001", VOLUME),
    si(&["l"], "0.001", VOLUME),
    unit(&["gal", "gallon", "gallons"], "0.003785411784", VOLUME),
    si(&["g", "gram", "grams"], "0.001", MASS),
    unit(&["t", "tonne", "tonnes"], "1000", MASS),
    unit(&["lb", "lbs", "pound", "pounds"], "0.45359237", MASS),
    unit(&["oz", "ounce", "ounces"], "0.028349523125", MASS),
    si(&["s", "sec", "second", "seconds"], "1", TIME),
    unit(&["min", "minute", "minutes"], "60", TIME),
    unit(&["h", "hr", "hour", "hours"], "3600", TIME),
    unit(&["day", "days"], "86400", TIME),
    unit(&["week", "weeks"], "604800", TIME),
    unit(&["mph"], "0.44704", SPEED),
    si(&["Hz", "hertz"], "1", FREQUENCY),
    si(&["N", "newton", "newtons"], "1", FORCE),
    si(&["Pa", "pascal", "pascals"], "1", PRESSURE),
    si(&["bar"], "100000", PRESSURE),
    unit(&["atm"], "101325", PRESSURE),
    si(&["J", "joule", "joules"], "1", ENERGY),
    si(&["cal", "calorie", "calories"], "4.184", ENERGY),
    si(&["Wh"], "3600", ENERGY),
    si(&["eV"], "0.0000000000000000001602176634", ENERGY),
    si(&["W", "watt", "watts"], "1", POWER),
    si(&["A", "ampere", "amperes"], "1", CURRENT),
    si(&["C", "coulomb", "coulombs"], "1", CHARGE),
    si(&["V", "volt", "volts"], "1", VOLTAGE),
    si(&["ohm", "ohms"], "1", RESISTANCE),
    si(&["F", "farad", "farads"], "1", CAPACITANCE),
    si(&["K", "kelvin"], "1", TEMPERATURE),
    si(&["mol"], "1", AMOUNT),
    si(&["cd", "candela"], "1", LIGHT),
    data(&["bit", "bits"], "1"),
    data(&["B", "byte", "bytes"], "8"),
    unit(&["rad", "radian", "radians"], "1", NUMBER),
    unit(&["percent"], "0.01", NUMBER),
];

/// A prefix and its power of ten or two.
type Prefix = (&'static str, i32);

/// Decimal prefixes of symbols.
const DECIMAL: [Prefix; 13] = [
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("µ", -6),
    ("m", -3),
    ("c", -2),
    ("d", -1),
    ("h", 2),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
];
/// Decimal prefixes of words.
const WORDS: [Prefix; 7] =
    [("nano", -9), ("micro", -6), ("milli", -3), ("centi", -2), ("kilo", 3), ("mega", 6), ("giga", 9)];
/// Binary prefixes of symbols.
const BINARY: [Prefix; 4] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)];

/// Finds a unit. A whole name wins over a prefix and a shorter name: `min` is a minute.
pub(super) fn find(name: &str) -> Option<Quantity> {
    if matches!(name, "deg" | "degree" | "degrees" | "°") {
        let half_turn = BigRational::from(BigInt::from(180));
        return Some(Quantity::rounded(pi() / half_turn));
    }
    if let Some(unit) = UNITS.iter().find(|unit| unit.names.contains(&name)) {
        return Some(unit.times(BigRational::one()));
    }
    UNITS.iter().find_map(|unit| unit.prefixed(name).map(|factor| unit.times(factor)))
}

impl Unit {
    /// The prefix of a name as a factor; `None` if the name is not this unit with a prefix.
    fn prefixed(&self, name: &str) -> Option<BigRational> {
        if self.prefixes == Prefixes::None {
            return None;
        }
        let (symbol, words) = self.names.split_first()?;
        let binary: &[Prefix] = if self.prefixes == Prefixes::DecimalAndBinary { &BINARY } else { &[] };
        let find = |prefixes: &[Prefix], names: &[&str], base: i32| {
            let is_prefix =
                |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| names.contains(&rest));
            let found = prefixes.iter().find(|(prefix, _)| is_prefix(prefix));
            found.map(|(_, exponent)| Pow::pow(BigRational::from(BigInt::from(base)), *exponent))
        };
        let decimal = find(&DECIMAL, &[*symbol], 10).or_else(|| find(&WORDS, words, 10));
        decimal.or_else(|| find(binary, &[*symbol], 2))
    }

    /// So many of this unit.
    fn times(&self, factor: BigRational) -> Quantity {
        Quantity {
            value: factor * decimal(self.size),
            exactness: Exactness::Exact,
            dimension: self.measures,
            shown: None,
        }
    }
}

/// A decimal number of the table.
fn decimal(text: &str) -> BigRational {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}").parse::<BigInt>().unwrap_or_default();
    BigRational::new(digits, BigInt::from(10).pow(fraction.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_a_number_and_every_name_is_one_unit() {
        let mut seen = std::collections::BTreeSet::new();
        for unit in UNITS {
            assert!(unit.size.chars().all(|character| character.is_ascii_digit() || character == '.'));
            assert!(decimal(unit.size) > BigRational::from(BigInt::from(0)), "{}", unit.size);
            for name in unit.names {
                assert!(seen.insert(*name), "{name}");
            }
        }
        assert_eq!(find("min").map(|unit| unit.to_string()).as_deref(), Some("60 s"));
        assert_eq!(find("MiB").map(|unit| unit.to_string()).as_deref(), Some("8388608 bit"));
        assert_eq!(find("kilometers").map(|unit| unit.to_string()).as_deref(), Some("1000 m"));
        assert_eq!(find("kfeet"), None);
    }
}
