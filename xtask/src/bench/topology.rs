//! Three network namespaces: the server in the middle, its client and its upstream beside it.
//!
//! ```text
//! client 10.53.0.2 ──veth── 10.53.0.1 server 10.53.1.1 ──veth── 10.53.1.2 upstream
//! ```
//!
//! Both ends of each link are made inside the namespaces, so the machine's own network is never
//! touched, and addresses may be the same in every run.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Options;
use crate::step::run;

/// The namespaces of one run; they end with it.
pub(crate) struct Topology {
    prefix: String,
    server_cpu: usize,
    client_cpu: usize,
    realtime: bool,
}

/// One of the three namespaces.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Server,
    Client,
    Upstream,
}

impl Topology {
    /// Makes the namespaces, after removing those of runs that were killed.
    pub(crate) fn set_up(options: &Options) -> Result<Self> {
        remove_leftovers()?;
        let prefix = format!("{PREFIX}{}", std::process::id());
        // From here on `Drop` takes down whatever part of this succeeded.
        let Options {
            server_cpu,
            client_cpu,
            realtime,
            ..
        } = *options;
        let topology = Self {
            prefix,
            server_cpu,
            client_cpu,
            realtime,
        };
        for place in Place::ALL {
            run(ip().args(["netns", "add", &topology.name(place)]))?;
            topology.ip(place, "link set lo up")?;
        }
        topology.connect(Place::Client, CLIENT_LINK, SERVER, CLIENT)?;
        topology.connect(Place::Upstream, UPSTREAM_LINK, SERVER_TO_UPSTREAM, UPSTREAM)?;
        Ok(topology)
    }

    /// A link between the server's namespace and another's.
    fn connect(&self, other: Place, link: &str, here: &str, there: &str) -> Result<()> {
        let peer = self.name(other);
        let add = format!("link add {link} type veth peer name {SERVER_LINK} netns {peer}");
        self.ip(Place::Server, &add)?;
        for (place, device, address) in [(Place::Server, link, here), (other, SERVER_LINK, there)] {
            self.ip(place, &format!("address add {address}/24 dev {device}"))?;
            self.ip(place, &format!("link set {device} up"))?;
        }
        Ok(())
    }

    /// Runs `ip` in a namespace, with words separated by blanks.
    fn ip(&self, place: Place, words: &str) -> Result<()> {
        run(ip().args(["-n", &self.name(place)]).args(words.split(' ')))
    }

    fn name(&self, place: Place) -> String {
        let suffix = match place {
            Place::Server => "server",
            Place::Client => "client",
            Place::Upstream => "upstream",
        };
        format!("{}-{suffix}", self.prefix)
    }

    /// A program to be run in a namespace, on its CPU, that dies with this process. All
    /// helpers replace themselves, so the child's process id is the program's own.
    pub(crate) fn command(&self, place: Place, program: impl AsRef<Path>) -> Command {
        let cpu = match place {
            Place::Server => self.server_cpu,
            Place::Client | Place::Upstream => self.client_cpu,
        };
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name(place)));
        if self.realtime {
            // Nice values would not do: they count only within a session (autogroup).
            command.args(["chrt", "--rr", "1"]);
        }
        command
            .args(["taskset", "--cpu-list", &cpu.to_string()])
            .args(["setpriv", "--pdeathsig", "KILL"])
            .arg(program.as_ref());
        command
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        for place in Place::ALL {
            let name = self.name(place);
            if Path::new("/run/netns").join(&name).exists()
                && let Err(error) = run(ip().args(["netns", "delete", &name]))
            {
                println!("cannot remove namespace {name}: {error:#}");
            }
        }
    }
}

impl Place {
    const ALL: [Self; 3] = [Self::Server, Self::Client, Self::Upstream];
}

/// Removes the namespaces of runs whose process is gone.
fn remove_leftovers() -> Result<()> {
    let Ok(entries) = fs::read_dir("/run/netns") else {
        return Ok(());
    };
    for entry in entries {
        let name = entry
            .context("list /run/netns")?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if is_left_over(&name) {
            run(ip().args(["netns", "delete", &name]))?;
        }
    }
    Ok(())
}

/// Whether something is named after a run whose process is gone.
pub(crate) fn is_left_over(name: &str) -> bool {
    let owner = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('-').next());
    owner.is_some_and(|process| !Path::new("/proc").join(process).exists())
}

fn ip() -> Command {
    Command::new("ip")
}

/// The address under test.
pub(crate) const SERVER: &str = "10.53.0.1";
/// The address of the upstream.
pub(crate) const UPSTREAM: &str = "10.53.1.2";
/// The device that leads to the server, in both other namespaces.
pub(crate) const SERVER_LINK: &str = "server";

const CLIENT: &str = "10.53.0.2";
const SERVER_TO_UPSTREAM: &str = "10.53.1.1";
const CLIENT_LINK: &str = "client";
const UPSTREAM_LINK: &str = "upstream";
/// What the names of namespaces and temporary directories start with; the process id follows.
pub(crate) const PREFIX: &str = "nodens-bench-";
