//! Values a template works with, named and printed as Go does.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    rc::Rc,
};

/// A value of the template language; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Nothing: `nil`, or the value of a key that a map lacks.
    Nothing,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Rc<str>),
    List(Rc<Vec<Value>>),
    Map(Rc<BTreeMap<String, Value>>),
    Structure(Rc<Structure>),
}

/// A value with named fields, and with methods that take one string.
pub(crate) struct Structure {
    /// The name of the Go type, for error texts.
    pub(crate) type_name: &'static str,
    /// Fields by name.
    pub(crate) fields: Vec<(&'static str, Value)>,
    /// What the value prints as.
    pub(crate) text: String,
    /// Its only method, if it has one.
    pub(crate) method: Option<Method>,
}

/// The name of a method and what it gives for its argument.
pub(crate) type Method = (&'static str, fn(&str) -> String);

impl fmt::Debug for Structure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct(self.type_name)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl Structure {
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value)
    }
}

impl Value {
    /// A string value.
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    /// A list value.
    pub(crate) fn list(values: Vec<Self>) -> Self {
        Self::List(Rc::new(values))
    }

    /// Whether `if` takes the value for true: neither zero nor empty.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Bool(bool) => *bool,
            Self::Int(int) => *int != 0,
            Self::Uint(uint) => *uint != 0,
            Self::Float(float) => *float != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Structure(_) => true,
        }
    }

    /// The name of the Go type, for error texts.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nothing => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "[]string",
            Self::Map(_) => "map[string]string",
            Self::Structure(structure) => structure.type_name,
        }
    }
}

/// The form `{{ . }}` and `%v` print.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => formatter.write_str("<no value>"),
            Self::Bool(bool) => write!(formatter, "{bool}"),
            Self::Int(int) => write!(formatter, "{int}"),
            Self::Uint(uint) => write!(formatter, "{uint}"),
            Self::Float(float) => formatter.write_str(&general(*float)),
            Self::Text(text) => formatter.write_str(text),
            Self::List(list) => {
                formatter.write_char('[')?;
                for (index, value) in list.iter().enumerate() {
                    let separator = if index == 0 { "" } else { " " };
                    write!(formatter, "{separator}{value}")?;
                }
                formatter.write_char(']')
            }
            Self::Map(map) => {
                formatter.write_str("map[")?;
                for (index, (key, value)) in map.iter().enumerate() {
                    let separator = if index == 0 { "" } else { " " };
                    write!(formatter, "{separator}{key}:{value}")?;
                }
                formatter.write_char(']')
            }
            Self::Structure(structure) => formatter.write_str(&structure.text),
        }
    }
}

/// Go's `%v` of a float: the shortest digits that read back, with an exponent below 1e-4 and from
/// 1e21.
pub(super) fn general(float: f64) -> String {
    if float.is_nan() {
        return "NaN".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = float.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return format!("{float}");
    }
    go_exponent(&format!("{float:e}"))
}

/// Rust writes `1e-7` and `1e21`, Go `1e-07` and `1e+21`.
pub(super) fn go_exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}
