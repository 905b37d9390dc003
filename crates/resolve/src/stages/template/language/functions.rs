//! The functions a template may call: Go's own, and `parseInt`, which CoreDNS adds.

use super::{
    compare::{Relation, compare, equal},
    format::{printf, quote, sprint, sprintln},
    value::Value,
};

/// A function by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Or,
    Not,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Index,
    Slice,
    Length,
    Print,
    Printf,
    Println,
    ParseInt,
}

impl Function {
    /// The function of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        FUNCTIONS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, function, ..)| *function)
    }

    /// The name the function is called by.
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS
            .iter()
            .find(|(_, function, ..)| *function == self)
            .map_or("", |(name, ..)| name)
    }

    /// For `and` and `or`, the truth of the argument that ends the evaluation.
    pub(super) fn stops_at(self) -> Option<bool> {
        match self {
            Self::And => Some(false),
            Self::Or => Some(true),
            _ => None,
        }
    }

    /// Fewest and most arguments.
    fn arity(self) -> (usize, Option<usize>) {
        FUNCTIONS
            .iter()
            .find(|(_, function, ..)| *function == self)
            .map_or((0, None), |(_, _, least, most)| (*least, *most))
    }
}

const FUNCTIONS: [(&str, Function, usize, Option<usize>); 16] = [
    ("and", Function::And, 1, None),
    ("or", Function::Or, 1, None),
    ("not", Function::Not, 1, Some(1)),
    ("eq", Function::Equal, 1, None),
    ("ne", Function::NotEqual, 2, Some(2)),
    ("lt", Function::Less, 2, Some(2)),
    ("le", Function::LessOrEqual, 2, Some(2)),
    ("gt", Function::Greater, 2, Some(2)),
    ("ge", Function::GreaterOrEqual, 2, Some(2)),
    ("index", Function::Index, 1, None),
    ("slice", Function::Slice, 1, None),
    ("len", Function::Length, 1, Some(1)),
    ("print", Function::Print, 0, None),
    ("printf", Function::Printf, 1, None),
    ("println", Function::Println, 0, None),
    ("parseInt", Function::ParseInt, 3, Some(3)),
];

/// Calls a function with its arguments evaluated.
pub(super) fn call(function: Function, arguments: &[Value]) -> Result<Value, String> {
    let name = function.name();
    let (least, most) = function.arity();
    let got = arguments.len();
    if most == Some(least) && got != least {
        return Err(format!(
            "wrong number of args for {name}: want {least} got {got}"
        ));
    }
    let (Some(first), true) = (arguments.first(), got >= least) else {
        if least == 0 {
            return Ok(Value::text(if function == Function::Println {
                "\n"
            } else {
                ""
            }));
        }
        return Err(format!(
            "wrong number of args for {name}: want at least {least} got {got}"
        ));
    };
    let rest = &arguments[1..];
    let calling = |problem: String| format!("error calling {name}: {problem}");
    let second = rest.first().unwrap_or(&Value::Nothing);
    match function {
        Function::And | Function::Or => Ok(first.clone()),
        Function::Not => Ok(Value::Bool(!first.is_true())),
        Function::Equal => equal(first, rest).map(Value::Bool).map_err(calling),
        Function::NotEqual => equal(first, rest)
            .map(|equal| Value::Bool(!equal))
            .map_err(calling),
        Function::Less => compare(first, second, Relation::Less).map_err(calling),
        Function::LessOrEqual => compare(first, second, Relation::LessOrEqual).map_err(calling),
        Function::Greater => compare(first, second, Relation::Greater).map_err(calling),
        Function::GreaterOrEqual => {
            compare(first, second, Relation::GreaterOrEqual).map_err(calling)
        }
        Function::Index => index(first, rest).map_err(calling),
        Function::Slice => slice(first, rest).map_err(calling),
        Function::Length => length(first).map_err(calling),
        Function::Print => Ok(Value::text(sprint(arguments))),
        Function::Println => Ok(Value::text(sprintln(arguments))),
        Function::Printf => match first {
            Value::Text(layout) => Ok(Value::text(printf(layout, rest))),
            other => Err(wrong_type("string", other)),
        },
        Function::ParseInt => parse_int(first, rest).map_err(|problem| match problem {
            Refused::Type(problem) => problem,
            Refused::Call(problem) => calling(problem),
        }),
    }
}

fn wrong_type(expected: &str, value: &Value) -> String {
    match value {
        Value::Nothing => format!("invalid value; expected {expected}"),
        other => format!(
            "wrong type for value; expected {expected}; got {}",
            other.type_name()
        ),
    }
}

