//! A node: a network of its own, and the file system as a container of the stock manifest sees it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The node. What runs in it ends with it.
pub(crate) struct Node {
    holder: Child,
    network: File,
    running: Vec<Child>,
    published: u32,
}

impl Node {
    /// A node with these addresses; `None`, with the reason said, where that is not possible.
    pub(crate) fn new(addresses: &[&str]) -> Option<Self> {
        if rustix::process::geteuid().is_root() {
            return Some(Self::make(addresses));
        }
        assert!(
            std::env::var_os("LAB").is_none_or(|value| value != "required"),
            "LAB=required: namespaces need root"
        );
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        // Past the capture of the test's output: a skip must be seen.
        let _ = writeln!(std::io::stderr(), "skipped: {test}: namespaces need root");
        None
    }

    fn make(addresses: &[&str]) -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_nodens")).parent().unwrap();
        let mut script = format!(
            "set -e; mount --bind {} /mnt; mount -t tmpfs tmpfs /etc; mkdir -p /etc/coredns /etc/kube-dns; mount -t tmpfs tmpfs /tmp; \
             ln -s /mnt/nodens /tmp/node-cache; ip link set lo up;",
            binary.display()
        );
        for address in addresses {
            let _ = write!(script, " ip address add {address} dev lo;");
        }
        script.push_str(" echo ready; exec cat");
        let mut holder = Command::new("unshare")
            .args([
                "--net",
                "--mount",
                "setpriv",
                "--pdeathsig",
                "KILL",
                "sh",
                "-c",
                &script,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        let output = holder.stdout.as_mut().unwrap();
        output.read_exact(&mut ready).expect("the node is made");
        let network = File::open(format!("/proc/{}/ns/net", holder.id())).unwrap();
        Self {
            holder,
            network,
            running: Vec::new(),
            published: 0,
        }
    }

    /// A path of the node as others see it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.holder.id()))
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path(path), text).unwrap();
    }

    /// Publishes a key of a mounted `ConfigMap` as the kubelet does: a new directory, and the link `..data` swapped.
    pub(crate) fn publish(&mut self, directory: &str, key: &str, text: &str) {
        self.published += 1;
        let directory = self.path(directory);
        let version = format!("..version_{}", self.published);
        std::fs::create_dir(directory.join(&version)).unwrap();
        std::fs::write(directory.join(&version).join(key), text).unwrap();
        symlink(&version, directory.join("..data_tmp")).unwrap();
        std::fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
        let link = directory.join(key);
        if !link.is_symlink() {
            symlink(format!("..data/{key}"), link).unwrap();
        }
    }

    /// A command of the node. It ends with the thread that runs it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder.id()));
        command.args([
            "--net",
            "--mount",
            "--wd=/",
            "setpriv",
            "--pdeathsig",
            "KILL",
            program,
        ]);
        command.stdin(Stdio::null());
        command
    }

    /// Starts a cache under the name `node-cache` with its output in `log`, and waits until it has written `pid_file`.
    pub(crate) fn start(&mut self, log: &str, pid_file: &str, arguments: &[&str]) -> u32 {
        let _ = std::fs::remove_file(self.path(pid_file));
        let mut command = self.command("/tmp/node-cache");
        let id = self.spawn(log, command.args(arguments));
        let started = until(|| !self.read(pid_file).is_empty());
        assert!(started, "not ready:\n{}", self.read(log));
        id
    }

    /// Starts a command with its output in `log` and the environment of a container.
    pub(crate) fn spawn(&mut self, log: &str, command: &mut Command) -> u32 {
        let output = File::create(self.path(log)).unwrap();
        command.env(SERVICE_HOST, CLUSTER_DNS);
        command.stdout(output.try_clone().unwrap()).stderr(output);
        self.running.push(command.spawn().unwrap());
        self.running.last().unwrap().id()
    }

    /// Runs a script in the node, to its end.
    pub(crate) fn run(&self, script: &str) {
        let status = self.command("sh").args(["-e", "-c", script]).status();
        assert!(status.unwrap().success(), "{script}");
    }

    /// Starts servers, each an address and the address it answers every name with, as a user with some `privileges`.
    pub(crate) fn start_servers(&mut self, servers: &[(&str, &str)], privileges: &[&str]) {
        let mut corefile = String::new();
        for (address, answer) in servers {
            let _ = writeln!(
                corefile,
                ".:53 {{\n  bind {address}\n  template IN A {{\n    answer \"{{{{ .Name }}}} 60 IN A {answer}\"\n  }}\n}}"
            );
        }
        self.write("/tmp/servers.Corefile", &corefile);
        let mut command = self.command("setpriv");
        command.args(privileges).arg("/tmp/node-cache");
        command.args(["-conf", "/tmp/servers.Corefile"]);
        self.spawn("/tmp/servers.log", &mut command);
        for (address, answer) in servers {
            let answers = || self.ask(address, "www.example.org") == answer.parse().ok();
            assert!(until(answers), "{}", self.read("/tmp/servers.log"));
        }
    }

    /// Ends a process that was started, and waits for it.
    pub(crate) fn end(&mut self, id: u32, signal: rustix::process::Signal) -> ExitStatus {
        let process = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
        let place = self.running.iter().position(|child| child.id() == id);
        self.running.remove(place.unwrap()).wait().unwrap()
    }

    /// Does something in the node's network, in a thread of its own.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(self.network.as_fd(), kind).unwrap();
                work()
            });
            inside.join().unwrap()
        })
    }

    /// The address that `server` gives for `name` over UDP.
    pub(crate) fn ask(&self, server: &str, name: &str) -> Option<Ipv4Addr> {
        let server: IpAddr = server.parse().unwrap();
        let question = question(name);
        let reply = self.enter(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.connect((server, 53)).ok()?;
            socket.send(&question).ok()?;
            let mut reply = vec![0; 512];
            let length = socket.recv(&mut reply).ok()?;
            reply.truncate(length);
            Some(reply)
        })?;
        address(&reply)
    }

    /// The same over TCP.
    pub(crate) fn ask_over_tcp(&self, server: &str, name: &str) -> Option<Ipv4Addr> {
        let server = SocketAddr::new(server.parse().unwrap(), 53);
        let question = question(name);
        let reply = self.enter(|| {
            let mut socket = TcpStream::connect_timeout(&server, PATIENCE).ok()?;
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let length = u16::try_from(question.len()).unwrap();
            socket.write_all(&length.to_be_bytes()).ok()?;
            socket.write_all(&question).ok()?;
            let mut length = [0; 2];
            socket.read_exact(&mut length).ok()?;
            let mut reply = vec![0; u16::from_be_bytes(length).into()];
            socket.read_exact(&mut reply).ok()?;
            Some(reply)
        })?;
        address(&reply)
    }

    /// A page; empty when nobody serves it.
    pub(crate) fn page(&self, address: &str, path: &str) -> String {
        let address: SocketAddr = address.parse().unwrap();
        let read = || {
            let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            write!(
                socket,
                "GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"
            )?;
            let mut text = String::new();
            socket.read_to_string(&mut text)?;
            Ok::<_, std::io::Error>(text)
        };
        self.enter(read).unwrap_or_default()
    }
}

