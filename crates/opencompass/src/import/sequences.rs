//! Python's own functions of sequences and of single values.

use std::cmp::Ordering;
use std::iter;
use std::slice;

use super::machine::Machine;
use super::value::Value;

impl Machine {
    /// `sum`, `zip`, `range`, `enumerate`, `sorted`, `reversed` and `itertools.product`. `start` is the argument of
    /// that name.
    pub(super) fn sequence(
        &mut self,
        name: &str,
        arguments: &[Value],
        start: Option<Value>,
    ) -> Result<Value, String> {
        match (name, arguments) {
            ("range", numbers) => self.range(numbers),
            ("sum", [items, rest @ ..]) if rest.len() <= 1 => {
                let first = rest.first().cloned().or(start).unwrap_or(Value::Int(0));
                self.sum(items, first)
            }
            ("enumerate", [items, rest @ ..]) if rest.len() <= 1 => {
                let first = rest.first().cloned().or(start).unwrap_or(Value::Int(0)).as_int()?;
                let mut pairs = Vec::new();
                for (index, item) in self.heap.items(items)?.into_iter().enumerate() {
                    let index = i64::try_from(index).map_or(first, |index| first.saturating_add(index));
                    pairs.push(self.heap.tuple(vec![Value::Int(index), item])?);
                }
                self.heap.list(pairs)
            }
            ("zip", lists) => {
                let mut columns = Vec::with_capacity(lists.len());
                for list in lists {
                    columns.push(self.heap.items(list)?);
                }
                let count = columns.iter().map(Vec::len).min().unwrap_or(0);
                let mut rows = Vec::with_capacity(count);
                for index in 0..count {
                    let row = columns.iter().map(|column| column[index].clone()).collect();
                    rows.push(self.heap.tuple(row)?);
                }
                self.heap.list(rows)
            }
            ("itertools.product", lists) => self.product(lists),
            ("reversed", [items]) => {
                let mut items = self.heap.items(items)?;
                items.reverse();
                self.heap.list(items)
            }
            ("sorted", [items]) => self.sorted(items),
            _ => Err(format!("`{name}` is not supported with these arguments")),
        }
    }

    /// All tuples of one item of each list; the last list changes fastest.
    fn product(&mut self, lists: &[Value]) -> Result<Value, String> {
        let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
        for list in lists {
            let items = self.heap.items(list)?;
            self.heap.spend(rows.len().saturating_mul(items.len()).saturating_mul(lists.len()))?;
            let mut longer = Vec::new();
            for row in &rows {
                longer.extend(items.iter().map(|item| [row.as_slice(), slice::from_ref(item)].concat()));
            }
            rows = longer;
        }
        let mut tuples = Vec::with_capacity(rows.len());
        for row in rows {
            tuples.push(self.heap.tuple(row)?);
        }
        self.heap.list(tuples)
    }

    fn range(&mut self, numbers: &[Value]) -> Result<Value, String> {
        let numbers: Vec<i64> = numbers.iter().map(Value::as_int).collect::<Result<_, _>>()?;
        let (start, stop, step) = match numbers.as_slice() {
            [stop] => (0, *stop, 1),
            [start, stop] => (*start, *stop, 1),
            [start, stop, step] if *step != 0 => (*start, *stop, *step),
            _ => return Err("range: expected one to three numbers, the step not 0".to_owned()),
        };
        let (first, last, width) = (i128::from(start), i128::from(stop), i128::from(step));
        let count = (last - first + width - width.signum()) / width;
        let count = if count > 0 { usize::try_from(count).unwrap_or(usize::MAX) } else { 0 };
        self.heap.spend(count)?;
        let numbers = iter::successors(Some(start), |number| number.checked_add(step));
        self.heap.list(numbers.take(count).map(Value::Int).collect())
    }

    /// Adds values from left to right. Lists are collected at once, as each sum would be a copy.
    fn sum(&mut self, items: &Value, first: Value) -> Result<Value, String> {
        let items = self.heap.items(items)?;
        if let Value::List(place) = first {
            let mut all = self.heap.lists[place].clone();
            for item in &items {
                let Value::List(place) = item else {
                    return Err(format!("sum: found {}, expected a list", item.kind()));
                };
                self.heap.spend(self.heap.lists[*place].len())?;
                all.extend_from_slice(&self.heap.lists[*place]);
            }
            return self.heap.list(all);
        }
        let mut total = first;
        for item in &items {
            total = self.heap.operate(&total, "+", item)?;
        }
        Ok(total)
    }

