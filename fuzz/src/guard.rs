//! Running a target so that its panic is a value.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::signature::Signature;

/// A panic of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked {
    /// File and line: two inputs that panic in one place are taken for one problem.
    pub place: String,
    /// What it said.
    pub message: String,
}

/// Runs a target and catches its panic, without a word on standard error.
///
/// # Errors
/// When it panicked.
pub fn guarded(run: fn(&[u8]) -> Signature, input: &[u8]) -> Result<Signature, Panicked> {
    INSTALLED.call_once(install);
    GUARDING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| run(input)));
    GUARDING.set(false);
    outcome.map_err(|_| {
        CAUGHT.take().unwrap_or_else(|| Panicked {
            place: "an unknown place".to_owned(),
            message: String::new(),
        })
    })
}

/// Panics of this thread are kept while it guards a target; all others go where they went before.
fn install() {
    let before = take_hook();
    set_hook(Box::new(move |panic| {
        if !GUARDING.get() {
            return before(panic);
        }
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        let message = panic.payload_as_str().unwrap_or_default().to_owned();
        CAUGHT.set(Some(Panicked { place, message }));
    }));
}

static INSTALLED: Once = Once::new();

thread_local! {
    static GUARDING: Cell<bool> = const { Cell::new(false) };
    static CAUGHT: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use crate::signature::Signature;

    #[test]
    fn a_panic_is_a_value_with_its_place() {
        let panicked = guarded(|input| panic!("{} bytes", input.len()), b"abc").unwrap_err();
        assert_eq!(panicked.message, "3 bytes");
        assert!(panicked.place.contains("guard.rs:"), "{panicked:?}");
        assert_eq!(guarded(|_| Signature::new(), b""), Ok(Signature::new()));
    }
}
