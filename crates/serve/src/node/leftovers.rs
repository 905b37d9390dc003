//! Packet rules that node-cache left behind, found by the comments it gives them.
//!
//! It deletes them at a clean end; after a kill or a crash they stay and lead questions to an address where nobody answers
//! (kubernetes/dns#438). iptables has two forms: the rules of the newer one are in nftables, where one can be deleted by its
//! handle; the tables of the older one can only be replaced as a whole.

use std::net::IpAddr;

use nodens_sys::{ForeignRules, LegacyTable};

use super::note::Note;

/// Deletes the rules for these addresses.
pub(super) fn clear(addresses: &[IpAddr]) -> Vec<Note> {
    let mut notes = Vec::new();
    clear_nftables(addresses, &mut notes);
    let deleted: usize = LegacyTable::ALL
        .iter()
        .map(|table| clear_legacy(*table, addresses, &mut notes))
        .sum();
    if deleted > 0 {
        notes.push(deleted_rules(deleted, "iptables-legacy"));
    }
    notes
}

fn clear_nftables(addresses: &[IpAddr], notes: &mut Vec<Note>) {
    let Ok(foreign) = ForeignRules::open() else {
        return;
    };
    let (mut deleted, mut left) = (0_usize, None);
    // Without nftables there are none.
    for rule in foreign.find(COMMENT).unwrap_or_default() {
        if !addresses
            .iter()
            .any(|address| rule.contains(&octets(*address)))
        {
            continue;
        }
        match foreign.delete(&rule) {
            Ok(()) => deleted += 1,
            Err(error) => left = Some((rule, error)),
        }
    }
    if deleted > 0 {
        notes.push(deleted_rules(deleted, "iptables-nft"));
    }
    if let Some((rule, error)) = left {
        notes.push(Note::warning(format!(
            "a rule of node-cache stays in table {}, chain {} ({error}): look with `iptables-nft -t {} -S {}` and delete \
             it with -D",
            rule.table, rule.chain, rule.table, rule.chain
        )));
    }
}

fn clear_legacy(table: LegacyTable, addresses: &[IpAddr], notes: &mut Vec<Note>) -> usize {
    let ours = |entry: &[u8]| {
        contains(entry, COMMENT.as_bytes())
            && addresses
                .iter()
                .any(|address| contains(entry, &octets(*address)))
    };
    table.remove_entries(ours).unwrap_or_else(|error| {
        notes.push(Note::warning(format!(
            "rules of node-cache stay in table {table} ({error}): look with `{} -t {} -S` and delete them with -D",
            table.program(),
            table.name()
        )));
        0
    })
}

fn deleted_rules(count: usize, form: &str) -> Note {
    Note::info(format!("deleted {count} {form} rules of node-cache"))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// How the comments of all its rules begin.
const COMMENT: &str = "NodeLocal DNS Cache: ";
