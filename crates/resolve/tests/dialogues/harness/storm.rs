//! A long time in which clients ask and upstreams do anything: answer, answer something else, send garbage, refuse, close, stay
//! silent. Whatever they do, each question has one reply within two seconds, and nothing is left behind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use nodens_resolve::{Failure, Transport};

use crate::messages::{answer, question};
use crate::scene::Scene;
use crate::script::Words;

/// Some thousand random steps.
pub(crate) fn run(seed: u64) -> Result<(), String> {
    let mut dice = Dice(seed);
    let mut scene = Scene::new(COREFILE)?;
    for round in 0..ROUNDS {
        let text = query_text(&mut dice);
        let step = match dice.below(10) {
            0..=3 => ask(&mut scene, &mut dice, round, &text),
            4..=7 => reply(&mut scene, &mut dice),
            8 => scene.pass(Duration::from_millis(dice.below(400))),
            _ if dice.below(500) == 0 => scene.reload(COREFILE),
            _ => scene.pass(Duration::from_millis(dice.below(5))),
        };
        step.map_err(|problem| format!("round {round}: {problem}"))?;
        let asks = std::mem::take(&mut scene.asks);
        let probes = std::mem::take(&mut scene.probes);
        scene.open.extend(asks.into_iter().chain(probes));
        scene.replies.clear();
        scene.events.clear();
        scene.check_patience(Duration::from_millis(1800))?;
    }
    scene.pass(Duration::from_secs(30))?;
    scene.check_replies()
}

fn query_text(dice: &mut Dice) -> String {
    let name = dice.pick(&["a", "b", "c", "d", "e", "f"]);
    let zone = dice.pick(&[
        "example.org",
        "Example.Net",
        "t.example.org",
        "old.example.org",
        "test",
    ]);
    let qtype = dice.pick(&["A", "AAAA", "AAAA", "TXT", "ANY"]);
    let words = dice.pick(&["", "", "", "do", "cd", "ad norec", "edns 700", "class CH"]);
    let worker = dice.pick(&["", "on worker 2"]);
    format!("{name}.{zone} {qtype} {words} {worker}")
}

fn ask(scene: &mut Scene, dice: &mut Dice, round: u16, text: &str) -> Result<(), String> {
    let mut asking = question(&mut Words::new(text), round)?;
    let host = u16::try_from(dice.below(4)).unwrap_or(0);
    let address = match dice.below(2) {
        0 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, host.to_be_bytes()[1])),
        _ => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host)),
    };
    let transport = match dice.below(4) {
        0 => Transport::Tcp,
        _ => Transport::Udp,
    };
    if dice.below(20) == 0 {
        let place = usize::try_from(dice.below(asking.message.len() as u64)).unwrap_or(0);
        // The id stays, so that the reply can be told apart.
        if place >= 2 {
            asking.message[place] ^= 1 << dice.below(8);
        }
    }
    scene.question(address, transport, asking)
}

fn reply(scene: &mut Scene, dice: &mut Dice) -> Result<(), String> {
    if scene.open.is_empty() {
        return Ok(());
    }
    let index = usize::try_from(dice.below(scene.open.len() as u64)).unwrap_or(0);
    let failure = match dice.below(16) {
        0 => Failure::Refused,
        1 => Failure::Closed,
        2 => Failure::ConnectTimeout,
        3 => Failure::Unreachable,
        4 => {
            // Silence.
            scene.open.remove(index);
            return Ok(());
        }
        _ => return say(scene, dice, index),
    };
    scene.fail(index, failure)
}

fn say(scene: &mut Scene, dice: &mut Dice, index: usize) -> Result<(), String> {
    let asked = scene.open[index].ask.message.clone();
    let view = nodens_dns::Message::parse(&asked).map_err(|error| error.to_string())?;
    let name = view
        .question()
        .map_err(|error| error.to_string())?
        .map(|asked| asked.qname);
    let name = name.ok_or("an ask without a question")?;
    let rcode = dice.pick(&[
        "NOERROR", "NOERROR", "NOERROR", "NXDOMAIN", "SERVFAIL", "FORMERR", "BADVERS", "REFUSED",
    ]);
    let words = dice.pick(&[
        "",
        "",
        "",
        "tc",
        "noedns",
        "no question",
        "query",
        "asking x.test A",
    ]);
    let records: &[&str] = match dice.below(5) {
        0 => &[],
        1 => &["authority test. 7 SOA ns.test. admin.test. 1 2 3 4 7"],
        2 => &[
            "answer OWNER 9 A 192.0.2.1",
            "answer 20 times OWNER 9 A 192.0.2.{n}",
        ],
        3 => &[
            "answer OWNER 9 AAAA 2001:db8::1",
            "authority test. 7 NS ns.test.",
        ],
        _ => &[
            "answer OWNER 9 CNAME old.example.net.",
            "answer old.example.net. 9 A 192.0.2.1",
        ],
    };
    let records: Vec<String> = records
        .iter()
        .map(|line| line.replace("OWNER", &name.to_string()))
        .collect();
    let text = format!("{rcode} {words}");
    let (mut message, _) = answer(&mut Words::new(&text), &records, &asked)?;
    if dice.below(4) == 0 {
        let place = usize::try_from(dice.below(message.len() as u64)).unwrap_or(0);
        message[place] ^= 1 << dice.below(8);
    }
    if dice.below(10) == 0 {
        message.truncate(usize::try_from(dice.below(message.len() as u64)).unwrap_or(0));
    }
    scene.answer(index, &message)?;
    Ok(())
}

/// Numbers that look random and are the same each time.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices[index]
    }
}

const ROUNDS: u16 = 12_000;

const COREFILE: &str = r#"
    t.example.org:53 {
        template IN A . {
            answer "{{ .Name }} 60 IN CNAME web.example.net."
        }
        forward . 192.0.2.53
        cache {
            serve_stale 1h verify 100ms
        }
    }
    example.org:53 {
        rewrite name suffix .old.example.org .new.example.org answer auto
        rewrite cname exact old.example.net. new.example.net.
        dns64 64:ff9b::/96
        minimal
        loadbalance
        cache {
            success 2000 4 1
            denial 2000 4 1
            prefetch 1 1m 50%
        }
        forward new.example.org 192.0.2.53 192.0.2.54 {
            force_tcp
            next NXDOMAIN
            failover SERVFAIL
        }
        forward . 192.0.2.54 192.0.2.55 {
            prefer_udp
            case_randomization
            max_concurrent 20
        }
    }
    example.net:53 {
        cache 3 {
            serve_stale 1m immediate 5s 5s
            serve_stale_policy prefer_positive
        }
        forward . 192.0.2.56 192.0.2.57 {
            policy round_robin
            max_connect_attempts 2
            next_on_nodata
        }
        forward . tls://192.0.2.58
    }
    .:53 {
        any
        forward . 192.0.2.59 {
            failfast_all_unhealthy_upstreams
            health_check 0s
        }
    }
"#;
