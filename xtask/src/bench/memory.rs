//! What an entry takes: how much more memory a server takes with many names cached than with none.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::measure::{Bench, WARM_OUTSTANDING};
use super::record::{Phase, Records};
use super::subject::{Capacity, Kind, Subject};
use super::{Turn, names, usage};

impl Bench<'_> {
    /// Fills the cache, then asks everything again to learn how many entries it has kept: what
    /// the upstream hears of the second pass was not there.
    pub(crate) fn memory(
        &self,
        subject: &Subject,
        turn: Turn,
        records: &mut Records,
    ) -> Result<()> {
        if subject.kind() == Kind::Floor {
            return Ok(());
        }
        let path = self.scratch.path("many.names");
        if !path.exists() {
            names::write(&path, "many", self.options.memory_names)?;
        }
        let count = self.options.memory_names;
        // A kilobyte per name is enough for all; with 2 GB and more Knot Resolver 5.6 caches nothing.
        let capacity = Capacity {
            entries: count + count / 5,
            megabytes: 128 + count / 1000,
        };
        // Compared with the same server made for few names, because some take the memory for
        // all entries at the start (dnsmasq).
        let before = usage::memory(self.start(subject, FEW)?.id())?;
        let mut server = self.start(subject, capacity)?;
        let empty = usage::memory(server.id())?;
        self.client().ask_once(&path, WARM_OUTSTANDING, PASS)?;
        self.interrupt.sleep(SETTLE)?;
        server.must_run()?;
        let after = usage::memory(server.id())?;

        let client = self.client();
        let again = self.observe(&server, || client.ask_once(&path, WARM_OUTSTANDING, PASS))?;
        let kept = again.outcome.sent - again.upstream;
        let share = kept / again.outcome.sent;
        ensure!(
            share > KEPT,
            "the cache kept only {:.0} % of the names",
            share * 100.0
        );
        let mut add = |measure, value| records.add(subject, turn, Phase::Memory, measure, value);
        add("resident_bytes_before", before.resident);
        add("resident_bytes_empty", empty.resident);
        add("resident_bytes_after", after.resident);
        add("private_bytes_after", after.private);
        add("kept_share", share);
        let growth = (after.resident - before.resident) / kept;
        add("bytes_per_entry", growth);
        println!(
            "  {:<14} {growth:.0} bytes per entry, {kept:.0} entries kept",
            subject.name()
        );
        Ok(())
    }
}

/// A cache that takes no memory worth mentioning.
const FEW: Capacity = Capacity {
    entries: 1000,
    megabytes: 4,
};

/// With fewer entries kept, what was measured is not the cache.
const KEPT: f64 = 0.5;

/// The longest a pass over all names may take, in seconds.
const PASS: u64 = 300;

/// Memory freed late is not the cache's.
const SETTLE: Duration = Duration::from_secs(1);
