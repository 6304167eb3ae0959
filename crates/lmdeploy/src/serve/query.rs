//! [`Query`]: the parameters of a URL, without their escapes.

use crate::{Error, Result};

/// Names and values in the order of the URL.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what is behind the question mark of a URL.
    pub(super) fn read(query: Option<&str>) -> Result<Self> {
        let parameters = query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty());
        let read = parameters.map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let wrong = || Error::field("query", format!("found `{parameter}`, expected escaped UTF-8"));
            Ok((unescaped(name).ok_or_else(wrong)?, unescaped(value).ok_or_else(wrong)?))
        });
        read.collect::<Result<_>>().map(Self)
    }

    /// The values of a parameter in the order of the URL.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that may be there once.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Error::field(name, "found twice, expected once")),
            (value, None) => Ok(value),
        }
    }

    /// Refuses parameters that ask for something that this server does not do; a list may be written with brackets.
    pub(super) fn refuse(&self, names: &[&str], reason: &str) -> Result<()> {
        let mut found = self.0.iter().map(|(found, _)| found.strip_suffix("[]").unwrap_or(found));
        match found.find(|found| names.contains(found)) {
            Some(name) => Err(Error::field(name, format!("expected the parameter to be absent: {reason}"))),
            None => Ok(()),
        }
    }
}

/// A text of a URL without its escapes: `+` is a space, and behind `%` are two hexadecimal digits of a byte. None when
/// it is malformed.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => 16 * digit(rest.next())? + digit(rest.next())?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A hexadecimal digit.
fn digit(byte: Option<u8>) -> Option<u8> {
    let digit = char::from(byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_without_escapes() {
        let query = Query::read(Some("a=1&&b=x%20y+z&c&d=%C3%A4=")).expect("a query");
        for (name, value) in [("a", "1"), ("b", "x y z"), ("c", ""), ("d", "ä=")] {
            assert_eq!(query.one(name).expect("once"), Some(value));
        }
        assert_eq!(query.one("e").expect("never"), None);
        let twice = Query::read(Some("a=1&b=2&a=3")).expect("a query");
        assert_eq!(twice.all("a").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(Query::read(None).expect("no query").one("a").expect("never"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for query in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%+1"] {
            let error = Query::read(Some(query)).expect_err(query).to_string();
            assert_eq!(error, format!("query: found `{query}`, expected escaped UTF-8"));
        }
        let query = Query::read(Some("a=1&a=1&include[]=x")).expect("a query");
        assert_eq!(query.one("a").expect_err("twice").to_string(), "a: found twice, expected once");
        let error = query.refuse(&["include", "b"], "so").expect_err("is there").to_string();
        assert_eq!(error, "include: expected the parameter to be absent: so");
        assert!(query.refuse(&["b"], "so").is_ok());
    }
}
