//! Calls of functions, those of the configurations themselves included.

use std::mem;

use super::ast::Definition;
use super::fault::Fault;
use super::machine::{Arguments, Machine, Names};
use super::value::Value;

impl Machine {
    /// Calls a function.
    pub(super) fn call(
        &mut self,
        function: Value,
        arguments: Arguments,
        line: usize,
    ) -> Result<Value, Fault> {
        match function {
            Value::Type(name) => {
                self.call_named(&name, arguments).map_err(|message| Fault::new(line, message))
            }
            Value::Function(definition, module) => {
                let frames = mem::take(&mut self.frames);
                let caller = mem::replace(&mut self.module, module);
                let result = self.deeper(line, |machine| machine.call_defined(&definition, arguments, line));
                self.frames = frames;
                self.module = caller;
                result.map_err(|fault| fault.in_file(&self.modules[module].path))
            }
            other => Err(Fault::new(line, format!("calling {} is not supported", other.kind()))),
        }
    }

    fn call_defined(
        &mut self,
        definition: &Definition,
        arguments: Arguments,
        line: usize,
    ) -> Result<Value, Fault> {
        let body = definition.body.as_ref().map_err(Fault::clone)?;
        let name = &definition.name;
        let Arguments { positional, mut named } = arguments;
        if positional.len() > definition.parameters.len() {
            return Err(Fault::new(line, format!("`{name}`: found too many arguments")));
        }
        let mut positional = positional.into_iter();
        let mut frame = Names::new();
        for (parameter, default) in &definition.parameters {
            let given = positional.next().or_else(|| named.shift_remove(parameter));
            let value = match (given, default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.evaluate(default)?,
                (None, None) => {
                    return Err(Fault::new(line, format!("`{name}`: no argument `{parameter}`")));
                }
            };
            frame.insert(parameter.clone(), value);
        }
        if let Some(unknown) = named.keys().next() {
            return Err(Fault::new(line, format!("`{name}`: unknown argument `{unknown}`")));
        }
        self.frames.push(frame);
        self.run_function(body)
    }
}
