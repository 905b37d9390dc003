//! The link that carries the addresses.
//!
//! A TUN device is wanted, because it goes with the process. Where there is none to be had, a dummy link does as in
//! node-cache, and where the kernel has no dummy links, the loopback link: both outlive the process, so they are the second
//! choice and the third, and what was chosen and why is said.

use std::io;
use std::net::IpAddr;

use nodens_sys::{Link, Links, Tun, TunError};

use super::note::Note;

/// A link that carries the addresses.
#[derive(Debug)]
pub(super) struct Carrier {
    kind: Kind,
    pub(super) index: u32,
    pub(super) name: String,
}

#[derive(Debug)]
enum Kind {
    Tun(Tun),
    /// A link that stays unless it is deleted.
    Dummy,
    /// The loopback link, which is everybody's.
    Loopback,
}

/// Why there is no link for the addresses.
#[derive(Debug, thiserror::Error)]
pub(super) enum CarrierError {
    /// The kernel does not let us.
    #[error("{operation}")]
    Refused {
        operation: String,
        source: io::Error,
    },
}

impl Carrier {
    /// Makes the link. One of that name that node-cache left is relieved of `addresses` and deleted.
    pub(super) fn make(
        links: &Links,
        wanted: &str,
        addresses: &[IpAddr],
        notes: &mut Vec<Note>,
    ) -> Result<Self, CarrierError> {
        let leftover = leftover(links, wanted, addresses)?;
        let tun = free_name(links, wanted, leftover.as_ref())
            .and_then(|name| Ok((Tun::create(&name).map_err(Unavailable::Tun)?, name)));
        match tun {
            Ok((tun, name)) => Self::with_tun(links, tun, name, wanted, leftover, addresses, notes),
            Err(reason) => {
                notes.push(Note::fallback("tun", &reason.to_string()));
                Self::without_tun(links, wanted, leftover, notes)
            }
        }
    }

    /// Makes the device anew after somebody deleted it, under the same descriptor.
    pub(super) fn remake(
        &mut self,
        links: &Links,
        wanted: &str,
        addresses: &[IpAddr],
        notes: &mut Vec<Note>,
    ) -> Result<(), CarrierError> {
        let mut new = Self::make(links, wanted, addresses, notes)?;
        if let (Kind::Tun(lost), Kind::Tun(_)) = (&mut self.kind, &new.kind) {
            let Kind::Tun(tun) = std::mem::replace(&mut new.kind, Kind::Loopback) else {
                return Ok(());
            };
            tun.take_place_of(lost)
                .map_err(refused(&format!("keep {}", new.name)))?;
            (self.index, self.name) = (new.index, new.name);
        } else {
            *self = new;
        }
        Ok(())
    }

    /// Takes away what would outlive the process.
    pub(super) fn clear(&self, links: &Links, addresses: &[IpAddr]) {
        match self.kind {
            Kind::Tun(_) => {}
            // Nobody is left to be told, and the next start clears what stays.
            Kind::Dummy => drop(links.delete(self.index)),
            Kind::Loopback => {
                for &address in addresses {
                    let _ = links.delete_address(self.index, address);
                }
            }
        }
    }

    fn with_tun(
        links: &Links,
        tun: Tun,
        name: String,
        wanted: &str,
        leftover: Option<Link>,
        addresses: &[IpAddr],
        notes: &mut Vec<Note>,
    ) -> Result<Self, CarrierError> {
        let index = index_of(links, &name)?;
        let mut carrier = Self {
            kind: Kind::Tun(tun),
            index,
            name,
        };
        if let Some(old) = leftover {
            // The addresses are never gone: ours are there before the old link goes. IPv6 takes none on a link that is down.
            for &address in addresses.iter().filter(|address| address.is_ipv4()) {
                links
                    .add_address(index, address)
                    .map_err(refused(&format!("add {address} to {}", carrier.name)))?;
            }
            links.delete(old.index).map_err(refused(&format!(
                "delete the link {} that node-cache left",
                old.name
            )))?;
            notes.push(Note::info(format!(
                "took the addresses over from the {} link {} of node-cache, and deleted it",
                old.kind.as_deref().unwrap_or("unknown"),
                old.name
            )));
            if links.rename(index, wanted).is_ok() {
                wanted.clone_into(&mut carrier.name);
            }
        } else if carrier.name != wanted {
            notes.push(Note::info(format!(
                "another program holds the link {wanted}: the addresses are on {}",
                carrier.name
            )));
        }
        links
            .bring_up(index)
            .map_err(refused(&format!("bring {} up", carrier.name)))?;
        Ok(carrier)
    }

