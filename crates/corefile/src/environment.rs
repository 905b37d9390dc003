//! Environment variables in tokens: `{$NAME}` and `{%NAME%}`; an unset one is empty.

use crate::files::Files;

/// The text with its variables replaced.
///
/// The value of a variable is not searched again: a variable that contains its own name would
/// never end (`CoreDNS` hangs on it).
pub(crate) fn replace_variables(text: &str, files: &dyn Files) -> String {
    let text = replace_references(text, "{%", "%}", files);
    replace_references(&text, "{$", "}", files)
}

fn replace_references(text: &str, start: &str, end: &str, files: &dyn Files) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(start) {
        let Some((name, remaining)) = after.split_once(end) else {
            break;
        };
        if name.is_empty() {
            break;
        }
        replaced.push_str(before);
        replaced.push_str(&files.env(name).unwrap_or_default());
        rest = remaining;
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::MemoryFiles;

    #[test]
    fn both_syntaxes_are_replaced_and_unset_is_empty() {
        let files = MemoryFiles::new()
            .with_variable("PORT", "1053")
            .with_variable("A", "x");
        for (text, expected) in [
            (".:{$PORT}", ".:1053"),
            (".:{%PORT%}", ".:1053"),
            ("{$A}{$A}-{$UNSET}", "xx-"),
            ("{$}", "{$}"),
            ("{$A", "{$A"),
            ("{{ .Name }}", "{{ .Name }}"),
        ] {
            assert_eq!(replace_variables(text, &files), expected);
        }
    }

    #[test]
    fn a_variable_that_contains_its_own_name_ends() {
        let files = MemoryFiles::new().with_variable("A", "{$A}");
        assert_eq!(replace_variables("{$A}", &files), "{$A}");
    }
}