    fn sorted(&mut self, items: &Value) -> Result<Value, String> {
        let mut items = self.heap.items(items)?;
        let order = |left: &Value, right: &Value| match (left, right) {
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
            _ => None,
        };
        if items.windows(2).any(|pair| order(&pair[0], &pair[1]).is_none()) {
            return Err("sorted: only strings, or only whole numbers are supported".to_owned());
        }
        items.sort_by(|left, right| order(left, right).unwrap_or(Ordering::Equal));
        self.heap.list(items)
    }

    /// Functions that give a single value.
    pub(super) fn scalar(&mut self, name: &str, arguments: &[Value]) -> Result<Value, String> {
        Ok(match (name, arguments) {
            ("len", [Value::Text(text)]) => self.count(text.chars().count())?,
            ("len", [value]) => {
                let count = self.heap.items(value)?.len();
                self.count(count)?
            }
            ("str", [value]) => {
                let text = self.heap.print(value)?;
                self.heap.text(text)?
            }
            ("repr", [value]) => {
                let text = self.heap.represent(value, 0)?;
                self.heap.text(text)?
            }
            ("bool", [value]) => Value::Bool(self.heap.truth(value)),
            ("all" | "any", [items]) => {
                let items = self.heap.items(items)?;
                let mut truths = items.iter().map(|item| self.heap.truth(item));
                Value::Bool(if name == "all" { truths.all(|truth| truth) } else { truths.any(|truth| truth) })
            }
            ("int", [value]) => to_int(value)?,
            ("float", [Value::Text(text)]) => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                _ => return Err(format!("float: found `{text}`, expected a finite number")),
            },
            ("float", [value]) => Value::Float(value.as_float()?),
            ("round", [Value::Int(number)]) => Value::Int(*number),
            ("round", [value]) => to_int(&Value::Float(value.as_float()?.round_ties_even()))?,
            ("round", [value, Value::Int(digits @ 0..=300)]) => {
                let digits = usize::try_from(*digits).unwrap_or_default();
                let text = format!("{:.digits$}", value.as_float()?);
                Value::Float(text.parse().map_err(|_| format!("round: found {text}"))?)
            }
            ("chr", [Value::Int(number)]) => {
                let character = u32::try_from(*number).ok().and_then(char::from_u32);
                Value::text(character.ok_or("chr: not a character")?.to_string())
            }
            ("ord", [Value::Text(text)]) if text.chars().count() == 1 => {
                Value::Int(text.chars().next().map_or(0, |character| i64::from(u32::from(character))))
            }
            ("min" | "max", [first, rest @ ..]) => {
                let values = if rest.is_empty() { self.heap.items(first)? } else { arguments.to_vec() };
                self.extreme(name, values)?
            }
            ("math.exp", [value]) => finite(value.as_float()?.exp())?,
            ("math.sqrt", [value]) => finite(value.as_float()?.sqrt())?,
            ("math.log", [value]) => finite(value.as_float()?.ln())?,
            _ => return Err(format!("calling `{name}` with these arguments is not supported")),
        })
    }

    /// `min` or `max`; the first of equal values.
    fn extreme(&mut self, name: &str, values: Vec<Value>) -> Result<Value, String> {
        let operator = if name == "min" { "<" } else { ">" };
        let mut values = values.into_iter();
        let mut best = values.next().ok_or_else(|| format!("{name}: found nothing"))?;
        for value in values {
            if self.heap.compare(&value, operator, &best)? {
                best = value;
            }
        }
        Ok(best)
    }

    fn count(&mut self, count: usize) -> Result<Value, String> {
        self.heap.spend(1)?;
        i64::try_from(count).map(Value::Int).map_err(|error| error.to_string())
    }
}

fn finite(number: f64) -> Result<Value, String> {
    if number.is_finite() {
        Ok(Value::Float(number))
    } else {
        Err("found a number that is not finite".to_owned())
    }
}

/// Python's `int`: towards zero.
fn to_int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Text(text) => {
            let number = text.trim().parse::<i64>();
            number.map(Value::Int).map_err(|_| format!("int: found `{text}`, expected a whole number"))
        }
        Value::Float(number) => {
            let whole = format!("{:.0}", number.trunc()).parse::<i64>();
            whole.map(Value::Int).map_err(|_| format!("int: {number} has more than 64 bits"))
        }
        other => other.as_int().map(Value::Int),
    }
}
