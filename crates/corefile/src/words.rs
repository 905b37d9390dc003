//! The words of a Corefile with their places, for programs that change its text and leave the rest of it as it is.

use std::sync::Arc;

use crate::lexer;

/// A word, as the parser would see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word without its quotes.
    pub text: String,
    /// At which byte of the text it starts, with its quote if it has one.
    pub offset: usize,
    /// The line it starts on, counted from 1.
    pub line: u32,
    /// Whether it is the first of its line: the name of a directive, or of a property of one.
    pub starts_line: bool,
}

/// All words of a text; comments have none.
pub fn words(text: &str) -> Vec<Word> {
    let tokens = lexer::tokens(&Arc::from(""), text, 0);
    let mut places = places(text);
    let mut words = Vec::with_capacity(tokens.len());
    let mut last_line = 0;
    for token in tokens {
        let (line, column) = (token.position.line, token.position.column);
        let place = places.find(|&(at_line, at_column, _)| (at_line, at_column) == (line, column));
        let (_, _, offset) = place.expect("the lexer counts lines and columns of the same text");
        words.push(Word {
            text: token.text,
            offset,
            line,
            starts_line: line != last_line,
        });
        last_line = token.last_line;
    }
    words
}

/// Line, column and byte offset of each character, counted as the lexer does.
fn places(text: &str) -> impl Iterator<Item = (u32, u32, usize)> {
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let mark = mark.min('\u{feff}'.len_utf8());
    let (mut line, mut column) = (1_u32, 0_u32);
    text[mark..].char_indices().map(move |(offset, character)| {
        if character == '\n' {
            line = line.saturating_add(1);
            column = 0;
        } else {
            column = column.saturating_add(1);
        }
        (line, column, mark + offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_where_it_is_written() {
        let text = "\u{feff}ä:53 { # not a word\r\n\n  log \"a\nb\" c\n}\n";
        let found = words(text);
        let of = |index: usize| {
            let word: &Word = &found[index];
            (&*word.text, word.line, word.starts_line)
        };
        assert_eq!(found.len(), 6);
        assert_eq!(of(0), ("ä:53", 1, true));
        assert_eq!(of(1), ("{", 1, false));
        assert_eq!(of(2), ("log", 3, true));
        assert_eq!(of(3), ("a\nb", 3, false));
        assert_eq!(of(4), ("c", 4, false));
        assert_eq!(of(5), ("}", 5, true));
        for word in &found {
            let start = text[word.offset..].trim_start_matches('"');
            assert!(start.starts_with(&word.text), "{word:?}");
        }
    }
}
