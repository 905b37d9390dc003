//! What is set up on the node: the link with the addresses, the table with the rules. Owned by whoever owns this.

use std::io;
use std::net::IpAddr;

use nodens_sys::{ForeignRules, Links, RuleTable, RulesError};

use super::NodeOptions;
use super::carrier::{Carrier, CarrierError};
use super::interception::{Stage, is_link_local};
use super::leftovers;
use super::note::Note;
use super::rules::{OwnPorts, Whose, chains};

/// The node's plumbing.
#[derive(Debug)]
pub(super) struct Plumbing {
    options: NodeOptions,
    own: OwnPorts,
    links: Option<Links>,
    carrier: Option<Carrier>,
    table: Option<RuleTable>,
    /// What the table holds.
    written: Option<Whose>,
    /// The state of all rules of the namespace when the table was last looked at.
    generation: Option<u32>,
    stage: Stage,
}

/// Why something could not be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlumbingError {
    /// The way to the kernel.
    #[error("open a netlink socket")]
    Netlink(#[source] io::Error),
    /// The link.
    #[error(transparent)]
    Carrier(#[from] CarrierError),
    /// An address.
    #[error("{operation} {address} on {link}")]
    Address {
        operation: &'static str,
        address: IpAddr,
        link: String,
        source: io::Error,
    },
    /// The rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl Plumbing {
    /// Removes what another program left, and puts the addresses on a link. Done before the cache listens: the descriptor of
    /// the link must have a lower number than those of the sockets, which are closed first then.
    pub(super) fn prepare(options: &NodeOptions) -> (Self, Vec<Note>) {
        let mut plumbing = Self {
            options: options.clone(),
            own: OwnPorts::default(),
            links: None,
            carrier: None,
            table: None,
            written: None,
            generation: None,
            stage: Stage::Trial,
        };
        let mut notes = Vec::new();
        if options.set_up_rules {
            notes.extend(leftovers::clear(&options.local_addresses));
            notes.extend(closed_inputs(options));
        }
        if options.set_up_interface
            && let Err(error) = plumbing.addresses_up(&mut notes)
        {
            notes.push(Note::failure("interface_add", &error));
        }
        (plumbing, notes)
    }

    /// Says from which ports our own questions come.
    pub(super) fn set_own_ports(&mut self, own: OwnPorts) {
        self.own = own;
        self.written = None;
    }

    /// Whether traffic to an address comes here.
    pub(super) fn draws(&self, address: IpAddr) -> bool {
        self.stage == Stage::Active || (is_link_local(address) && self.carrier.is_some())
    }

    /// Puts a stage in place. Addresses come before rules, and go after them.
    pub(super) fn set_stage(
        &mut self,
        stage: Stage,
        notes: &mut Vec<Note>,
    ) -> Result<(), PlumbingError> {
        self.stage = stage;
        if self.options.set_up_interface {
            self.addresses_up(notes)?;
        }
        if self.options.set_up_rules {
            self.rules_up(notes)?;
        }
        Ok(())
    }

    /// Looks whether everything is still there, and mends it.
    pub(super) fn check(&mut self, notes: &mut Vec<Note>) -> Result<(), PlumbingError> {
        if self.options.set_up_interface {
            self.check_addresses(notes)?;
        }
        if self.options.set_up_rules {
            self.check_rules(notes)?;
        }
        Ok(())
    }

    /// Looks for rules that node-cache has added since.
    pub(super) fn clear_leftovers(&self) -> Vec<Note> {
        if self.options.set_up_rules {
            leftovers::clear(&self.options.local_addresses)
        } else {
            Vec::new()
        }
    }

    /// Directs no more questions here; replies to those under way can still leave.
    pub(super) fn let_go(&mut self) -> Result<(), PlumbingError> {
        self.written = Some(Whose::Ours);
        if let Some(table) = &mut self.table {
            table.replace(&chains(&self.options, &self.own, Whose::Ours))?;
        }
        Ok(())
    }

    /// The addresses that the stage wants.
    fn wanted(&self) -> Vec<IpAddr> {
        let all = self.options.local_addresses.iter().copied();
        all.filter(|address| self.stage != Stage::Withdrawn || is_link_local(*address))
            .collect()
    }

    fn addresses_up(&mut self, notes: &mut Vec<Note>) -> Result<(), PlumbingError> {
        let wanted = self.wanted();
        if self.links.is_none() {
            self.links = Some(Links::open().map_err(PlumbingError::Netlink)?);
        }
        let Some(links) = &self.links else {
            return Ok(());
        };
        if self.carrier.is_none() {
            let name = &self.options.interface_name;
            self.carrier = Some(Carrier::make(links, name, &wanted, notes)?);
        }
        if let Some(carrier) = &self.carrier {
            for address in wanted {
                add(links, carrier, address)?;
            }
        }
        Ok(())
    }

    fn check_addresses(&mut self, notes: &mut Vec<Note>) -> Result<(), PlumbingError> {
        let (Some(links), Some(carrier)) = (&self.links, &mut self.carrier) else {
            return self.addresses_up(notes);
        };
        let link = links.find(&carrier.name).map_err(PlumbingError::Netlink)?;
        let link = link.filter(|link| link.index == carrier.index);
        if link.is_none() {
            notes.push(Note::repair(
                "link",
                format!(
                    "the link {} was deleted by another program: made again",
                    carrier.name
                ),
            ));
            let all = &self.options.local_addresses;
            carrier.remake(links, &self.options.interface_name, all, notes)?;
        } else if link.is_some_and(|link| !link.up) {
            notes.push(Note::repair(
                "link",
                format!(
                    "the link {} was brought down by another program: brought up again",
                    carrier.name
                ),
            ));
            links
                .bring_up(carrier.index)
                .map_err(PlumbingError::Netlink)?;
        }
        let present = links.addresses().map_err(PlumbingError::Netlink)?;
        let wanted = self.wanted();
        let (Some(links), Some(carrier)) = (&self.links, &self.carrier) else {
            return Ok(());
        };
        for &address in &self.options.local_addresses {
            let here = present.contains(&(carrier.index, address));
            if wanted.contains(&address) && !here {
                if add(links, carrier, address)? {
                    notes.push(Note::repair(
                        "address",
                        format!("{address} was missing on {}: added again", carrier.name),
                    ));
                }
            } else if !wanted.contains(&address) && here {
                links
                    .delete_address(carrier.index, address)
                    .map_err(address_error("delete", address, carrier))?;
            }
        }
        Ok(())
    }

    fn rules_up(&mut self, notes: &mut Vec<Note>) -> Result<(), PlumbingError> {
        let whose = match self.stage {
            Stage::Active => Whose::Everybodys,
            Stage::Trial | Stage::Withdrawn => Whose::Ours,
        };
        if self.written == Some(whose) {
            return Ok(());
        }
        let first = self.table.is_none();
        if first {
            let mut table = RuleTable::open(TABLE)?;
            table.keep_above(ABOVE_SOCKETS);
            self.table = Some(table);
        }
        let Some(table) = &mut self.table else {
            return Ok(());
        };
        let outcome = table.replace(&chains(&self.options, &self.own, whose));
        if first && outcome.is_ok() && !table.is_owned() {
            let reason =
                "this kernel is older than 5.12, so the rules stay when the process is killed";
            notes.push(Note::fallback("owner", reason));
        }
        if outcome.is_err() {
            self.table = None;
            self.written = None;
        } else {
            self.written = Some(whose);
        }
        self.generation = None;
        Ok(outcome?)
    }

    fn check_rules(&mut self, notes: &mut Vec<Note>) -> Result<(), PlumbingError> {
        let Some(table) = &self.table else {
            return Ok(());
        };
        let generation = table.generation().ok();
        if generation.is_some() && generation == self.generation {
            return Ok(());
        }
        if table.is_intact().unwrap_or(false) {
            self.generation = generation;
            return Ok(());
        }
        notes.push(Note::repair(
            "rules",
            format!(
                "rules of table inet {} were removed by another program: written again",
                table.name()
            ),
        ));
        self.written = None;
        self.rules_up(notes)
    }
}

impl Plumbing {
    /// Takes away what the kernel would not. The rest is gone with its descriptors.
    pub(super) fn clear(&mut self) {
        if let Some(table) = self.table.as_mut().filter(|table| !table.is_owned()) {
            let _ = table.remove();
        }
        if let (Some(links), Some(carrier)) = (&self.links, &self.carrier) {
            carrier.clear(links, &self.options.local_addresses);
        }
    }
}

impl Drop for Plumbing {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Names the chains that need a rule for DNS traffic. node-cache adds one; ours could not be where it counts without staying
/// there when the process is killed.
fn closed_inputs(options: &NodeOptions) -> Option<Note> {
    let chains = ForeignRules::open().ok()?.closed_inputs().ok()?;
    let chains: Vec<String> = chains
        .iter()
        .map(|chain| format!("{} of table {}", chain.name, chain.table))
        .collect();
    let addresses: Vec<String> = options
        .local_addresses
        .iter()
        .map(IpAddr::to_string)
        .collect();
    (!chains.is_empty()).then(|| {
        Note::warning(format!(
            "chain {} drops what no rule accepts: it needs a rule that accepts port {} of {}",
            chains.join(" and chain "),
            options.port,
            addresses.join(" and ")
        ))
    })
}

fn add(links: &Links, carrier: &Carrier, address: IpAddr) -> Result<bool, PlumbingError> {
    links
        .add_address(carrier.index, address)
        .map_err(address_error("add", address, carrier))
}

fn address_error(
    operation: &'static str,
    address: IpAddr,
    carrier: &Carrier,
) -> impl Fn(io::Error) -> PlumbingError {
    move |source| PlumbingError::Address {
        operation,
        address,
        link: carrier.name.clone(),
        source,
    }
}

/// How the table's name begins.
const TABLE: &str = "nodens";
/// Above the numbers of listening sockets and upstream connections of a busy cache. The price of a high number is the
/// kernel's table up to it, 8 bytes for each.
const ABOVE_SOCKETS: i32 = 8000;