/// `index x 1 2` is `x[1][2]`.
fn index(item: &Value, indices: &[Value]) -> Result<Value, String> {
    const NOTHING: &str = "index of untyped nil";
    if matches!(item, Value::Nothing) {
        return Err(NOTHING.to_owned());
    }
    let mut item = item.clone();
    for index in indices {
        item = match &item {
            Value::Nothing => return Err(NOTHING.to_owned()),
            Value::List(list) => list[position(index, list.len(), false)?].clone(),
            Value::Text(text) => Value::Uint(u64::from(
                text.as_bytes()[position(index, text.len(), false)?],
            )),
            Value::Map(map) => match index {
                // A map of strings gives the empty string for a key it lacks.
                Value::Text(key) => map.get(&**key).cloned().unwrap_or_else(|| Value::text("")),
                other => {
                    let found = other.type_name();
                    return Err(format!("value has type {found}; should be string"));
                }
            },
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// An index checked against a length; `inclusive` allows the length itself.
fn position(index: &Value, length: usize, inclusive: bool) -> Result<usize, String> {
    let position = match index {
        Value::Int(int) => i128::from(*int),
        Value::Uint(uint) => i128::from(*uint),
        Value::Nothing => return Err("cannot index slice/array with nil".to_owned()),
        other => {
            return Err(format!(
                "cannot index slice/array with type {}",
                other.type_name()
            ));
        }
    };
    usize::try_from(position)
        .ok()
        .filter(|position| *position < length + usize::from(inclusive))
        .ok_or_else(|| format!("index out of range: {position}"))
}

/// `slice x 1 2` is `x[1:2]`.
fn slice(item: &Value, indices: &[Value]) -> Result<Value, String> {
    let length = match item {
        Value::List(list) => list.len(),
        Value::Text(text) => text.len(),
        Value::Nothing => return Err("slice of untyped nil".to_owned()),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    if indices.len() > 2 {
        return Err(format!("too many slice indexes: {}", indices.len()));
    }
    let from = indices
        .first()
        .map_or(Ok(0), |index| position(index, length, true))?;
    let to = indices
        .get(1)
        .map_or(Ok(length), |index| position(index, length, true))?;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    match item {
        Value::List(list) => Ok(Value::list(list[from..to].to_vec())),
        Value::Text(text) => text
            .get(from..to)
            .map(Value::text)
            .ok_or_else(|| "slice cuts a character".to_owned()),
        other => Err(format!("can't slice item of type {}", other.type_name())),
    }
}

fn length(item: &Value) -> Result<Value, String> {
    let length = match item {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Nothing => return Err("len of nil pointer".to_owned()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// Why `parseInt` gives nothing: its arguments are of the wrong type, or the text is not a number.
enum Refused {
    Type(String),
    Call(String),
}

/// `strconv.ParseUint`: text, base (0 for "as the prefix says"), bits.
fn parse_int(text: &Value, rest: &[Value]) -> Result<Value, Refused> {
    let Value::Text(text) = text else {
        return Err(Refused::Type(wrong_type("string", text)));
    };
    let (base, bits) = match rest {
        [Value::Int(base), Value::Int(bits)] => (*base, *bits),
        [Value::Int(_), other] | [other, ..] => {
            return Err(Refused::Type(wrong_type("int", other)));
        }
        [] => return Err(Refused::Type(wrong_type("int", &Value::Nothing))),
    };
    let refuse = |problem: String| {
        let quoted = quote(text);
        Err(Refused::Call(format!(
            "strconv.ParseUint: parsing {quoted}: {problem}"
        )))
    };
    let (radix, digits) = match (base, text.to_ascii_lowercase()) {
        (0, lower) => match lower.get(..2) {
            Some("0x") => (16, lower[2..].replace('_', "")),
            Some("0b") => (2, lower[2..].replace('_', "")),
            Some("0o") => (8, lower[2..].replace('_', "")),
            Some(prefix) if prefix.starts_with('0') => (8, lower[1..].replace('_', "")),
            _ => (10, lower.replace('_', "")),
        },
        (2..=36, lower) => (u32::try_from(base).unwrap_or(10), lower),
        _ => return refuse(format!("invalid base {base}")),
    };
    let bits = match bits {
        0 => 64,
        1..=64 => u32::try_from(bits).unwrap_or(64),
        _ => return refuse(format!("invalid bit size {bits}")),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return refuse("invalid syntax".to_owned());
    }
    match u64::from_str_radix(&digits, radix) {
        Ok(number) if bits == 64 || number >> bits == 0 => Ok(Value::Uint(number)),
        _ => refuse("value out of range".to_owned()),
    }
}
