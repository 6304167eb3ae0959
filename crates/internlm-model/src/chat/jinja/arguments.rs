//! Arguments of filters and methods as Python binds them, and the errors about them.

use minijinja::value::{Kwargs, from_args};
use minijinja::{Error, ErrorKind, Value};

/// More characters than any prompt is padded by; Python has only its memory for a limit.
const MAX_WIDTH: i64 = 1_000_000;

/// The values of the parameters `names`, by position or by name; `None` for those that are not given.
pub(super) fn bind<const N: usize>(
    arguments: &[Value],
    names: [&str; N],
) -> Result<[Option<Value>; N], Error> {
    let (positional, named): (&[Value], Kwargs) = from_args(arguments)?;
    let mut bound: [Option<Value>; N] = std::array::from_fn(|_| None);
    if positional.len() > N {
        let message = format!("found {} arguments, expected at most {N}", positional.len());
        return Err(Error::new(ErrorKind::TooManyArguments, message));
    }
    for (slot, value) in bound.iter_mut().zip(positional) {
        *slot = Some(value.clone());
    }
    for (slot, name) in bound.iter_mut().zip(names) {
        if named.has(name) {
            let value: Value = named.get(name)?;
            if slot.replace(value).is_some() {
                return Err(refused(format!("found the argument {name} twice, expected it once")));
            }
        }
    }
    named.assert_all_used()?;
    Ok(bound)
}

/// Refuses a text for `%` or `str.format` whose widths and precisions, of its own or out of `arguments`, are more than
/// [`MAX_WIDTH`]: minijinja panics or takes all memory.
pub(super) fn check_widths(form: &str, arguments: &[Value]) -> Result<(), Error> {
    let percent = form.split('%').skip(1).flat_map(|part| {
        let part = part.trim_start_matches(['#', '0', '-', ' ', '+']);
        let end = part.find(|character: char| !character.is_ascii_digit() && character != '.');
        part[..end.unwrap_or(part.len())].split('.')
    });
    let braces = form.split('{').skip(1).filter_map(|part| part.split('}').next()?.split_once(':'));
    let braces = braces.flat_map(|(_, spec)| spec.split(|character: char| !character.is_ascii_digit()));
    let is_wide =
        |digits: &str| !digits.is_empty() && digits.parse().map_or(true, |width: i64| width > MAX_WIDTH);
    if let Some(width) = percent.chain(braces).find(|digits| is_wide(digits)) {
        return Err(refused(format!("found a width of {width}, expected at most {MAX_WIDTH}")));
    }
    // `%*d` and `{:{width}}` take theirs from the arguments.
    let taken = form.contains('*') || form.contains(":{");
    match arguments.iter().find(|value| taken && value.as_i64().is_some_and(|width| width > MAX_WIDTH)) {
        Some(width) => Err(refused(format!("found a width of {width}, expected at most {MAX_WIDTH}"))),
        None => Ok(()),
    }
}

/// An operation that Python refuses too.
pub(super) fn refused(message: impl Into<String>) -> Error {
    let message: String = message.into();
    Error::new(ErrorKind::InvalidOperation, message)
}

/// A whole number, with `default` for what is not given.
pub(super) fn integer(value: Option<Value>, default: i64) -> Result<i64, Error> {
    match value {
        None => Ok(default),
        Some(value) => {
            value.as_i64().ok_or_else(|| refused(format!("found {value}, expected a whole number")))
        }
    }
}

/// A number of characters; a negative one counts as 0, as in Python.
pub(super) fn width_of(value: Option<Value>, default: i64) -> Result<usize, Error> {
    let width = integer(value, default)?;
    if width > MAX_WIDTH {
        return Err(refused(format!("found a width of {width}, expected at most {MAX_WIDTH}")));
    }
    Ok(usize::try_from(width).unwrap_or(0))
}

/// A text that has to be given.
pub(super) fn required_text(value: Option<Value>, name: &str) -> Result<String, Error> {
    match optional_text(value)? {
        Some(text) => Ok(text),
        None => Err(Error::new(ErrorKind::MissingArgument, format!("found no {name}, expected a text"))),
    }
}

/// A text; `None` when it is not given, or none.
pub(super) fn optional_text(value: Option<Value>) -> Result<Option<String>, Error> {
    match value {
        Some(value) if !value.is_none() => match value.as_str() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(refused(format!("found {}, expected a text", value.kind()))),
        },
        _ => Ok(None),
    }
}

/// Whether an optional argument is given and true.
pub(super) fn is_on(value: Option<Value>) -> bool {
    value.is_some_and(|value| value.is_true())
}

/// The items of what Python iterates over.
pub(super) fn items(value: &Value) -> Result<Vec<Value>, Error> {
    if value.is_none() {
        return Err(refused("none is not iterable"));
    }
    value.try_iter()?.checked().collect()
}
