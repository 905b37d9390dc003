//! A node made of network namespaces: a bridge with a pod and two cluster DNS servers, and rules in the shape kube-proxy
//! writes for the addresses of the cluster DNS service.
//!
//! Each namespace lives as long as a process that holds it, and that process ends with its standard input, which is ours: what
//! a test leaves behind, even one that is killed, is nothing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The way rules for the Service are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// By the newer iptables.
    IptablesNft,
    /// By the older iptables.
    IptablesLegacy,
    /// By kube-proxy in its nftables mode.
    Nftables,
}

/// The namespaces and what runs in them.
pub(crate) struct Lab {
    pub(crate) node: Namespace,
    pub(crate) pod: Namespace,
    pub(crate) directory: PathBuf,
    servers: Vec<Child>,
    dns: Vec<Namespace>,
    /// What is measured on one node would be disturbed by another.
    _alone: MutexGuard<'static, ()>,
}

/// A network namespace.
pub(crate) struct Namespace {
    holder: Child,
}

/// A running cache.
pub(crate) struct Cache {
    pub(crate) process: Child,
    pub(crate) log: PathBuf,
}

impl Lab {
    /// Builds a node; nothing, with the reason printed, where that is not allowed.
    pub(crate) fn new(proxy: Proxy) -> Option<Self> {
        let probe = Command::new("unshare")
            .args(["-n", "true"])
            .stderr(Stdio::null())
            .status();
        if !probe.is_ok_and(|status| status.success()) {
            assert!(std::env::var_os("LAB").is_none(), "no network namespaces");
            eprintln!("skipped: no network namespaces for this user");
            return None;
        }
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = COUNT.fetch_add(1, Relaxed);
        let directory =
            std::env::temp_dir().join(format!("nodens-node-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (node, pod) = (Namespace::new(), Namespace::new());
        let dns = vec![Namespace::new(), Namespace::new()];
        node.shell(
            "ip link add cni0 type bridge; ip addr add 10.244.1.1/24 dev cni0; ip link set cni0 up
             ip route add default via 10.244.1.254; sysctl -qw net.ipv4.ip_forward=1
             ip -6 addr add fd00:1::1/64 dev cni0 nodad; sysctl -qw net.ipv6.conf.all.forwarding=1",
        );
        for (name, host, namespace) in [
            ("pod", 11, &pod),
            ("dns1", 2, &dns[0]),
            ("dns2", 3, &dns[1]),
        ] {
            let pid = namespace.holder.id();
            node.shell(&format!(
                "ip link add {name} type veth peer name eth0 netns {pid}; ip link set {name} master cni0 up"
            ));
            namespace.shell(&format!(
                "ip addr add 10.244.1.{host}/24 dev eth0; ip addr add fd00:1::{host}/64 dev eth0 nodad
                 ip link set eth0 up; ip route add default via 10.244.1.1; ip -6 route add default via fd00:1::1"
            ));
        }
        let mut lab = Self {
            node,
            pod,
            directory,
            servers: Vec::new(),
            dns,
            _alone: alone,
        };
        for number in 0..2 {
            lab.start_server(number);
        }
        lab.node.shell(&service_rules(proxy));
        lab.wait_for("the cluster DNS service", || lab.pod.asks("10.96.0.10"));
        Some(lab)
    }

    /// Starts the cluster DNS server of a number, which answers every name with 192.0.2.1 or 192.0.2.2.
    pub(crate) fn start_server(&mut self, number: usize) {
        let path = self.directory.join(format!("dns{number}"));
        let answer = format!("192.0.2.{}", number + 1);
        let text = format!(
            ".:53 {{\n template IN A {{\n answer \"{{{{ .Name }}}} 60 IN A {answer}\"\n }}\n}}\n"
        );
        fs::write(&path, text).unwrap();
        let log = File::create(path.with_extension("log")).unwrap();
        let mut command = self.dns[number].command(PROGRAM);
        command.args(["cache", "-conf"]).arg(&path).stdout(log);
        self.servers.push(command.spawn().unwrap());
    }

    /// Starts the cache with a Corefile in node-cache's shape for these addresses, and more flags.
    pub(crate) fn start_cache(&self, addresses: &str, flags: &[&str]) -> Cache {
        self.start(self.node.command(PROGRAM), addresses, flags)
    }

    fn start(&self, mut command: Command, addresses: &str, flags: &[&str]) -> Cache {
        let bind = addresses.replace(',', " ");
        let text = format!(
            "cluster.local:53 {{\n errors\n cache 30\n bind {bind}\n forward . 10.96.0.11\n health 169.254.20.10:8080\n}}\n\
             .:53 {{\n errors\n cache 30\n bind {bind}\n forward . 10.96.0.11\n prometheus :9253\n}}\n"
        );
        let corefile = self.directory.join("Corefile");
        fs::write(&corefile, text).unwrap();
        let number = COUNT.fetch_add(1, Relaxed);
        let log = self.directory.join(format!("cache-{number}.log"));
        command
            .args(["cache", "-conf"])
            .arg(corefile)
            .args(["-localip", addresses])
            .args(flags);
        let file = File::create(&log).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Cache {
            process: command.spawn().unwrap(),
            log,
        }
    }

    /// Starts the cache by a shell script that ends with `exec "$@"`.
    pub(crate) fn start_cache_from(&self, script: &str, flags: &[&str]) -> Cache {
        let mut command = self.node.command("unshare");
        command.args(["-m", "sh", "-ec", script, "sh", PROGRAM]);
        self.start(command, ADDRESSES, flags)
    }

    /// Starts the cache at the usual two addresses and waits until the node's traffic comes to it.
    pub(crate) fn start_active(&self, flags: &[&str]) -> Cache {
        let cache = self.start_cache(ADDRESSES, flags);
        self.wait_until_active(&cache);
        cache
    }

    pub(crate) fn wait_until_active(&self, cache: &Cache) {
        self.wait_for("interception", || {
            let log = cache.log();
            let (came, went) = (
                log.matches("comes to this cache").count(),
                log.matches("longer directed").count(),
            );
            came > went
        });
    }

    /// Waits for something that takes a moment.
    pub(crate) fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
        let start = Instant::now();
        while !condition() {
            if start.elapsed() > PATIENCE {
                let mut logs = String::new();
                for entry in fs::read_dir(&self.directory).unwrap().flatten() {
                    if entry
                        .path()
                        .extension()
                        .is_some_and(|extension| extension == "log")
                    {
                        let text = fs::read_to_string(entry.path()).unwrap();
                        logs.push_str(&format!("--- {}\n{text}", entry.path().display()));
                    }
                }
                panic!("waited for {what} in vain\n{}\n{logs}", self.node.state());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        start.elapsed()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Namespace {
    fn new() -> Self {
        let holder = Command::new("unshare")
            .args([
                "-n",
                "sh",
                "-c",
                "ip link set lo up && echo ready && exec cat",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut namespace = Self { holder };
        let mut ready = [0; 6];
        let output = namespace.holder.stdout.as_mut().unwrap();
        std::io::Read::read_exact(output, &mut ready).unwrap();
        namespace
    }

    fn path(&self) -> PathBuf {
        Path::new("/proc")
            .join(self.holder.id().to_string())
            .join("ns/net")
    }

    /// A program that will run here. It is started by exec, so its process number is the program's own.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.path().display()))
            .arg(program);
        command
    }

    /// Runs a shell script here and gives what it prints.
    pub(crate) fn shell(&self, script: &str) -> String {
        let output = self.command("sh").args(["-ec", script]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs something on a thread here.
    pub(crate) fn enter<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let namespace = File::open(self.path()).unwrap();
        std::thread::spawn(move || {
            move_into_link_name_space(
                std::os::fd::AsFd::as_fd(&namespace),
                Some(LinkNameSpaceType::Network),
            )
            .unwrap();
            run()
        })
    }

    /// Whether a question asked here is answered.
    pub(crate) fn asks(&self, server: &str) -> bool {
        !self.answer(server, "probe.cluster.local").is_empty()
    }

    /// What `dig` says.
    pub(crate) fn answer(&self, server: &str, name: &str) -> String {
        let server = format!("@{server}");
        let mut command = self.command("dig");
        command.args(["+short", "+time=1", "+tries=1", &server, name]);
        let output = command.output().unwrap();
        if !output.status.success() {
            return String::new();
        }
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Links, addresses and rules, without what is counted.
    pub(crate) fn state(&self) -> String {
        self.shell(
            "ip -br addr; nft -s list ruleset 2>&1
             { iptables-legacy-save; ip6tables-legacy-save; } | grep -v '^#' | sed 's/\\[.*\\]//'",
        )
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Cache {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.process.id(), name);
    }

    /// Ends it and gives how long that took.
    pub(crate) fn end(&mut self, name: &str) -> Duration {
        let start = Instant::now();
        self.signal(name);
        self.process.wait().unwrap();
        start.elapsed()
    }

    /// The child process of a supervised cache.
    pub(crate) fn child(&self) -> Option<u32> {
        let id = self.process.id();
        let text = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// What kube-proxy writes for two Services with the same two endpoints, cut down to what matters here.
fn service_rules(proxy: Proxy) -> String {
    let program = match proxy {
        Proxy::IptablesNft => "iptables-nft",
        Proxy::IptablesLegacy => "iptables-legacy",
        Proxy::Nftables => {
            return "nft -f - <<'END'
table ip kube-proxy {
  chain services {
    ip daddr { 10.96.0.10, 10.96.0.11 } meta l4proto { tcp, udp } th dport 53 dnat to numgen random mod 2 map { 0 : 10.244.1.2, 1 : 10.244.1.3 }
  }
  chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
  chain nat-postrouting { type nat hook postrouting priority srcnat; ip saddr != 10.244.1.0/24 ip daddr 10.244.1.0/24 masquerade; }
}
END"
            .to_owned();
        }
    };
    format!(
        "for svc in 10.96.0.10 10.96.0.11; do for p in udp tcp; do
           {program} -t nat -N KUBE-SVC-$svc-$p
           {program} -t nat -A KUBE-SVC-$svc-$p -m statistic --mode random --probability 0.5 -p $p -j DNAT --to-destination 10.244.1.2:53
           {program} -t nat -A KUBE-SVC-$svc-$p -p $p -j DNAT --to-destination 10.244.1.3:53
           for c in PREROUTING OUTPUT; do {program} -t nat -A $c -d $svc -p $p --dport 53 -j KUBE-SVC-$svc-$p; done
         done; done
         {program} -t nat -A POSTROUTING ! -s 10.244.1.0/24 -d 10.244.1.0/24 -j MASQUERADE"
    )
}

/// The link-local address and that of the cluster DNS service.
pub(crate) const ADDRESSES: &str = "169.254.20.10,10.96.0.10";
const PROGRAM: &str = env!("CARGO_BIN_EXE_nodens");
const PATIENCE: Duration = Duration::from_secs(20);
static ALONE: Mutex<()> = Mutex::new(());
static COUNT: AtomicU32 = AtomicU32::new(0);
