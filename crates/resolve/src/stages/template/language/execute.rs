//! Running a parsed template, by the rules of Go's `text/template/exec.go`.

use super::{
    functions::{self, Function},
    syntax::{Branch, Command, Control, Node, Operand, Pipeline, Span, Term},
    value::Value,
};

mod fields;

/// What stopped a template, and the part that was running.
pub(super) struct Stopped {
    pub(super) span: Span,
    pub(super) problem: String,
}

/// Runs `nodes` with `data` as `.` and `$`.
pub(super) fn run(source: &str, nodes: &[Node], data: &Value) -> Result<String, Stopped> {
    let mut run = Run {
        source,
        out: String::new(),
        variables: vec![("$".to_owned(), data.clone())],
        rounds: 0,
    };
    run.nodes(data, nodes)?;
    Ok(run.out)
}

struct Run<'a> {
    source: &'a str,
    out: String,
    variables: Vec<(String, Value)>,
    /// Rounds of all `range` bodies so far.
    rounds: usize,
}

/// Whether to go on with the list of nodes.
#[derive(PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl Run<'_> {
    fn nodes(&mut self, dot: &Value, nodes: &[Node]) -> Result<Flow, Stopped> {
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Action(pipeline) => {
                    let (value, span) = self.pipeline(dot, pipeline)?;
                    if pipeline.variables.is_empty() {
                        self.print(&value, span)?;
                    } else {
                        self.store(pipeline, &value);
                    }
                }
                Node::Branch(branch) => {
                    let variables = self.variables.len();
                    let flow = self.branch(dot, branch)?;
                    self.variables.truncate(variables);
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Value, span: Span) -> Result<(), Stopped> {
        self.out.push_str(&value.to_string());
        if self.out.len() > OUTPUT {
            return Err(stopped(span, format!("more than {OUTPUT} bytes of output")));
        }
        Ok(())
    }

    fn branch(&mut self, dot: &Value, branch: &Branch) -> Result<Flow, Stopped> {
        let (value, span) = self.pipeline(dot, &branch.pipeline)?;
        match branch.control {
            Control::If | Control::With => {
                self.store(&branch.pipeline, &value);
                if !value.is_true() {
                    return self.nodes(dot, &branch.otherwise);
                }
                let inner = if branch.control == Control::With {
                    &value
                } else {
                    dot
                };
                self.nodes(inner, &branch.body)
            }
            Control::Range => self.range(dot, branch, &value, span),
        }
    }

    fn range(
        &mut self,
        dot: &Value,
        branch: &Branch,
        value: &Value,
        span: Span,
    ) -> Result<Flow, Stopped> {
        let mut elements: Box<dyn Iterator<Item = (Value, Value)>> = match value {
            Value::Nothing => Box::new(std::iter::empty()),
            Value::List(list) => Box::new((0_i64..).map(Value::Int).zip(list.iter().cloned())),
            Value::Map(map) => Box::new(
                map.iter()
                    .map(|(key, value)| (Value::text(key), value.clone())),
            ),
            Value::Int(count) => {
                Box::new((0..*count).map(|index| (Value::Int(index), Value::Int(index))))
            }
            Value::Uint(count) => {
                Box::new((0..*count).map(|index| (Value::Uint(index), Value::Uint(index))))
            }
            other => {
                return Err(stopped(span, format!("range can't iterate over {other}")));
            }
        };
        let mut empty = true;
        for (key, element) in &mut elements {
            empty = false;
            self.rounds += 1;
            if self.rounds > ROUNDS {
                return Err(stopped(span, format!("more than {ROUNDS} rounds of range")));
            }
            let variables = self.variables.len();
            match branch.pipeline.variables.as_slice() {
                [] => {}
                [one] => self.set(one, &element, branch.pipeline.assigns),
                [first, second, ..] => {
                    self.set(first, &key, branch.pipeline.assigns);
                    self.set(second, &element, branch.pipeline.assigns);
                }
            }
            let flow = self.nodes(&element, &branch.body)?;
            self.variables.truncate(variables);
            if flow == Flow::Break {
                break;
            }
        }
        if empty {
            self.nodes(dot, &branch.otherwise)
        } else {
            Ok(Flow::Next)
        }
    }

    fn store(&mut self, pipeline: &Pipeline, value: &Value) {
        for name in &pipeline.variables {
            self.set(name, value, pipeline.assigns);
        }
    }

    fn set(&mut self, name: &str, value: &Value, assigns: bool) {
        let known = self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| known == name);
        match known {
            Some((_, slot)) if assigns => *slot = value.clone(),
            _ => self.variables.push((name.to_owned(), value.clone())),
        }
    }

    /// The value of a pipeline and the part of the source it comes from.
    fn pipeline(&mut self, dot: &Value, pipeline: &Pipeline) -> Result<(Value, Span), Stopped> {
        let mut last = None;
        let mut span = Span { start: 0, end: 0 };
        for command in &pipeline.commands {
            last = Some(self.command(dot, command, last.take())?);
            span = command.span;
        }
        Ok((last.unwrap_or(Value::Nothing), span))
    }

    /// Evaluates a command; `last` is the value piped into it.
    fn command(
        &mut self,
        dot: &Value,
        command: &Command,
        last: Option<Value>,
    ) -> Result<Value, Stopped> {
        let Some((first, arguments)) = command.operands.split_first() else {
            return Err(stopped(command.span, "empty command".to_owned()));
        };
        match &first.term {
            Term::Field(fields) => {
                self.fields(dot, dot.clone(), fields, arguments, last, command.span)
            }
            Term::Variable(name, fields) => {
                let value = self.variable(name, first.span)?;
                if fields.is_empty() {
                    self.no_arguments(first, arguments, last.as_ref())?;
                    return Ok(value);
                }
                self.fields(dot, value, fields, arguments, last, command.span)
            }
            Term::Group(pipeline, fields) => {
                if fields.is_empty() {
                    self.no_arguments(first, arguments, last.as_ref())?;
                    return Ok(self.pipeline(dot, pipeline)?.0);
                }
                let (value, _) = self.pipeline(dot, pipeline)?;
                self.fields(dot, value, fields, arguments, last, command.span)
            }
            Term::Function(function) => {
                self.function(dot, *function, arguments, last, command.span)
            }
            Term::Nil => Err(stopped(first.span, "nil is not a command".to_owned())),
            Term::Dot | Term::Literal(_) => {
                self.no_arguments(first, arguments, last.as_ref())?;
                self.operand(dot, first)
            }
        }
    }

    fn function(
        &mut self,
        dot: &Value,
        function: Function,
        arguments: &[Operand],
        last: Option<Value>,
        span: Span,
    ) -> Result<Value, Stopped> {
        // `and` and `or` stop at the argument that decides, and never evaluate the rest.
        if let Some(decisive) = function.stops_at() {
            let mut value = None;
            for argument in arguments {
                let argument = self.operand(dot, argument)?;
                if argument.is_true() == decisive {
                    return Ok(argument);
                }
                value = Some(argument);
            }
            let problem = || {
                let name = function.name();
                stopped(
                    span,
                    format!("wrong number of args for {name}: want at least 1 got 0"),
                )
            };
            return last.or(value).ok_or_else(problem);
        }
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            values.push(self.operand(dot, argument)?);
        }
        values.extend(last);
        functions::call(function, &values).map_err(|problem| stopped(span, problem))
    }

    /// The value of an operand that is not the first of its command.
    fn operand(&mut self, dot: &Value, operand: &Operand) -> Result<Value, Stopped> {
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Value::Nothing),
            Term::Literal(literal) => Ok(literal.value()),
            Term::Field(fields) => self.fields(dot, dot.clone(), fields, &[], None, operand.span),
            Term::Variable(name, fields) => {
                let value = self.variable(name, operand.span)?;
                self.fields(dot, value, fields, &[], None, operand.span)
            }
            Term::Group(pipeline, fields) => {
                let (value, _) = self.pipeline(dot, pipeline)?;
                self.fields(dot, value, fields, &[], None, operand.span)
            }
            Term::Function(function) => self.function(dot, *function, &[], None, operand.span),
        }
    }

    fn variable(&self, name: &str, span: Span) -> Result<Value, Stopped> {
        self.variables
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .ok_or_else(|| stopped(span, format!("undefined variable: {name}")))
    }

    fn no_arguments(
        &self,
        first: &Operand,
        arguments: &[Operand],
        last: Option<&Value>,
    ) -> Result<(), Stopped> {
        if arguments.is_empty() && last.is_none() {
            return Ok(());
        }
        let text = &self.source[first.span.start..first.span.end];
        Err(stopped(
            first.span,
            format!("can't give argument to non-function {text}"),
        ))
    }
}

fn stopped(span: Span, problem: String) -> Stopped {
    Stopped { span, problem }
}

/// Most bytes a template may write: a record does not fit in more than a message.
const OUTPUT: usize = 65_535;

/// Most rounds of `range` in one run, so that a slip such as `range 1000000000` cannot hold a
/// worker.
const ROUNDS: usize = 65_535;
