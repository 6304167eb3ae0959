//! Keywords of JSON Schema by what guided decoding does with them.

/// Keywords whose value is one schema.
pub(super) const SCHEMA: [&str; 3] = ["additionalProperties", "additionalItems", "items"];
/// Keywords whose value is a list of schemas. `items` may also be one, in older drafts.
pub(super) const SCHEMAS: [&str; 5] = ["anyOf", "oneOf", "allOf", "prefixItems", "items"];
/// Keywords whose value is an object of schemas.
pub(super) const SCHEMA_MAP: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];

/// Keywords that change which JSON is valid, and that are not supported.
pub(super) const UNSUPPORTED: [&str; 18] = [
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$recursiveRef",
    "$dynamicRef",
    "$dynamicAnchor",
    "x-guidance",
];

/// Formats of strings that are kept.
pub(super) const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"];
/// What the library's formats allow too much: leap seconds at any time, and the 29th of February in any year.
pub(super) const FORMAT_PATTERNS: [(&str, &str); 3] = [
    ("date", NO_LEAP_DAY),
    ("date-time", r"^[0-9]{4}-(?:0[13-9]-..|1[0-2]-..|02-[01].|02-2[0-8]).[0-9]{2}:[0-9]{2}:[0-5]"),
    ("time", r"^[0-9]{2}:[0-9]{2}:[0-5]"),
];
const NO_LEAP_DAY: &str = r"^[0-9]{4}-(?:0[13-9]|1[0-2]|02-[01]|02-2[0-8])";
/// Formats of JSON Schema that are not supported. All others, such as `password`, are annotations.
pub(super) const UNSUPPORTED_FORMATS: [&str; 9] = [
    "idn-email",
    "idn-hostname",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

/// Keywords whose value is a number or a list of values, in which large integers would be rounded.
pub(super) const NUMBERS: [&str; 7] =
    ["const", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
