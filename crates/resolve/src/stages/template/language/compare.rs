//! Comparisons, by the rules of Go's `text/template/funcs.go`: numbers with numbers of the same
//! sort, signed with unsigned by value, strings with strings, truth values only for equality.

use std::cmp::Ordering;

use super::value::Value;

/// An ordering to test for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Whether `first` equals any of the others.
pub(super) fn equal(first: &Value, others: &[Value]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal_pair(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_pair(first: &Value, second: &Value) -> Result<bool, String> {
    match (first, second) {
        (Value::Nothing, Value::Nothing) => Ok(true),
        (Value::Nothing, _) | (_, Value::Nothing) => Ok(false),
        (Value::Bool(first), Value::Bool(second)) => Ok(first == second),
        (Value::List(_) | Value::Map(_) | Value::Structure(_), _) => {
            Err(format!("non-comparable type {}", first.type_name()))
        }
        (_, Value::List(_) | Value::Map(_) | Value::Structure(_)) => {
            Err(format!("non-comparable type {}", second.type_name()))
        }
        _ => match order(first, second) {
            Some(ordering) => Ok(ordering == Ordering::Equal),
            None if same_sort(first, second) => Ok(false),
            None => Err(INCOMPATIBLE.to_owned()),
        },
    }
}

/// Whether `first` stands in `relation` to `second`.
pub(super) fn compare(first: &Value, second: &Value, relation: Relation) -> Result<Value, String> {
    if matches!(
        (first, second),
        (
            Value::Nothing | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Structure(_),
            _
        )
    ) {
        return Err("invalid type for comparison".to_owned());
    }
    let ordering = match order(first, second) {
        Some(ordering) => ordering,
        // Only a float that is not a number has no order.
        None if same_sort(first, second) => return Ok(Value::Bool(false)),
        None => return Err(INCOMPATIBLE.to_owned()),
    };
    Ok(Value::Bool(match relation {
        Relation::Less => ordering.is_lt(),
        Relation::LessOrEqual => ordering.is_le(),
        Relation::Greater => ordering.is_gt(),
        Relation::GreaterOrEqual => ordering.is_ge(),
    }))
}

fn order(first: &Value, second: &Value) -> Option<Ordering> {
    match (first, second) {
        (Value::Text(first), Value::Text(second)) => Some(first.cmp(second)),
        (Value::Float(first), Value::Float(second)) => first.partial_cmp(second),
        _ => Some(integer(first)?.cmp(&integer(second)?)),
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(int) => Some(i128::from(*int)),
        Value::Uint(uint) => Some(i128::from(*uint)),
        _ => None,
    }
}

fn same_sort(first: &Value, second: &Value) -> bool {
    matches!((first, second), (Value::Float(_), Value::Float(_)))
}

const INCOMPATIBLE: &str = "incompatible types for comparison";
