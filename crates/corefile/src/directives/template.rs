//! `template`: answers made from the question.

use crate::config::ServerBlock;
use crate::directive::Directive;
use crate::error::Error;
use crate::lexer::Token;
use crate::position::Position;
use crate::statement::Statement;
use crate::value::numbers;
use crate::value::pattern::Pattern;

mod documentation;

/// One `template`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Where it was written.
    pub position: Position,
    /// The class of the questions it is for; 255 for every class.
    pub class: u16,
    /// The type of the questions it is for; 255 for every type.
    pub record_type: u16,
    /// The zones it is for.
    pub zones: Vec<String>,
    /// The names it is for; the first that matches provides the groups. Never empty.
    pub matches: Vec<Pattern>,
    /// Records for the answer section.
    pub answer: Vec<TemplateText>,
    /// Records for the authority section.
    pub authority: Vec<TemplateText>,
    /// Records for the additional section.
    pub additional: Vec<TemplateText>,
    /// The response code.
    pub rcode: u16,
    /// The extended error to add.
    pub extended_error: Option<ExtendedError>,
    /// The zones in which a name that does not match is left to the next directive.
    pub fallthrough: Vec<String>,
}

/// The text of a record with actions in Go's `text/template` language. What is in the braces is read
/// by whoever runs it, so a mistake there is reported when the configuration is made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateText {
    /// Where it was written.
    pub position: Position,
    /// As written, without its quotes.
    pub source: String,
}

/// An extended DNS error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedError {
    /// Its code.
    pub code: u16,
    /// Its text; may be empty.
    pub reason: String,
}

pub(crate) const DIRECTIVE: Directive = documentation::DIRECTIVE;

fn parse(statement: &mut Statement<'_>, block: &mut ServerBlock) -> Result<(), Error> {
    let class = statement.first_argument("a class, such as 'IN' or 'ANY'")?;
    let class = numbers::class(&class.text).ok_or_else(|| {
        let message = format!("invalid query class {}", class.text);
        statement.problem(
            class,
            message,
            "a class in upper case, such as 'IN' or 'ANY'",
        )
    })?;
    let record_type = statement.first_argument("a record type, such as 'A' or 'ANY'")?;
    let record_type = numbers::record_type(&record_type.text).ok_or_else(|| {
        let message = format!("invalid RR class {}", record_type.text);
        statement.problem(
            record_type,
            message,
            "a record type in upper case, such as 'A'",
        )
    })?;
    let arguments = statement.arguments();
    let mut template = Template {
        position: statement.position(),
        class,
        record_type,
        zones: statement.zones_or_block(&arguments),
        matches: Vec::new(),
        answer: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        rcode: 0,
        extended_error: None,
        fallthrough: Vec::new(),
    };
    while let Some(property) = statement.property() {
        template.set(property, statement)?;
    }
    if template.matches.is_empty() {
        template.matches.push(Pattern::everything());
    }
    block.template.push(template);
    Ok(())
}

impl Template {
    fn set(&mut self, property: &Token, statement: &mut Statement<'_>) -> Result<(), Error> {
        match property.text.as_str() {
            "match" => {
                for token in statement.some_arguments("at least one regular expression")? {
                    self.matches.push(statement.pattern(token, |reason| {
                        format!("could not parse regex: {}, {reason}", token.text)
                    })?);
                }
            }
            "answer" => self.answer.append(&mut records(statement)?),
            "authority" => self.authority.append(&mut records(statement)?),
            "additional" => self.additional.append(&mut records(statement)?),
            "rcode" => self.rcode = rcode(statement)?,
            "ederror" => self.extended_error = Some(extended_error(statement)?),
            "fallthrough" => self.fallthrough = statement.fallthrough_zones(),
            // Without effect in CoreDNS too, for a long time.
            "upstream" => {
                statement.arguments();
            }
            name @ ("var" | "expr") => {
                let message = format!("'{name}' in templates is not supported");
                return Err(statement.problem(property, message, "'match'"));
            }
            _ => return Err(statement.wrong_arguments(PROPERTIES)),
        }
        Ok(())
    }
}

fn records(statement: &mut Statement<'_>) -> Result<Vec<TemplateText>, Error> {
    let tokens = statement.some_arguments("at least one record in quotes")?;
    let text = |token: &Token| TemplateText {
        position: token.position.clone(),
        source: token.text.clone(),
    };
    Ok(tokens.into_iter().map(text).collect())
}

fn rcode(statement: &mut Statement<'_>) -> Result<u16, Error> {
    const EXPECTED: &str = "a response code in upper case, such as 'NXDOMAIN'";
    let token = statement.first_argument(EXPECTED)?;
    numbers::response_code(&token.text)
        .ok_or_else(|| statement.problem(token, format!("unknown rcode {}", token.text), EXPECTED))
}

fn extended_error(statement: &mut Statement<'_>) -> Result<ExtendedError, Error> {
    const EXPECTED: &str = "a code from 0 to 65535, then at most a text";
    let arguments = statement.arguments();
    let (code, reason) = match arguments.as_slice() {
        [code] => (code, String::new()),
        [code, reason] => (code, reason.text.clone()),
        _ => return Err(statement.wrong_arguments(EXPECTED)),
    };
    let parsed = code
        .text
        .parse()
        .ok()
        .filter(|_| !code.text.starts_with('+'));
    let parsed = parsed.ok_or_else(|| {
        let message = format!("error parsing extended DNS error code {}", code.text);
        statement.problem(code, message, EXPECTED)
    })?;
    Ok(ExtendedError {
        code: parsed,
        reason,
    })
}

const PROPERTIES: &str = "one of 'additional', 'answer', 'authority', 'ederror', 'fallthrough', \
    'match' and 'rcode'";

#[cfg(test)]
mod tests;
