//! The environment that transformers renders chat templates in (`chat_template_utils.py`).

use minijinja::formatting::{FormatStyle, format};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, Tuple, ValueKind, ValueOrKwargs, from_args};
use minijinja::{AutoEscape, Environment, Error, Output, State, Value, escape_formatter};

use super::super::python_text::text;
use super::arguments::{bind, check_widths, items, refused, required_text};
use super::filters::escaped;
use super::operators::{JOIN, REMAINDER, SUM};
use super::{filters, methods, strftime};

/// Trimmed blocks, loop controls, Python's methods, filters and texts, `raise_exception` and `strftime_now`.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are jinja's own"));
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(print);
    environment.set_unknown_method_callback(methods::call);
    environment.remove_global("debug");
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment.add_function("cycler", |items: Rest<Value>| minijinja_contrib::globals::cycler(items.0));
    environment.add_function("joiner", minijinja_contrib::globals::joiner);
    environment.add_function("dict", dict);
    environment.add_function(JOIN, join);
    environment.add_function(REMAINDER, remainder);
    environment.add_function(SUM, sum);
    filters::add_to(&mut environment);
    environment
}

fn print(output: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match value.kind() {
        // It holds an error, which minijinja reports.
        ValueKind::Invalid => escape_formatter(output, state, value),
        _ if *state.auto_escape() == AutoEscape::Html => {
            output.write_str(&escaped(value)).map_err(Error::from)
        }
        _ => output.write_str(&text(value)).map_err(Error::from),
    }
}

fn raise_exception(message: Value) -> Result<Value, Error> {
    Err(refused(text(&message)))
}

fn strftime_now(arguments: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [format] = bind(&arguments.into_values(), ["format"])?;
    Ok(strftime::now(&required_text(format, "format")?))
}

/// `dict(pairs, key=value)`, of a mapping or of pairs.
fn dict(arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (given, named): (Option<Value>, Kwargs) = from_args(&arguments)?;
    let mut pairs = Vec::new();
    for item in given.as_ref().map_or(Ok(Vec::new()), items)? {
        let is_mapping = given.as_ref().is_some_and(|given| given.kind() == ValueKind::Map);
        match (is_mapping, given.as_ref(), items(&item).as_deref()) {
            (true, Some(given), _) => pairs.push((item.clone(), given.get_item(&item)?)),
            (_, _, Ok([key, value])) => pairs.push((key.clone(), value.clone())),
            _ => return Err(refused(format!("dict: found {}, expected pairs", item.kind()))),
        }
    }
    for name in named.args() {
        pairs.push((Value::from(name), named.peek(name)?));
    }
    Ok(Value::from_pairs(pairs))
}

/// `a ~ b ~ c`.
fn join(parts: Rest<Value>) -> String {
    parts.iter().map(text).collect()
}

/// `left + right`, where text that is not safe is escaped when the other one is: `Markup` of Python's MarkupSafe.
fn sum(left: Value, right: Value) -> Result<Value, Error> {
    match (left.kind(), right.kind()) {
        (ValueKind::String, ValueKind::String) if left.is_safe() || right.is_safe() => {
            Ok(Value::from_safe_string(escaped(&left) + &escaped(&right)))
        }
        (ValueKind::String, ValueKind::String) => Ok(Value::from(text(&left) + &text(&right))),
        (ValueKind::Number | ValueKind::Bool, ValueKind::Number | ValueKind::Bool) => {
            if is_float(&left) || is_float(&right) {
                return Ok(Value::from(float(&left)? + float(&right)?));
            }
            let sum = i128::try_from(left)?.checked_add(i128::try_from(right)?);
            sum.map(Value::from).ok_or_else(|| refused("a sum beyond 128 bits"))
        }
        (ValueKind::Seq | ValueKind::Iterable, ValueKind::Seq | ValueKind::Iterable)
            if left.is_tuple() == right.is_tuple() =>
        {
            let all = [items(&left)?, items(&right)?].concat();
            Ok(if left.is_tuple() { Value::from(Tuple::from(all)) } else { Value::from(all) })
        }
        (left, right) => Err(refused(format!("found {left} + {right}, expected two of a kind"))),
    }
}

fn is_float(value: &Value) -> bool {
    value.kind() == ValueKind::Number && !value.is_integer()
}

/// A number as a float; booleans are numbers to Python.
fn float(value: &Value) -> Result<f64, Error> {
    match value.kind() {
        ValueKind::Bool => Ok(f64::from(u8::from(value.is_true()))),
        _ => f64::try_from(value.clone()),
    }
}

/// An argument of `%`: lists as Python writes them. A dict stays one, for `%(key)s`.
fn printable(value: &Value) -> Value {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Value::from(text(value)),
        _ => value.clone(),
    }
}

/// `left % right`: a text with its arguments filled in, or the remainder of a division that rounds down.
fn remainder(left: Value, right: Value) -> Result<Value, Error> {
    if let Some(form) = left.as_str() {
        let arguments = if right.is_tuple() { items(&right)? } else { vec![right] };
        let arguments: Vec<Value> = arguments.iter().map(printable).collect();
        check_widths(form, &arguments)?;
        return format(FormatStyle::Printf, form, &arguments).map(Value::from);
    }
    let is_number = |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    if !is_number(&left) || !is_number(&right) {
        return Err(refused(format!("found {} % {}, expected numbers or a text", left.kind(), right.kind())));
    }
    let zero = || refused("remainder of a division by zero");
    if is_float(&left) || is_float(&right) {
        let (left, right) = (float(&left)?, float(&right)?);
        if right == 0.0 {
            return Err(zero());
        }
        let rest = left % right;
        let is_apart = rest != 0.0 && (rest < 0.0) != (right < 0.0);
        return Ok(Value::from(if is_apart { rest + right } else { rest.abs().copysign(right) }));
    }
    let (left, right) = (i128::try_from(left)?, i128::try_from(right)?);
    let rest = left.checked_rem(right).ok_or_else(zero)?;
    let is_apart = rest != 0 && (rest < 0) != (right < 0);
    Ok(Value::from(if is_apart { rest + right } else { rest }))
}
