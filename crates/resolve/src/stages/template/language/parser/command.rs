//! Commands, operands and terms.

use super::super::{
    Fault,
    functions::Function,
    lexer::Kind,
    number,
    syntax::{Command, Literal, Operand, Span, Term},
};
use super::Parser;

impl Parser<'_> {
    /// Operands separated by white space, up to a `|`, which is consumed, or the end.
    pub(super) fn command(&mut self, context: &str) -> Result<Command, Fault> {
        let start = self.peek_word().span.start;
        let mut operands: Vec<Operand> = Vec::new();
        loop {
            self.skip_space();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.peek();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelimiter | Kind::RightParenthesis => break,
                Kind::Pipe if operands.is_empty() => {
                    return Err(self.unexpected_token(token, context));
                }
                Kind::Pipe => {
                    self.next();
                    break;
                }
                _ if operands.is_empty() => return Err(self.unexpected_token(token, context)),
                _ => return Err(self.unexpected_token(token, "operand")),
            }
        }
        let Some(end) = operands.last().map(|operand| operand.span.end) else {
            return Err(Fault {
                offset: start,
                problem: "empty command".to_owned(),
            });
        };
        Ok(Command {
            operands,
            span: Span { start, end },
        })
    }

    /// One operand with the fields that follow it, or nothing.
    fn operand(&mut self) -> Result<Option<Operand>, Fault> {
        let start = self.peek().span.start;
        let Some(mut term) = self.term()? else {
            return Ok(None);
        };
        while let Kind::Field(field) = self.peek().kind {
            let token = self.next();
            match &mut term {
                Term::Field(fields) | Term::Variable(_, fields) | Term::Group(_, fields) => {
                    fields.push(field.to_owned());
                }
                Term::Function(function) => {
                    let problem = format!("unexpected field after function {:?}", function.name());
                    return Err(Fault {
                        offset: token.span.start,
                        problem,
                    });
                }
                Term::Dot | Term::Nil | Term::Literal(_) => {
                    let text = &self.source[start..token.span.start];
                    let problem = format!("unexpected . after term {text:?}");
                    return Err(Fault {
                        offset: token.span.start,
                        problem,
                    });
                }
            }
        }
        let end = self.tokens[self.position - 1].span.end;
        Ok(Some(Operand {
            term,
            span: Span { start, end },
        }))
    }

    fn term(&mut self) -> Result<Option<Term>, Fault> {
        let token = self.peek();
        let start = token.span.start;
        let term = match token.kind {
            Kind::Dot => Term::Dot,
            Kind::Field(field) => Term::Field(vec![field.to_owned()]),
            Kind::Variable(name) => {
                if !self.scope.iter().any(|known| known == name) {
                    let problem = format!("undefined variable {name:?}");
                    return Err(Fault {
                        offset: start,
                        problem,
                    });
                }
                Term::Variable(name.to_owned(), Vec::new())
            }
            Kind::Word("nil") => Term::Nil,
            Kind::Word("true") => Term::Literal(Literal::Bool(true)),
            Kind::Word("false") => Term::Literal(Literal::Bool(false)),
            Kind::Word(name) => Term::Function(Function::named(name).ok_or_else(|| {
                let problem = format!("function {name:?} not defined");
                Fault {
                    offset: start,
                    problem,
                }
            })?),
            Kind::Number(text) => Term::Literal(number::parse(text).map_err(|problem| Fault {
                offset: start,
                problem,
            })?),
            Kind::Character(text) => {
                Term::Literal(number::character(text).map_err(|problem| Fault {
                    offset: start,
                    problem,
                })?)
            }
            Kind::Quoted(text) => {
                Term::Literal(Literal::Text(number::unquote(text).map_err(|problem| {
                    Fault {
                        offset: start,
                        problem,
                    }
                })?))
            }
            Kind::Raw(text) => Term::Literal(Literal::Text(text.to_owned())),
            Kind::LeftParenthesis => {
                self.next();
                self.enter(start)?;
                let pipeline =
                    self.pipeline_until("parenthesized pipeline", false, Kind::RightParenthesis)?;
                self.depth -= 1;
                return Ok(Some(Term::Group(Box::new(pipeline), Vec::new())));
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(term))
    }
}
