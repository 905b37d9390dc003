//! From text to a checked configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blocks::{Parser, RawBlock};
use crate::config::{Config, Defaults, Note, ServerBlock};
use crate::directive::{Directive, Repeat};
use crate::directives;
use crate::error::{Error, Form, Problem};
use crate::files::Files;
use crate::fingerprint::Fingerprint;
use crate::keys;
use crate::lexer::{self, Token};
use crate::overlap;
use crate::statement::Statement;
use crate::unsupported;

/// Reads a Corefile and everything it imports.
///
/// # Errors
///
/// When the file cannot be read, and for the first thing in it that `CoreDNS` would refuse or that
/// this program does not do.
pub fn load(path: &Path, files: &dyn Files, defaults: &Defaults) -> Result<Config, Error> {
    let text = files.read(path).map_err(|source| Error::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let mut config = parse(&path.to_string_lossy(), &text, files, defaults)?;
    config.sources.insert(0, path.to_path_buf());
    Ok(config)
}

/// Reads a Corefile from memory. `name` stands for it in messages, and relative imports are looked
/// for beside it.
///
/// # Errors
///
/// As for [`load`].
pub fn parse(
    name: &str,
    text: &str,
    files: &dyn Files,
    defaults: &Defaults,
) -> Result<Config, Error> {
    let tokens = lexer::tokens(&Arc::from(name), text, 0);
    let mut parser = Parser::new(tokens, files);
    let raw_blocks = parser.blocks()?;
    let sources: Vec<PathBuf> = std::mem::take(&mut parser.sources);
    let mut notes = std::mem::take(&mut parser.notes);
    let mut blocks = Vec::new();
    for raw in &raw_blocks {
        blocks.push(server_block(raw, files, *defaults, &mut notes)?);
    }
    overlap::check(&blocks)?;
    Ok(Config {
        blocks,
        sources,
        tokens_fingerprint: Fingerprint::of(&raw_blocks),
        notes,
    })
}

fn server_block(
    raw: &RawBlock,
    files: &dyn Files,
    defaults: Defaults,
    notes: &mut Vec<Note>,
) -> Result<ServerBlock, Error> {
    let keys = keys::parse(&raw.keys, defaults)?;
    let position = raw.keys[0].position.clone();
    let mut block = ServerBlock::new(position, keys);
    let zones = block.zones().map(str::to_owned).collect::<Vec<_>>();
    let mut seen: Vec<&'static str> = Vec::new();
    for tokens in &raw.statements {
        let Some(name) = tokens.first() else { continue };
        let Some(directive) = directives::find(&name.text) else {
            return Err(not_supported(name));
        };
        if directive.repeat == Repeat::Once && seen.contains(&directive.name) {
            return Err(used_twice(directive, name));
        }
        seen.push(directive.name);
        let Some(mut statement) = Statement::new(directive.name, tokens, &zones, files, notes)
        else {
            continue;
        };
        (directive.parse)(&mut statement, &mut block)?;
        if let Some(token) = statement.left_over() {
            let message = format!("unexpected token '{}'", token.text);
            return Err(statement.problem(token, message, "the end of the directive"));
        }
    }
    Ok(block)
}

fn used_twice(directive: &Directive, name: &Token) -> Error {
    Problem {
        position: name.position.clone(),
        form: Form::Parsing,
        directive: Some(directive.name),
        message: "this plugin can only be used once per Server Block".to_owned(),
        token: name.text.clone(),
        expected: format!("one '{}' in this server block", directive.name),
    }
    .into()
}

fn not_supported(name: &Token) -> Error {
    let reason = unsupported::reason(&name.text).unwrap_or_default();
    Problem {
        position: name.position.clone(),
        form: Form::Parsing,
        directive: None,
        message: format!("the directive '{}' is not supported: {reason}", name.text),
        token: name.text.clone(),
        expected: "a directive that a node-local cache has".to_owned(),
    }
    .into()
}