/// The sum of the series of a metric that have all of these labels; `None` without one.
pub(crate) fn metric(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let of_name = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([' ', '{']))
    };
    let lines = page.lines().filter(of_name);
    lines
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .reduce(|sum, value| sum + value)
}

impl Drop for Node {
    fn drop(&mut self) {
        for child in self.running.iter_mut().chain([&mut self.holder]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for a condition; false when it does not come true.
pub(crate) fn until(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A question for an address, with recursion desired and without EDNS.
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}

/// The address of a reply whose only record is one.
fn address(reply: &[u8]) -> Option<Ipv4Addr> {
    let counts = reply.get(6..12)?;
    let octets: [u8; 4] = reply.get(reply.len() - 4..)?.try_into().ok()?;
    (counts == [0, 1, 0, 0, 0, 0]).then(|| octets.into())
}

/// What node-cache counts when something cannot be set up.
pub(crate) const SETUP_ERRORS: &str = "coredns_nodecache_setup_errors_total";

/// Where the kubelet says the address of Service kube-dns-upstream, and that address.
pub(crate) const SERVICE_HOST: &str = "KUBE_DNS_UPSTREAM_SERVICE_HOST";
pub(crate) const CLUSTER_DNS: &str = "10.107.88.200";

const PATIENCE: Duration = Duration::from_secs(2);
