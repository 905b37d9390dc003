//! Fields, methods and elements of maps: what follows a dot.

use super::super::{
    syntax::{Operand, Span},
    value::Value,
};
use super::{Run, Stopped, stopped};

impl Run<'_> {
    /// Follows `.A.B` from `value`; the arguments belong to the last name.
    pub(super) fn fields(
        &mut self,
        dot: &Value,
        mut value: Value,
        fields: &[String],
        arguments: &[Operand],
        last: Option<Value>,
        span: Span,
    ) -> Result<Value, Stopped> {
        let Some((final_field, path)) = fields.split_last() else {
            return Ok(value);
        };
        for field in path {
            value = self.field(dot, &value, field, &[], None, span)?;
        }
        self.field(dot, &value, final_field, arguments, last, span)
    }

    fn field(
        &mut self,
        dot: &Value,
        value: &Value,
        name: &str,
        arguments: &[Operand],
        last: Option<Value>,
        span: Span,
    ) -> Result<Value, Stopped> {
        let has_arguments = !arguments.is_empty() || last.is_some();
        match value {
            Value::Structure(structure) => {
                if let Some((_, method)) = structure.method.filter(|(method, _)| *method == name) {
                    let mut values = Vec::with_capacity(1);
                    for argument in arguments {
                        values.push(self.operand(dot, argument)?);
                    }
                    values.extend(last);
                    return match values.as_slice() {
                        [Value::Text(text)] => Ok(Value::text(method(text))),
                        [other] => {
                            let problem = format!(
                                "wrong type for value; expected string; got {}",
                                other.type_name()
                            );
                            Err(stopped(span, problem))
                        }
                        _ => {
                            let got = values.len();
                            let problem =
                                format!("wrong number of args for {name}: want 1 got {got}");
                            Err(stopped(span, problem))
                        }
                    };
                }
                match structure.field(name) {
                    Some(_) if has_arguments => {
                        let problem =
                            format!("{name} has arguments but cannot be invoked as function");
                        Err(stopped(span, problem))
                    }
                    Some(field) => Ok(field.clone()),
                    None => Err(no_field(span, name, value)),
                }
            }
            Value::Map(_) if has_arguments => Err(stopped(
                span,
                format!("{name} is not a method but has arguments"),
            )),
            Value::Map(map) => Ok(map.get(name).cloned().unwrap_or(Value::Nothing)),
            Value::Nothing => Ok(Value::Nothing),
            _ => Err(no_field(span, name, value)),
        }
    }
}

fn no_field(span: Span, name: &str, value: &Value) -> Stopped {
    stopped(
        span,
        format!("can't evaluate field {name} in type {}", value.type_name()),
    )
}