    fn without_tun(
        links: &Links,
        wanted: &str,
        leftover: Option<Link>,
        notes: &mut Vec<Note>,
    ) -> Result<Self, CarrierError> {
        if let Some(old) = leftover {
            notes.push(Note::info(format!(
                "took over the link {wanted} of node-cache"
            )));
            return Ok(Self {
                kind: Kind::Dummy,
                index: old.index,
                name: old.name,
            });
        }
        match links.add(wanted, "dummy") {
            Ok(()) => {
                let index = index_of(links, wanted)?;
                links
                    .bring_up(index)
                    .map_err(refused(&format!("bring {wanted} up")))?;
                notes.push(Note::info(format!(
                    "the addresses are on the dummy link {wanted}, which stays when the process is killed"
                )));
                Ok(Self {
                    kind: Kind::Dummy,
                    index,
                    name: wanted.to_owned(),
                })
            }
            Err(error) if error.raw_os_error() == Some(NOT_SUPPORTED) => {
                notes.push(Note::fallback("dummy", "this kernel has no dummy links"));
                notes.push(Note::info(
                    "the addresses are on the loopback link, where they stay when the process is killed".into(),
                ));
                Ok(Self {
                    kind: Kind::Loopback,
                    index: index_of(links, "lo")?,
                    name: "lo".into(),
                })
            }
            Err(error) => Err(refused(&format!("add a link {wanted}"))(error)),
        }
    }
}

/// Why there is no TUN device.
#[derive(Debug)]
enum Unavailable {
    Tun(TunError),
    Names,
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tun(error) => {
                write!(out, "{}", crate::node::note::with_causes(error))?;
                match error {
                    TunError::Open(source) if source.kind() == io::ErrorKind::NotFound => {
                        out.write_str(": mount the device into the container")
                    }
                    TunError::Open(source) if source.raw_os_error() == Some(NOT_PERMITTED) => {
                        out.write_str(": the container's device rules forbid it")
                    }
                    TunError::Make { source, .. }
                        if source.raw_os_error() == Some(NOT_PERMITTED) =>
                    {
                        out.write_str(": it needs CAP_NET_ADMIN")
                    }
                    _ => Ok(()),
                }
            }
            Self::Names => out.write_str("all names for it are taken"),
        }
    }
}

/// A link of the wanted name that nobody holds any more: node-cache's, or one that carries our addresses.
fn leftover(
    links: &Links,
    wanted: &str,
    addresses: &[IpAddr],
) -> Result<Option<Link>, CarrierError> {
    let look = refused(&format!("look for the link {wanted}"));
    let Some(link) = links.find(wanted).map_err(&look)? else {
        return Ok(None);
    };
    if link.kind.as_deref() == Some("tun") && !link.persistent {
        return Ok(None);
    }
    let carries = links.addresses().map_err(&look)?;
    let carries = carries
        .iter()
        .any(|(index, address)| *index == link.index && addresses.contains(address));
    let is_leftover = carries || link.kind.as_deref() == Some("dummy");
    Ok(is_leftover.then_some(link))
}

/// The wanted name, or with a number behind it when a link has it already.
fn free_name(links: &Links, wanted: &str, leftover: Option<&Link>) -> Result<String, Unavailable> {
    let taken = |name: &str| matches!(links.find(name), Ok(Some(_)));
    if leftover.is_none() && !taken(wanted) {
        return Ok(wanted.to_owned());
    }
    let stem = wanted.get(..NAME_LENGTH - 2).unwrap_or(wanted);
    let mut names = (1..=9).map(|number| format!("{stem}-{number}"));
    names.find(|name| !taken(name)).ok_or(Unavailable::Names)
}

fn index_of(links: &Links, name: &str) -> Result<u32, CarrierError> {
    let look = refused(&format!("look for the link {name}"));
    let link = links.find(name).map_err(&look)?;
    link.map(|link| link.index)
        .ok_or_else(|| look(io::ErrorKind::NotFound.into()))
}

fn refused(operation: &str) -> impl Fn(io::Error) -> CarrierError + use<> {
    let operation = operation.to_owned();
    move |source| CarrierError::Refused {
        operation: operation.clone(),
        source,
    }
}

/// `IFNAMSIZ` without the zero byte.
const NAME_LENGTH: usize = 15;
/// `EOPNOTSUPP`
const NOT_SUPPORTED: i32 = 95;
/// `EPERM`
const NOT_PERMITTED: i32 = 1;
