//! Regular expressions, checked when the Corefile is read.

use super::go_regex;

/// A regular expression that is known to compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    translated: String,
    groups: usize,
}

impl Pattern {
    /// Checks an expression in Go's syntax; the error is the reason, in one line.
    pub(crate) fn new(source: &str) -> Result<Self, String> {
        let translated = go_regex::translate(source)?;
        let compiled = regex::Regex::new(&translated).map_err(|error| one_line(&error))?;
        let groups = compiled.captures_len() - 1;
        Ok(Self {
            source: source.to_owned(),
            translated,
            groups,
        })
    }

    /// `.*`
    pub(crate) fn everything() -> Self {
        Self {
            source: ".*".to_owned(),
            translated: ".*".to_owned(),
            groups: 0,
        }
    }

    /// As written in the Corefile.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The same expression in the syntax of the `regex` crate; compiles with its default settings.
    pub fn regex(&self) -> &str {
        &self.translated
    }

    /// How many capture groups it has, not counting the whole match.
    pub fn groups(&self) -> usize {
        self.groups
    }
}

/// The last line of the message; the others draw the expression and point into it.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_keeps_what_was_written_and_what_compiles() {
        let pattern = Pattern::new(r"^(?P<a>[[a])\z{x").unwrap();
        assert_eq!(pattern.as_str(), r"^(?P<a>[[a])\z{x");
        assert_eq!(pattern.groups(), 1);
        assert!(
            regex::Regex::new(pattern.regex())
                .unwrap()
                .is_match("^")
                .eq(&false)
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        assert_eq!(Pattern::new("(unclosed").unwrap_err(), "unclosed group");
        assert!(
            Pattern::new(r"(?=look)")
                .unwrap_err()
                .contains("look-around")
        );
    }
}
