//! Operators and comparisons between values.

use super::value::{CHARACTERS, Heap, Value};

impl Heap {
    /// Computes `left operator right`.
    pub(super) fn operate(&mut self, left: &Value, operator: &str, right: &Value) -> Result<Value, String> {
        match (left, operator, right) {
            (Value::Text(a), "+", Value::Text(b)) => self.text(format!("{a}{b}")),
            (Value::List(a), "+", Value::List(b)) => {
                let items = [self.lists[*a].as_slice(), self.lists[*b].as_slice()].concat();
                self.list(items)
            }
            (Value::Tuple(a), "+", Value::Tuple(b)) => {
                let items = [self.lists[*a].as_slice(), self.lists[*b].as_slice()].concat();
                self.tuple(items)
            }
            (Value::Text(text), "%", value) => {
                let text = text.clone();
                self.percent(&text, value)
            }
            (Value::Text(_) | Value::List(_) | Value::Tuple(_), "*", Value::Int(times)) => {
                self.repeat(left, *times)
            }
            (Value::Int(times), "*", Value::Text(_) | Value::List(_) | Value::Tuple(_)) => {
                self.repeat(right, *times)
            }
            (Value::Int(_) | Value::Bool(_), _, Value::Int(_) | Value::Bool(_)) => {
                whole(left.as_int()?, operator, right.as_int()?)
            }
            _ => match (left.as_float(), right.as_float()) {
                (Ok(left), Ok(right)) => float(left, operator, right),
                _ => {
                    Err(format!("`{operator}` between {} and {} is not supported", left.kind(), right.kind()))
                }
            },
        }
    }

    fn repeat(&mut self, value: &Value, times: i64) -> Result<Value, String> {
        let times = usize::try_from(times).unwrap_or(0);
        match value {
            Value::Text(text) => {
                self.spend(text.len().saturating_mul(times) / CHARACTERS)?;
                Ok(Value::text(text.repeat(times)))
            }
            Value::List(place) | Value::Tuple(place) => {
                let items = self.lists[*place].clone();
                self.spend(items.len().saturating_mul(times))?;
                let items: Vec<_> =
                    std::iter::repeat_n(&items, times).flat_map(|items| items.iter().cloned()).collect();
                if matches!(value, Value::List(_)) { self.list(items) } else { self.tuple(items) }
            }
            other => Err(format!("repeating {} is not supported", other.kind())),
        }
    }

    /// Compares two values.
    pub(super) fn compare(&mut self, left: &Value, operator: &str, right: &Value) -> Result<bool, String> {
        match operator {
            "==" => self.equal(left, right, 0),
            "!=" => self.equal(left, right, 0).map(|equal| !equal),
            "in" => self.contains(right, left),
            "not in" => self.contains(right, left).map(|contains| !contains),
            "is" | "is not" => {
                let same = match (left, right) {
                    (Value::None, other) | (other, Value::None) => matches!(other, Value::None),
                    (Value::Bool(left), Value::Bool(right)) => left == right,
                    _ => return Err(format!("`{operator}` is supported only for None and truth values")),
                };
                Ok(same == (operator == "is"))
            }
            _ => {
                let order = match (left, right) {
                    (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
                    (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
                    _ => left.as_float()?.partial_cmp(&right.as_float()?),
                };
                Ok(order.is_some_and(|order| match operator {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                }))
            }
        }
    }

    fn contains(&mut self, whole: &Value, part: &Value) -> Result<bool, String> {
        match whole {
            Value::Text(text) => {
                self.spend(text.len() / CHARACTERS + 1)?;
                Ok(text.contains(part.as_text()?))
            }
            Value::Dict(place) => Ok(self.dicts[*place].contains_key(&part.as_key()?)),
            other => {
                for item in self.items(other)? {
                    if self.equal(&item, part, 0)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

/// Arithmetic of whole numbers. Results of more than 64 bits are refused.
#[expect(clippy::cast_precision_loss, reason = "Python's `/` rounds too")]
fn whole(left: i64, operator: &str, right: i64) -> Result<Value, String> {
    let result = match operator {
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        "/" => return float(left as f64, operator, right as f64),
        // Python rounds towards minus infinity.
        "//" if right > 0 => Some(left.div_euclid(right)),
        "%" if right > 0 => Some(left.rem_euclid(right)),
        "**" if right >= 0 => u32::try_from(right).ok().and_then(|right| left.checked_pow(right)),
        _ => return Err(format!("`{left} {operator} {right}` is not supported")),
    };
    result.map(Value::Int).ok_or_else(|| format!("`{left} {operator} {right}` has more than 64 bits"))
}

fn float(left: f64, operator: &str, right: f64) -> Result<Value, String> {
    let result = match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right != 0.0 => left / right,
        "**" => left.powf(right),
        _ => return Err(format!("`{left} {operator} {right}` is not supported")),
    };
    if !result.is_finite() {
        return Err(format!("`{left} {operator} {right}` is not finite"));
    }
    Ok(Value::Float(result))
}
