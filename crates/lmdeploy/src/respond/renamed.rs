//! [`renamed`]: an error about a chat request, told in the words of the body that the request was made from.

use crate::Error;

/// What the fields of a chat request are called in another body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'n> {
    /// Paths, or beginnings of paths, with those of the other body; the first one that fits counts.
    pub(super) starts: &'n [(&'static str, &'static str)],
    /// Pieces of paths that are called otherwise, or nothing at all.
    pub(super) pieces: &'n [(&'static str, &'static str)],
}

/// The same error with the path of the other body. Messages of the chat request come from `places`.
pub(super) fn renamed(error: Error, names: Names<'_>, places: &[String]) -> Error {
    match error {
        Error::Refused { status, message, param: Some(param) } => {
            let new = path(&param, names, places);
            let message = match message.strip_prefix(&param) {
                Some(rest) => format!("{new}{rest}"),
                None => message,
            };
            Error::Refused { status, message, param: Some(new) }
        }
        other => other,
    }
}

fn path(old: &str, names: Names<'_>, places: &[String]) -> String {
    if let Some(place) = message_index(old).and_then(|index| places.get(index)) {
        return place.clone();
    }
    let mut new = old.to_owned();
    for (from, to) in names.starts {
        if let Some(rest) = old.strip_prefix(from)
            && (rest.is_empty() || rest.starts_with(['.', '/']))
        {
            new = format!("{to}{rest}");
            break;
        }
    }
    names.pieces.iter().fold(new, |path, (from, to)| path.replacen(from, to, 1))
}

/// The number in `messages.7` and in paths behind it.
fn message_index(path: &str) -> Option<usize> {
    path.strip_prefix("messages.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'static> = Names {
        starts: &[("response_format.json_schema", "text.format"), ("max_tokens", "max_output_tokens")],
        pieces: &[(".function.parameters", ".parameters")],
    };

    fn told(param: &str) -> (String, Option<String>) {
        let places = ["instructions".to_owned(), "input.0".to_owned()];
        let error = renamed(Error::field(param, "found 0, expected 1"), NAMES, &places);
        match error {
            Error::Refused { message, param, .. } => (message, param),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn paths_are_those_of_the_other_body() {
        for (old, new) in [
            ("max_tokens", "max_output_tokens"),
            ("max_tokens_x", "max_tokens_x"),
            ("response_format.json_schema.schema/properties/a", "text.format.schema/properties/a"),
            ("messages.1.content.0.type", "input.0"),
            ("messages.2", "messages.2"),
            ("tools.3.function.parameters/type", "tools.3.parameters/type"),
            ("temperature", "temperature"),
        ] {
            let (message, param) = told(old);
            assert_eq!((message, param.as_deref()), (format!("{new}: found 0, expected 1"), Some(new)));
        }
    }

    #[test]
    fn errors_that_name_no_field_stay_as_they_are() {
        let error = Error::Refused { status: 429, message: "full".to_owned(), param: None };
        assert_eq!(renamed(error, NAMES, &[]).to_string(), "full");
    }
}
