//! The syntax tree of a template.

use std::rc::Rc;

use super::{functions::Function, value::Value};

/// Where a piece of the template stands in its source, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
}

/// One step of a template.
#[derive(Debug)]
pub(super) enum Node {
    /// Text copied to the output.
    Text(String),
    /// `{{ pipeline }}`: its value is printed unless it is stored in variables.
    Action(Pipeline),
    /// `{{ if }}`, `{{ with }}` or `{{ range }}` with their `else`.
    Branch(Branch),
    /// `{{ break }}`
    Break,
    /// `{{ continue }}`
    Continue,
}

/// A control structure.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) control: Control,
    pub(super) pipeline: Pipeline,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Which control structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    If,
    With,
    Range,
}

impl Control {
    pub(super) fn keyword(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range => "range",
        }
    }
}

/// Commands joined by `|`, and the variables that take the result.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) variables: Vec<String>,
    /// `=` rather than `:=`.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

/// A function, method or value and its arguments.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) operands: Vec<Operand>,
    pub(super) span: Span,
}

/// One word of a command.
#[derive(Debug)]
pub(super) struct Operand {
    pub(super) term: Term,
    pub(super) span: Span,
}

/// What a word says.
#[derive(Debug)]
pub(super) enum Term {
    /// `.`
    Dot,
    /// `nil`
    Nil,
    /// A number, string or truth value.
    Literal(Literal),
    /// `.A.B`
    Field(Vec<String>),
    /// `$`, `$x` or `$x.A.B`
    Variable(String, Vec<String>),
    /// The name of a function.
    Function(Function),
    /// `( pipeline )` or `( pipeline ).A.B`
    Group(Box<Pipeline>, Vec<String>),
}

/// A literal, kept in a form that can be shared between threads.
#[derive(Debug)]
pub(super) enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Literal {
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Int(int) => Value::Int(*int),
            Self::Float(float) => Value::Float(*float),
            Self::Text(text) => Value::Text(Rc::from(text.as_str())),
        }
    }
}
