//! The program under test.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::lab::{Lab, NODE, socket};
use super::log::LogLine;
use super::namespace::Namespace;
use super::process::Process;
use super::wait::{eventually, until};

/// A running `nodens cache` in the node of a lab.
#[derive(Debug)]
pub(crate) struct Nodens<'lab> {
    process: Process,
    lab: &'lab Lab,
    log: PathBuf,
}

impl<'lab> Nodens<'lab> {
    /// Starts it and waits until it answers.
    pub(crate) fn start(lab: &'lab Lab, corefile: &str) -> Self {
        let mut nodens = Self::spawn(lab, corefile);
        let ready = eventually(Duration::from_secs(10), || match nodens.process.ended() {
            Some(status) => Some(Err(status)),
            None => lab.directory.path().join("pid").exists().then_some(Ok(())),
        });
        match ready {
            Some(Ok(())) => nodens,
            Some(Err(status)) => panic!("ended at start, {status}:\n{}", nodens.log()),
            None => panic!("did not become ready:\n{}", nodens.log()),
        }
    }

    /// Starts it and waits for nothing.
    pub(crate) fn spawn(lab: &'lab Lab, corefile: &str) -> Self {
        let corefile = lab.directory.write("Corefile", corefile);
        let pid = lab.directory.path().join("pid");
        let _ = std::fs::remove_file(&pid);
        let log = lab.directory.path().join("log");
        let output = File::create(&log).unwrap();
        let mut command = Self::command(&lab.node);
        command.arg("-conf").arg(corefile).arg("-pidfile").arg(pid);
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let process = Process::spawn(&mut command);
        Self { process, lab, log }
    }

    /// The program's subcommand, without arguments.
    pub(crate) fn command(namespace: &Namespace) -> Command {
        let mut command = namespace.command(env!("CARGO_BIN_EXE_nodens"));
        command.arg("cache").stdin(Stdio::null());
        command
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    pub(crate) fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        self.process.wait(patience)
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The lines of its query log.
    pub(crate) fn query_log(&self) -> Vec<LogLine> {
        self.log().lines().filter_map(LogLine::parse).collect()
    }

    /// Waits until it has written `text`, so many times.
    pub(crate) fn wait_for_log(&self, text: &str, times: usize) {
        let found = || self.log().matches(text).count() >= times;
        let seen = until(Duration::from_secs(8), found);
        assert!(seen, "{text:?} is not in the log {times}x:\n{}", self.log());
    }

    /// The sum of the series of a metric whose labels hold all of `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let (status, text) = self.page(9253, "/metrics");
        assert_eq!(status, 200, "{text}");
        let of_name = |line: &&str| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '{']))
        };
        let lines = text.lines().filter(of_name);
        let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        lines
            .map(|line| {
                let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
                // All that is asked for here counts something.
                format!("{value:.0}").parse::<u64>().unwrap()
            })
            .sum()
    }

    /// Fetches a page from a port of the node.
    pub(crate) fn page(&self, port: u16, path: &str) -> (u16, String) {
        let fetched = self.try_page(port, path);
        fetched.unwrap_or_else(|error| panic!("{path} at port {port}: {error}"))
    }

    pub(crate) fn try_page(&self, port: u16, path: &str) -> std::io::Result<(u16, String)> {
        let to = SocketAddr::new(socket(NODE).ip(), port);
        let patience = Duration::from_secs(5);
        let mut socket = self
            .lab
            .client
            .enter(|| TcpStream::connect_timeout(&to, patience))?;
        socket.set_read_timeout(Some(patience))?;
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok((status.unwrap_or(0), body.to_owned()))
    }

    /// CPU time used so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
        let ticks: u64 = fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap();
        // USER_HZ is 100 on every architecture there is a kernel for today.
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = self.proc("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes * 1024
    }

    /// The id of the thread called `name`.
    pub(crate) fn thread(&self, name: &str) -> u32 {
        let tasks = Path::new("/proc").join(self.id().to_string()).join("task");
        let mut tasks = std::fs::read_dir(tasks).unwrap().flatten();
        let named = |task: &std::fs::DirEntry| {
            std::fs::read_to_string(task.path().join("comm"))
                .is_ok_and(|comm| comm.trim_end() == name)
        };
        let task = tasks.find(named).unwrap();
        task.file_name().to_str().unwrap().parse().unwrap()
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.id())).unwrap()
    }
}
