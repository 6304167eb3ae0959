//! Expressions: from trees to values.

use std::rc::Rc;

use super::ast::{Call, Clause, Comprehension, Expr, ExprKind, Piece, Step};
use super::builtins;
use super::fault::Fault;
use super::machine::{Arguments, Machine, Names};
use super::value::{Entries, Key, Value};

impl Machine {
    /// Computes an expression.
    pub(super) fn evaluate(&mut self, expr: &Expr) -> Result<Value, Fault> {
        self.deeper(expr.line, |machine| machine.value_of(expr))
    }

    fn value_of(&mut self, expr: &Expr) -> Result<Value, Fault> {
        let at = |message: String| Fault::new(expr.line, message);
        match &expr.kind {
            ExprKind::None => Ok(Value::None),
            ExprKind::Bool(truth) => Ok(Value::Bool(*truth)),
            ExprKind::Int(number) => Ok(Value::Int(*number)),
            ExprKind::Float(number) => Ok(Value::Float(*number)),
            ExprKind::Text(text) => Ok(Value::Text(text.clone())),
            ExprKind::Lambda => Ok(Value::Opaque("lambda".into())),
            ExprKind::Name(name) => self.name(name).map_err(at),
            ExprKind::Format(pieces) => {
                let text = self.pieces(pieces)?;
                self.heap.text(text).map_err(at)
            }
            ExprKind::List(items) => {
                let items = self.all(items)?;
                self.heap.list(items).map_err(at)
            }
            ExprKind::Tuple(items) => {
                let items = self.all(items)?;
                self.heap.tuple(items).map_err(at)
            }
            ExprKind::Dict(entries) => self.dict(entries),
            ExprKind::Starred(_) => Err(at("`*` is supported only in lists, tuples and calls".to_owned())),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension, expr.line),
            ExprKind::Postfix(base, steps) => self.postfix(base, steps),
            ExprKind::Chain(first, rest) => self.chain(first, rest),
            ExprKind::Unary(operator, operand) => {
                let value = self.evaluate(operand)?;
                match *operator {
                    "not" => Ok(Value::Bool(!self.heap.truth(&value))),
                    sign => self.heap.operate(&Value::Int(0), sign, &value).map_err(at),
                }
            }
            ExprKind::And(parts) => self.until(parts, false),
            ExprKind::Or(parts) => self.until(parts, true),
            ExprKind::Compare(first, rest) => self.comparisons(first, rest),
            ExprKind::Conditional(conditional) => {
                let condition = self.evaluate(&conditional.condition)?;
                let chosen = if self.heap.truth(&condition) { &conditional.yes } else { &conditional.no };
                self.evaluate(chosen)
            }
        }
    }

    fn chain(&mut self, first: &Expr, rest: &[(&'static str, Expr)]) -> Result<Value, Fault> {
        let mut value = self.evaluate(first)?;
        for (operator, right) in rest {
            let line = right.line;
            let right = self.evaluate(right)?;
            let result = self.heap.operate(&value, operator, &right);
            value = result.map_err(|message| Fault::new(line, message))?;
        }
        Ok(value)
    }

    fn comparisons(&mut self, first: &Expr, rest: &[(&'static str, Expr)]) -> Result<Value, Fault> {
        let mut left = self.evaluate(first)?;
        for (operator, right) in rest {
            let line = right.line;
            let right = self.evaluate(right)?;
            let holds = self.heap.compare(&left, operator, &right);
            if !holds.map_err(|message| Fault::new(line, message))? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn name(&self, name: &Rc<str>) -> Result<Value, String> {
        if let Some(value) = self.find(name) {
            return Ok(value.clone());
        }
        if builtins::is_known(name) {
            return Ok(Value::Type(name.clone()));
        }
        if &**name == "__file__" {
            return Ok(Value::text(self.modules[self.module].path.to_string_lossy().into_owned()));
        }
        Err(format!("name `{name}` is not defined"))
    }

    /// The first of the values that is as true as `truth`, else the last.
    fn until(&mut self, parts: &[Expr], truth: bool) -> Result<Value, Fault> {
        let mut value = Value::None;
        for part in parts {
            value = self.evaluate(part)?;
            if self.heap.truth(&value) == truth {
                break;
            }
        }
        Ok(value)
    }

    /// Computes the items of a list; `*value` stands for all of its items.
    fn all(&mut self, items: &[Expr]) -> Result<Vec<Value>, Fault> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match &item.kind {
                ExprKind::Starred(inner) => {
                    let value = self.evaluate(inner)?;
                    let items = self.heap.items(&value);
                    values.extend(items.map_err(|message| Fault::new(item.line, message))?);
                }
                _ => values.push(self.evaluate(item)?),
            }
        }
        Ok(values)
    }

    fn dict(&mut self, entries: &[(Option<Expr>, Expr)]) -> Result<Value, Fault> {
        let mut result = Entries::new();
        let mut line = 1;
        for (key, value) in entries {
            line = value.line;
            let at = |message: String| Fault::new(value.line, message);
            let key = key.as_ref().map(|key| self.evaluate(key)).transpose()?;
            let value = self.evaluate(value)?;
            match (key, value) {
                (Some(key), value) => {
                    result.insert(key.as_key().map_err(at)?, value);
                }
                (None, Value::Dict(place)) => result.extend(self.heap.dicts[place].clone()),
                (None, other) => return Err(at(format!("`**` of {} is not supported", other.kind()))),
            }
        }
        self.heap.dict(result).map_err(|message| Fault::new(line, message))
    }

    fn pieces(&mut self, pieces: &[Piece]) -> Result<String, Fault> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Field { value, is_repr, spec } => {
                    let at = |message: String| Fault::new(value.line, message);
                    let mut found = self.evaluate(value)?;
                    if *is_repr {
                        found = Value::text(self.heap.represent(&found, 0).map_err(at)?);
                    }
                    let spec = self.pieces(spec)?;
                    text.push_str(&self.heap.print_as(&found, &spec).map_err(at)?);
                }
            }
        }
        Ok(text)
    }

    fn comprehension(&mut self, comprehension: &Comprehension, line: usize) -> Result<Value, Fault> {
        let mut found = Vec::new();
        let Some(first) = comprehension.clauses.first() else {
            return Err(Fault::new(line, "no `for`"));
        };
        // Python computes the first iterable outside of the comprehension's own names.
        let outer = self.iterate(first)?;
        self.frames.push(Names::new());
        let result = self.collect(comprehension, 0, outer, &mut found);
        self.frames.pop();
        result?;
        let at = |message: String| Fault::new(line, message);
        if comprehension.key.is_none() {
            return self.heap.list(found.into_iter().map(|(_, value)| value).collect()).map_err(at);
        }
        let mut entries = Entries::new();
        for (key, value) in found {
            entries.insert(key.as_key().map_err(at)?, value);
        }
        self.heap.dict(entries).map_err(at)
    }

    fn iterate(&mut self, clause: &Clause) -> Result<Vec<Value>, Fault> {
        let iterable = self.evaluate(&clause.iterable)?;
        self.heap.items(&iterable).map_err(|message| Fault::new(clause.iterable.line, message))
    }

    /// Goes through the items of the clause at `index` and, for each, through the clauses after it.
    fn collect(
        &mut self,
        comprehension: &Comprehension,
        index: usize,
        items: Vec<Value>,
        found: &mut Vec<(Value, Value)>,
    ) -> Result<(), Fault> {
        let Some(clause) = comprehension.clauses.get(index) else { return Ok(()) };
        'items: for item in items {
            self.unpack(&clause.target, item)?;
            for condition in &clause.conditions {
                let condition = self.evaluate(condition)?;
                if !self.heap.truth(&condition) {
                    continue 'items;
                }
            }
            if let Some(next) = comprehension.clauses.get(index + 1) {
                let items = self.iterate(next)?;
                self.deeper(next.target.line, |machine| {
                    machine.collect(comprehension, index + 1, items, found)
                })?;
                continue;
            }
            let key = comprehension.key.as_ref().map(|key| self.evaluate(key)).transpose()?;
            found.push((key.unwrap_or(Value::None), self.evaluate(&comprehension.value)?));
        }
        Ok(())
    }

    /// Gives the names of a target their values.
    pub(super) fn unpack(&mut self, target: &Expr, value: Value) -> Result<(), Fault> {
        let at = |message: String| Fault::new(target.line, message);
        match &target.kind {
            ExprKind::Name(name) => self.assign(name, value),
            ExprKind::Tuple(targets) | ExprKind::List(targets) => {
                let items = self.heap.items(&value).map_err(at)?;
                if items.len() != targets.len() {
                    let message = format!("found {} values for {} names", items.len(), targets.len());
                    return Err(at(message));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.deeper(target.line, |machine| machine.unpack(target, item))?;
                }
            }
            ExprKind::Postfix(base, steps) => self.store(base, steps, Some(value))?,
            _ => return Err(at("this target of an assignment is not supported".to_owned())),
        }
        Ok(())
    }

    /// Computes a value and what follows it.
    pub(super) fn postfix(&mut self, base: &Expr, steps: &[Step]) -> Result<Value, Fault> {
        let at = |message: String| Fault::new(base.line, message);
        let mut value = self.evaluate(base)?;
        let mut at_step = 0;
        while let Some(step) = steps.get(at_step) {
            at_step += 1;
            value = match (step, steps.get(at_step)) {
                (Step::Attribute(name), Some(Step::Call(call))) if !matches!(value, Value::Type(_)) => {
                    at_step += 1;
                    let arguments = self.arguments(call)?;
                    self.heap.method(&value, name, arguments).map_err(at)?
                }
                (Step::Attribute(name), _) => self.attribute(&value, name).map_err(at)?,
                (Step::Index(index), _) => {
                    let index = self.evaluate(index)?;
                    self.heap.index(&value, &index).map_err(at)?
                }
                (Step::Slice(start, stop), _) => {
                    let start = start.as_ref().map(|start| self.evaluate(start)).transpose()?;
                    let stop = stop.as_ref().map(|stop| self.evaluate(stop)).transpose()?;
                    self.heap.slice(&value, start, stop).map_err(at)?
                }
                (Step::Call(call), _) => {
                    let arguments = self.arguments(call)?;
                    self.call(value, arguments, base.line)?
                }
            };
        }
        Ok(value)
    }

    /// `value.name`, which is an entry of a dictionary (`ConfigDict`) or a longer dotted name.
    fn attribute(&mut self, value: &Value, name: &Rc<str>) -> Result<Value, String> {
        match value {
            Value::Type(module) => self.heap.text(format!("{module}.{name}")).map(|text| match text {
                Value::Text(text) => Value::Type(text),
                other => other,
            }),
            Value::Dict(_) => self.heap.index(value, &Value::Text(name.clone())),
            other => Err(format!("`.{name}` of {} is not supported", other.kind())),
        }
    }

    fn arguments(&mut self, call: &Call) -> Result<Arguments, Fault> {
        let positional = self.all(&call.positional)?;
        let mut named = Names::new();
        for (name, value) in &call.named {
            let line = value.line;
            let value = self.evaluate(value)?;
            match (name, value) {
                (Some(name), value) => {
                    named.insert(name.clone(), value);
                }
                (None, Value::Dict(place)) => {
                    for (key, value) in &self.heap.dicts[place] {
                        let Key::Text(name) = key else {
                            return Err(Fault::new(line, "`**`: found a key that is not a string"));
                        };
                        named.insert(name.clone(), value.clone());
                    }
                }
                (None, other) => {
                    return Err(Fault::new(line, format!("`**` of {} is not supported", other.kind())));
                }
            }
        }
        Ok(Arguments { positional, named })
    }
}
