//! Tokens to a syntax tree, by the rules of Go's `text/template/parse/parse.go`.

use super::{
    Fault,
    lexer::{Kind, Token},
    syntax::{Branch, Command, Control, Node, Pipeline, Term},
};

mod command;

/// Parses the tokens of `source`.
pub(super) fn parse(source: &str, tokens: &[Token<'_>]) -> Result<Vec<Node>, Fault> {
    let mut parser = Parser {
        source,
        tokens,
        position: 0,
        scope: vec!["$".to_owned()],
        ranges: 0,
        depth: 0,
    };
    let (nodes, stop) = parser.list()?;
    match stop {
        Stop::Source => Ok(nodes),
        Stop::Finish(at) => Err(unexpected(at, "{{end}}")),
        Stop::Otherwise(at) => Err(unexpected(at, "{{else}}")),
    }
}

struct Parser<'a> {
    source: &'a str,
    tokens: &'a [Token<'a>],
    position: usize,
    /// The variables that may be used here.
    scope: Vec<String>,
    /// How many `range` bodies surround this point.
    ranges: usize,
    /// How many groups and control structures surround this point.
    depth: usize,
}

/// What ended a list of nodes, and where.
enum Stop {
    Source,
    Finish(usize),
    Otherwise(usize),
}

impl<'a> Parser<'a> {
    /// Nodes up to the end of the source, an `end` or an `else`, which is consumed; after `else`
    /// the rest of that action is still to be read.
    fn list(&mut self) -> Result<(Vec<Node>, Stop), Fault> {
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Kind::End => return Ok((nodes, Stop::Source)),
                Kind::Text(text) => nodes.push(Node::Text(text.to_owned())),
                _ => {
                    let Kind::Word(word) = self.peek_word().kind else {
                        nodes.push(Node::Action(self.pipeline("command", false)?));
                        continue;
                    };
                    let start = self.peek_word().span.start;
                    match word {
                        "if" => nodes.push(self.control(Control::If, start)?),
                        "with" => nodes.push(self.control(Control::With, start)?),
                        "range" => nodes.push(self.control(Control::Range, start)?),
                        "end" => {
                            self.keyword("end")?;
                            return Ok((nodes, Stop::Finish(start)));
                        }
                        "else" => {
                            self.next_word();
                            return Ok((nodes, Stop::Otherwise(start)));
                        }
                        "break" | "continue" => {
                            if self.ranges == 0 {
                                let problem = format!("{{{{{word}}}}} outside {{{{range}}}}");
                                return Err(Fault {
                                    offset: start,
                                    problem,
                                });
                            }
                            self.keyword(word)?;
                            let breaks = word == "break";
                            nodes.push(if breaks { Node::Break } else { Node::Continue });
                        }
                        "define" | "template" | "block" => {
                            let problem = format!("{word:?} is not supported in a record");
                            return Err(Fault {
                                offset: start,
                                problem,
                            });
                        }
                        _ => nodes.push(Node::Action(self.pipeline("command", false)?)),
                    }
                }
            }
        }
    }

    /// A keyword that stands alone in its action.
    fn keyword(&mut self, word: &str) -> Result<(), Fault> {
        self.next_word();
        let token = self.next_word();
        if token.kind == Kind::RightDelimiter {
            return Ok(());
        }
        Err(self.unexpected_token(token, word))
    }

    fn control(&mut self, control: Control, start: usize) -> Result<Node, Fault> {
        self.next_word();
        let scope = self.scope.len();
        self.enter(start)?;
        let pipeline = self.pipeline(control.keyword(), control == Control::Range)?;
        self.ranges += usize::from(control == Control::Range);
        let (body, stop) = self.list()?;
        self.ranges -= usize::from(control == Control::Range);
        let otherwise = match stop {
            Stop::Source => {
                return Err(Fault {
                    offset: start,
                    problem: unclosed(control),
                });
            }
            Stop::Finish(_) => Vec::new(),
            Stop::Otherwise(at) => self.otherwise(control, start, at)?,
        };
        self.depth -= 1;
        self.scope.truncate(scope);
        Ok(Node::Branch(Branch {
            control,
            pipeline,
            body,
            otherwise,
        }))
    }

    /// What follows `else`: `else if` and `else with` nest and share the one `end`.
    fn otherwise(&mut self, control: Control, start: usize, at: usize) -> Result<Vec<Node>, Fault> {
        let token = self.peek_word();
        match (token.kind, control) {
            (Kind::Word("if"), Control::If) | (Kind::Word("with"), Control::With) => {
                return Ok(vec![self.control(control, token.span.start)?]);
            }
            _ => {}
        }
        let token = self.next_word();
        if token.kind != Kind::RightDelimiter {
            return Err(self.unexpected_token(token, "else"));
        }
        match self.list()? {
            (nodes, Stop::Finish(_)) => Ok(nodes),
            (_, Stop::Otherwise(_)) => Err(Fault {
                offset: at,
                problem: "expected end; found {{else}}".to_owned(),
            }),
            (_, Stop::Source) => Err(Fault {
                offset: start,
                problem: unclosed(control),
            }),
        }
    }

    /// A pipeline up to and with the right delimiter.
    fn pipeline(&mut self, context: &str, ranges: bool) -> Result<Pipeline, Fault> {
        self.pipeline_until(context, ranges, Kind::RightDelimiter)
    }

    fn pipeline_until(
        &mut self,
        context: &str,
        ranges: bool,
        end: Kind<'_>,
    ) -> Result<Pipeline, Fault> {
        let start = self.peek_word().span.start;
        let (variables, assigns) = self.declarations(context, ranges)?;
        // Go has them in scope from here on, within their own pipeline too.
        self.scope.extend(variables.iter().cloned());
        let mut commands: Vec<Command> = Vec::new();
        loop {
            let token = self.peek_word();
            if token.kind == end {
                self.next_word();
                break;
            }
            commands.push(self.command(context)?);
        }
        if commands.is_empty() {
            return Err(Fault {
                offset: start,
                problem: format!("missing value for {context}"),
            });
        }
        for (stage, command) in commands.iter().enumerate().skip(1) {
            let executable = !matches!(
                command.operands.first().map(|operand| &operand.term),
                None | Some(Term::Dot | Term::Nil | Term::Literal(_))
            );
            if !executable {
                let problem = format!("non executable command in pipeline stage {}", stage + 1);
                return Err(Fault {
                    offset: command.span.start,
                    problem,
                });
            }
        }
        Ok(Pipeline {
            variables,
            assigns,
            commands,
        })
    }

    /// `$x :=`, `$x =` or, in a range, `$i, $x :=`.
    fn declarations(&mut self, context: &str, ranges: bool) -> Result<(Vec<String>, bool), Fault> {
        let before = self.position;
        let mut variables = Vec::new();
        loop {
            let Kind::Variable(name) = self.peek_word().kind else {
                if variables.is_empty() {
                    return Ok((variables, false));
                }
                let problem = format!("{context} can only initialize variables");
                return Err(Fault {
                    offset: self.peek_word().span.start,
                    problem,
                });
            };
            let variable = self.next_word();
            match self.peek_word().kind {
                Kind::Declare | Kind::Assign => {
                    let assigns = self.next_word().kind == Kind::Assign;
                    variables.push(name.to_owned());
                    if assigns && let Some(unknown) = self.unknown(&variables) {
                        let problem = format!("undefined variable {unknown:?}");
                        return Err(Fault {
                            offset: variable.span.start,
                            problem,
                        });
                    }
                    return Ok((variables, assigns));
                }
                Kind::Comma => {
                    variables.push(name.to_owned());
                    if !ranges || variables.len() > 1 {
                        let problem = format!("too many declarations in {context}");
                        return Err(Fault {
                            offset: variable.span.start,
                            problem,
                        });
                    }
                    self.next_word();
                }
                _ if variables.is_empty() => {
                    self.position = before;
                    return Ok((variables, false));
                }
                _ => {
                    let token = self.peek_word();
                    return Err(self.unexpected_token(token, context));
                }
            }
        }
    }

    fn unknown<'b>(&self, variables: &'b [String]) -> Option<&'b String> {
        variables.iter().find(|name| !self.scope.contains(name))
    }

    fn enter(&mut self, offset: usize) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Fault {
                offset,
                problem: format!("more than {DEPTH} levels deep"),
            });
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.next();
        }
    }

    fn peek(&self) -> Token<'a> {
        self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.position = (self.position + 1).min(self.tokens.len());
        token
    }

    /// The next token that is not white space.
    fn peek_word(&mut self) -> Token<'a> {
        self.skip_space();
        self.peek()
    }

    fn next_word(&mut self) -> Token<'a> {
        self.skip_space();
        self.next()
    }

    fn unexpected_token(&self, token: Token<'_>, context: &str) -> Fault {
        let found = match token.kind {
            Kind::End => "EOF".to_owned(),
            Kind::RightDelimiter => "\"}}\"".to_owned(),
            _ => format!("{:?}", &self.source[token.span.start..token.span.end]),
        };
        let problem = format!("unexpected {found} in {context}");
        Fault {
            offset: token.span.start,
            problem,
        }
    }
}

fn unexpected(offset: usize, what: &str) -> Fault {
    Fault {
        offset,
        problem: format!("unexpected {what}"),
    }
}

fn unclosed(control: Control) -> String {
    format!("{{{{{}}}}} has no {{{{end}}}}", control.keyword())
}

/// Deepest nesting of groups and control structures: far beyond any real template, far below what
/// the stack of a worker thread holds.
const DEPTH: usize = 64;
