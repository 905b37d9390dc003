//! No two server blocks may answer for the same zone at the same address.
//!
//! `CoreDNS` compares after it has resolved interface names; here they are compared as written, as
//! what addresses an interface has is not known when a Corefile is read.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Key, ServerBlock};
use crate::directives::bind::BindTarget;
use crate::error::{Error, Form, Problem};

/// Refuses the first zone that is served twice.
pub(crate) fn check(blocks: &[ServerBlock]) -> Result<(), Error> {
    let mut served: BTreeSet<(String, u16, String)> = BTreeSet::new();
    let mut first_by_zone: BTreeMap<(String, u16), String> = BTreeMap::new();
    for block in blocks {
        let addresses = bound_addresses(block);
        for key in &block.keys {
            for address in &addresses {
                let zone = (key.zone.clone(), key.port);
                let bound = (key.zone.clone(), key.port, address.clone());
                if served.contains(&bound) {
                    let message = format!(
                        "cannot serve {} - it is already defined",
                        name(key, address)
                    );
                    return Err(problem(key, message));
                }
                let unbound = (key.zone.clone(), key.port, String::new());
                if let Some(other) = first_by_zone.get(&zone)
                    && (address.is_empty() || served.contains(&unbound))
                {
                    let other = if address.is_empty() {
                        other.as_str()
                    } else {
                        ""
                    };
                    let message = format!(
                        "cannot serve {} - zone overlap listener capacity with {}",
                        name(key, address),
                        name(key, other)
                    );
                    return Err(problem(key, message));
                }
                served.insert(bound);
                first_by_zone.insert(zone, address.clone());
            }
        }
    }
    Ok(())
}

/// What a block is bound to, as text; one empty text for every address of the host.
fn bound_addresses(block: &ServerBlock) -> Vec<String> {
    let text = |target: &BindTarget| match target {
        BindTarget::Address(address) => address.to_string(),
        BindTarget::Interface(name) => name.clone(),
    };
    let mut addresses = Vec::new();
    for bind in &block.bind {
        let except: Vec<String> = bind.except.iter().map(|to| text(&to.target)).collect();
        addresses.extend(
            bind.to
                .iter()
                .map(|to| text(&to.target))
                .filter(|address| !except.contains(address)),
        );
    }
    if block.bind.is_empty() {
        addresses.push(String::new());
    }
    addresses
}

/// `dns://zone:port on address`, as `CoreDNS` names it.
fn name(key: &Key, address: &str) -> String {
    let on = if address.is_empty() {
        String::new()
    } else {
        format!(" on {address}")
    };
    format!("dns://{}:{}{on}", key.zone, key.port)
}

fn problem(key: &Key, message: String) -> Error {
    Problem {
        position: key.position.clone(),
        form: Form::Parsing,
        directive: None,
        message,
        token: key.zone.clone(),
        expected: "each zone once per port and address".to_owned(),
    }
    .into()
}
