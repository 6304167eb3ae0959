//! Statements: what they do to the names of a configuration.

use super::ast::{Alias, Clause, Expr, ExprKind, Statement, StatementKind};
use super::fault::Fault;
use super::machine::Machine;
use super::value::Value;

/// What is executed after a statement.
enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

impl Machine {
    /// Executes the statements of a file.
    pub(super) fn run_file(&mut self, statements: &[Statement]) -> Result<(), Fault> {
        self.run(statements).map(drop)
    }

    /// Executes the statements of a function, and gives what it returns.
    pub(super) fn run_function(&mut self, statements: &[Statement]) -> Result<Value, Fault> {
        match self.run(statements)? {
            Flow::Return(value) => Ok(value),
            Flow::Next | Flow::Break | Flow::Continue => Ok(Value::None),
        }
    }

    fn run(&mut self, statements: &[Statement]) -> Result<Flow, Fault> {
        for statement in statements {
            match self.deeper(statement.line, |machine| machine.execute(statement))? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn execute(&mut self, statement: &Statement) -> Result<Flow, Fault> {
        let line = statement.line;
        match &statement.kind {
            StatementKind::Assign(targets, value) => {
                let value = self.evaluate(value)?;
                for target in targets {
                    self.unpack(target, value.clone())?;
                }
            }
            StatementKind::Augment(target, operator, value) => self.augment(target, operator, value)?,
            StatementKind::Expression(value) => drop(self.evaluate(value)?),
            StatementKind::For(clause, body) => return self.for_each(clause, body),
            StatementKind::If(branches, otherwise) => return self.first_true(branches, otherwise),
            StatementKind::ReadBase(body) => return self.run(body),
            StatementKind::With(value, target, body) => {
                let value = self.evaluate(value)?;
                if !matches!(value, Value::File(_)) {
                    return Err(Fault::new(line, format!("`with` of {} is not supported", value.kind())));
                }
                if let Some(target) = target {
                    self.unpack(target, value)?;
                }
                return self.run(body);
            }
            StatementKind::Import(names) => self.import_modules(names),
            StatementKind::From(import) => self.import(import, line)?,
            StatementKind::Define(definition) => {
                self.assign(&definition.name, Value::Function(definition.clone(), self.module));
            }
            StatementKind::Class(name) => self.assign(name, Value::Opaque(name.clone())),
            StatementKind::Delete(targets) => {
                for target in targets {
                    self.delete(target)?;
                }
            }
            StatementKind::Assert(condition) => {
                let condition = self.evaluate(condition)?;
                if !self.heap.truth(&condition) {
                    return Err(Fault::new(line, "an `assert` does not hold"));
                }
            }
            StatementKind::Raise => return Err(Fault::new(line, "the configuration raises an error here")),
            StatementKind::Return(value) => {
                let value = value.as_ref().map(|value| self.evaluate(value)).transpose()?;
                return Ok(Flow::Return(value.unwrap_or(Value::None)));
            }
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
            StatementKind::Pass => {}
        }
        Ok(Flow::Next)
    }

    fn first_true(
        &mut self,
        branches: &[(Expr, Vec<Statement>)],
        otherwise: &[Statement],
    ) -> Result<Flow, Fault> {
        for (condition, body) in branches {
            let condition = self.evaluate(condition)?;
            if self.heap.truth(&condition) {
                return self.run(body);
            }
        }
        self.run(otherwise)
    }

    /// `import a.b` gives the name `a`, `import a.b as c` the name `c`.
    fn import_modules(&mut self, names: &[Alias]) {
        for Alias { name, alias } in names {
            let first = name.split('.').next().unwrap_or_default();
            match alias {
                Some(alias) => self.assign(alias, Value::Type(name.clone())),
                None => self.assign(&first.into(), Value::Type(first.into())),
            }
        }
    }

    fn for_each(&mut self, clause: &Clause, body: &[Statement]) -> Result<Flow, Fault> {
        let iterable = self.evaluate(&clause.iterable)?;
        let items = self.heap.items(&iterable);
        for item in items.map_err(|message| Fault::new(clause.iterable.line, message))? {
            self.unpack(&clause.target, item)?;
            match self.run(body)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
        Ok(Flow::Next)
    }

    /// `target += value`. A list is extended in place, as in Python.
    fn augment(&mut self, target: &Expr, operator: &str, value: &Expr) -> Result<(), Fault> {
        let at = |message: String| Fault::new(target.line, message);
        let old = self.evaluate(target)?;
        let added = self.evaluate(value)?;
        if let (Value::List(place), "+") = (&old, operator) {
            let items = self.heap.items(&added).map_err(at)?;
            self.heap.lists[*place].extend(items);
            return Ok(());
        }
        let new = self.heap.operate(&old, operator, &added).map_err(at)?;
        self.unpack(target, new)
    }

    fn delete(&mut self, target: &Expr) -> Result<(), Fault> {
        match &target.kind {
            ExprKind::Name(name) => self.forget(name).map_err(|message| Fault::new(target.line, message)),
            ExprKind::Postfix(base, steps) => self.store(base, steps, None),
            _ => Err(Fault::new(target.line, "this target of `del` is not supported")),
        }
    }
}
