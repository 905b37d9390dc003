//! Network namespaces without names.
//!
//! A namespace lives as long as something refers to it. These are held by a descriptor of the test
//! process and by nothing else, so that the kernel removes them, and the interfaces in them, when
//! the process ends in whatever way. Processes inside are sent SIGKILL when the test's thread is
//! gone.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace.
#[derive(Debug)]
pub(crate) struct Namespace(File);

impl Namespace {
    pub(crate) fn new() -> Self {
        let mut child = Command::new("unshare")
            .args(["--net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b".").unwrap();
        // It answers once it is in its new namespace.
        let mut byte = [0];
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut byte).unwrap();
        let file = File::open(format!("/proc/{}/ns/net", child.id())).unwrap();
        drop(input);
        child.wait().unwrap();
        Self(file)
    }

    /// A path at which other programs find it.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Does something inside, in a thread of its own. Sockets made there stay there.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        };
        let outcome = std::thread::scope(|scope| scope.spawn(inside).join());
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// A command to be run inside. It ends with the thread that runs it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path()));
        command.args(["setpriv", "--pdeathsig", "KILL", program]);
        command
    }

    /// Gives lines of `ip -batch` to the kernel.
    pub(crate) fn ip(&self, lines: &str) {
        self.feed(&["ip", "-batch", "-"], lines);
    }

    /// Gives rules to the packet filter.
    pub(crate) fn nft(&self, rules: &str) {
        self.feed(&["nft", "-f", "-"], rules);
    }

    /// Drops all that comes in and matches `what`, until [`Self::let_in`].
    pub(crate) fn drop_incoming(&self, what: &str) {
        self.nft(&format!(
            "table inet lab {{ chain input {{ type filter hook input priority 0; {what} drop; }}; }}"
        ));
    }

    /// Drops nothing any more.
    pub(crate) fn let_in(&self) {
        self.nft("flush ruleset");
    }

    fn feed(&self, program: &[&str], lines: &str) {
        let mut child = self
            .command(program[0])
            .args(&program[1..])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(lines.as_bytes()).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success(), "{program:?}:\n{lines}");
    }
}
