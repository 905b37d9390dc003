//! The steps of a dialogue, done one after the other.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use nodens_resolve::{AskSource, CacheOutcome, Failure, Transport};

use crate::messages::{Asking, answer, question, record_in_words, records, reply_in_words};
use crate::scene::{Reply, Scene, what_in_words};
use crate::script::{Step, Words, duration, steps};

/// A dialogue under way.
#[derive(Debug, Default)]
struct Dialogue {
    scene: Option<Scene>,
    /// Questions so far, for ids.
    questions: u16,
    /// The upstream that `it` means.
    it: usize,
}

/// Runs a dialogue; says which line is not kept, and why.
pub(crate) fn run(text: &str) -> Result<(), String> {
    let mut dialogue = Dialogue::default();
    dialogue.run_all(&steps(text, 1)?)?;
    dialogue
        .finish()
        .map_err(|problem| format!("at the end: {problem}"))
}

impl Dialogue {
    fn run_all(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            if let Some(rest) = step.text.strip_prefix("repeat ") {
                let count: usize = rest
                    .trim_end_matches(':')
                    .parse()
                    .map_err(|_| format!("{}: repeat how often?", step.line))?;
                for number in 1..=count {
                    let text = step
                        .below
                        .join("\n")
                        .replace("{round}", &number.to_string());
                    self.run_all(&crate::script::steps(&text, step.line + 1)?)
                        .map_err(|problem| format!("{problem}\n    in round {number}"))?;
                }
                continue;
            }
            self.run_step(step)
                .map_err(|problem| format!("{}: {}\n    {problem}", step.line, step.text))?;
        }
        Ok(())
    }

    fn run_step(&mut self, step: &Step) -> Result<(), String> {
        let mut words = Words::new(&step.text);
        match words.need("a step")? {
            "corefile:" => self.scene = Some(Scene::new(&step.below.join("\n"))?),
            "reload:" => self.act()?.reload(&step.below.join("\n"))?,
            "client" => return self.client(words, step),
            "upstream" => {
                let number = words.need("a number")?;
                return self.upstream(number, words, step);
            }
            "an" if words.take("upstream") => {
                let ask = self.scene()?.asks.first().map(|sent| sent.ask.clone());
                let ask = ask.ok_or("no upstream was asked")?;
                self.it = self.scene()?.number(&ask.upstream);
                return self.upstream(&self.it.to_string(), words, step);
            }
            "it" => return self.upstream(&self.it.to_string(), words, step),
            "time" if words.take("passes") => {
                let time = duration(words.need("a duration")?)?;
                self.act()?.pass(time)?;
            }
            "event:" => {
                let wanted = words.rest();
                let events = &mut self.scene()?.events;
                let found = events.iter().position(|event| event.starts_with(&wanted));
                let found = found.ok_or_else(|| format!("what happened: {events:#?}"))?;
                events.remove(found);
            }
            "no" if words.take("event:") => {
                let unwanted = words.rest();
                let events = &self.scene()?.events;
                if let Some(event) = events.iter().find(|event| event.starts_with(&unwanted)) {
                    return Err(format!("but: {event}"));
                }
            }
            "questions" if words.take("under") && words.take("way:") => {
                let wanted: usize = words.parse("a number")?;
                same(&wanted, &self.scene()?.waiting())?;
            }
            count if let Ok(count) = count.parse() => {
                if words.take("clients") {
                    return self.clients(count, words, step);
                }
                return Err("a number of what?".into());
            }
            other => return Err(format!("no step starts with {other}")),
        }
        Ok(())
    }

    /// `client ADDRESS udp: …`, `client … sends: …`, `client [ADDRESS] gets: …`, `client gets nothing`
    fn client(&mut self, mut words: Words<'_>, step: &Step) -> Result<(), String> {
        let mut word = words.need("what the client does")?;
        let address: Option<IpAddr> = word.parse().ok();
        if address.is_some() {
            word = words.need("what the client does")?;
        }
        match (word, address) {
            ("gets:", _) => {
                let replies = &mut self.scene()?.replies;
                let mut places = replies.iter();
                let place = places.position(|reply| address.is_none_or(|peer| peer == reply.peer));
                let reply = place.and_then(|place| replies.remove(place));
                compare_reply(&reply.ok_or("there is no reply")?, words, &step.below)
            }
            ("gets", _) if words.take("nothing") => self.no_reply(),
            ("gets", _) if words.take("nothing:") => {
                self.no_reply()?;
                let wanted = words.rest();
                same(&Some(wanted.as_str()), &self.scene()?.last_drop())
            }
            ("udp:" | "tcp:", Some(address)) => {
                self.questions += 1;
                let asking = question(&mut words, self.questions)?;
                let transport = transport(word);
                self.act()?.question(address, transport, asking)
            }
            ("udp" | "tcp", Some(address)) if words.take("sends:") => {
                let message = bytes(&words.rest())?;
                let asking = Asking {
                    message,
                    port: None,
                    worker: 0,
                };
                let transport = transport(word);
                self.act()?.question(address, transport, asking)
            }
            _ => Err(format!("a client does not {word}, or has no address")),
        }
    }

    /// `COUNT clients udp: …`, `COUNT clients get: …`
    fn clients(&mut self, count: u16, mut words: Words<'_>, step: &Step) -> Result<(), String> {
        let word = words.need("what the clients do")?;
        let rest = words.rest();
        if word == "get:" {
            for number in 0..count {
                let reply = self.scene()?.replies.pop_front();
                let reply = reply.ok_or_else(|| format!("there are {number} replies"))?;
                compare_reply(&reply, Words::new(&rest), &step.below)?;
            }
            return Ok(());
        }
        self.act()?;
        for number in 0..count {
            self.questions += 1;
            let asking = question(&mut Words::new(&rest), self.questions)?;
            let [high, low] = number.to_be_bytes();
            let address = Ipv4Addr::new(10, 1, high, low);
            self.scene()?
                .question(address.into(), transport(word), asking)?;
        }
        Ok(())
    }

    fn upstream(&mut self, name: &str, mut words: Words<'_>, step: &Step) -> Result<(), String> {
        let (number, place) = name.split_once('#').unwrap_or((name, "1"));
        let number: usize = number
            .parse()
            .map_err(|_| format!("{name} is no upstream"))?;
        let place: usize = place
            .parse()
            .map_err(|_| format!("{name} is no upstream"))?;
        match words.need("what the upstream does")? {
            verb @ ("asked:" | "tried:") => {
                let source = match verb {
                    "asked:" => AskSource::Question,
                    _ => AskSource::TcpProbe,
                };
                self.asked(number, source, &words.rest())
            }
            "probed:" => {
                let scene = self.scene()?;
                let probes = scene.probes.iter();
                let mut probes = probes.filter(|sent| scene.number(&sent.ask.upstream) == number);
                let probe = probes.next_back().ok_or("it was not probed")?;
                same(&words.rest(), &what_in_words(&probe.ask))
            }
            "probed" => {
                let wanted: usize = words.parse("how often")?;
                let scene = self.scene()?;
                let probes = scene.probes.iter();
                let count = probes
                    .filter(|sent| scene.number(&sent.ask.upstream) == number)
                    .count();
                same(&wanted, &count)
            }
            "answers" if words.take("the") && words.take("probe:") => {
                let index = self.open_ask(number, place, true)?;
                self.says(index, words, step)
            }
            "fails" if words.take("the") && words.take("probe:") => {
                let index = self.open_ask(number, place, true)?;
                self.act()?.fail(index, failure(&words.rest())?)
            }
            "says:" => {
                let index = self.open_ask(number, place, false)?;
                self.says(index, words, step)
            }
            "fails:" => {
                let index = self.open_ask(number, place, false)?;
                self.act()?.fail(index, failure(&words.rest())?)
            }
            "was" if words.take("asked") && words.take("at") => {
                let least = words.take("least");
                if !least && !words.take("most") {
                    return Err("at least or at most?".into());
                }
                let limit: usize = words.parse("a number")?;
                let count = self.scene()?.count(number);
                match (least, count.cmp(&limit)) {
                    (true, std::cmp::Ordering::Less) | (false, std::cmp::Ordering::Greater) => {
                        Err(format!("it was asked {count} times"))
                    }
                    _ => Ok(()),
                }
            }
            other => Err(format!("an upstream does not {other}")),
        }
    }

    /// The next message to an upstream is this one.
    fn asked(&mut self, number: usize, source: AskSource, wanted: &str) -> Result<(), String> {
        let scene = self.scene()?;
        let place = scene.asks.iter().position(|sent| {
            sent.ask.source == source && scene.number(&sent.ask.upstream) == number
        });
        let Some(place) = place else {
            let asks: Vec<_> = scene
                .asks
                .iter()
                .map(|sent| scene.in_words(&sent.ask))
                .collect();
            return Err(format!("what was asked: {asks:#?}"));
        };
        let sent = scene.asks.remove(place);
        same(&wanted.to_owned(), &what_in_words(&sent.ask))?;
        scene.open.push(sent);
        Ok(())
    }

    fn says(&mut self, index: usize, mut words: Words<'_>, step: &Step) -> Result<(), String> {
        let scene = self.act()?;
        let asked = scene.open[index].ask.message.clone();
        let (message, ignored) = answer(&mut words, &step.below, &asked)?;
        let taken = scene.answer(index, &message)?;
        match (taken, ignored) {
            (true, true) => Err("the answer was taken".into()),
            (false, false) => Err("the answer was ignored".into()),
            _ => Ok(()),
        }
    }

    /// The place of an open message to an upstream.
    fn open_ask(&mut self, number: usize, place: usize, probe: bool) -> Result<usize, String> {
        let scene = self.scene()?;
        let probes = std::mem::take(&mut scene.probes);
        scene.open.extend(probes);
        let open = scene.open.iter().enumerate();
        let mut open = open.filter(|(_, sent)| {
            scene.number(&sent.ask.upstream) == number
                && (sent.ask.source == AskSource::HealthProbe) == probe
        });
        // Of health checks, the last one counts.
        let found = if probe {
            open.next_back()
        } else {
            open.nth(place - 1)
        };
        let (index, _) = found.ok_or("no message to it is open")?;
        Ok(index)
    }

    fn no_reply(&mut self) -> Result<(), String> {
        match self.scene()?.replies.front() {
            None => Ok(()),
            Some(reply) => Err(format!("but {}", reply_text(reply))),
        }
    }

    fn scene(&mut self) -> Result<&mut Scene, String> {
        self.scene
            .as_mut()
            .ok_or_else(|| "there is no corefile yet".into())
    }

    /// The scene, for a step that does something: what was asked and said before it must have been looked at.
    fn act(&mut self) -> Result<&mut Scene, String> {
        let scene = self.scene()?;
        if let Some(sent) = scene.asks.first() {
            return Err(format!(
                "before this, not looked at: {}",
                scene.in_words(&sent.ask)
            ));
        }
        if let Some(reply) = scene.replies.front() {
            return Err(format!("before this, not looked at: {}", reply_text(reply)));
        }
        scene.events.clear();
        let probes = std::mem::take(&mut scene.probes);
        scene.open.extend(probes);
        Ok(scene)
    }

    fn finish(&mut self) -> Result<(), String> {
        let scene = self.act()?;
        scene.pass(Duration::from_secs(30))?;
        scene.check_replies()
    }
}

fn compare_reply(reply: &Reply, mut words: Words<'_>, below: &[String]) -> Result<(), String> {
    let (mut head, mut lines) = reply_in_words(&reply.message);
    let mut wanted: Vec<String> = vec![words.need("a response code")?.into()];
    let mut any_order = false;
    while let Some(word) = words.next() {
        match word {
            "ede" | "option" => wanted.push(format!("{word} {}", words.need("a code")?)),
            "any" if words.take("order") => any_order = true,
            outcome if outcome.starts_with('(') => {
                same(&outcome, &outcome_in_words(reply.facts.cache))?;
            }
            word => wanted.push(word.into()),
        }
    }
    wanted.sort();
    head.sort();
    same(&wanted, &head).map_err(|_| format!("but {}", reply_text(reply)))?;
    let mut expected: Vec<String> = records(below)?
        .iter()
        .map(|(section, record)| record_in_words(*section, record))
        .collect();
    if any_order {
        expected.sort();
        lines.sort();
    }
    same(&expected, &lines).map_err(|_| format!("but {}", reply_text(reply)))
}

fn reply_text(reply: &Reply) -> String {
    let (head, lines) = reply_in_words(&reply.message);
    let outcome = outcome_in_words(reply.facts.cache);
    let head = format!("client {} gets: {} {outcome}", reply.peer, head.join(" "));
    [vec![head], lines].concat().join("\n        ")
}

fn outcome_in_words(outcome: CacheOutcome) -> &'static str {
    match outcome {
        CacheOutcome::Unused => "(unused)",
        CacheOutcome::Hit => "(hit)",
        CacheOutcome::DenialHit => "(denial)",
        CacheOutcome::Stale => "(stale)",
        CacheOutcome::StaleOnFailure => "(failing)",
        CacheOutcome::Miss => "(miss)",
        CacheOutcome::Joined => "(joined)",
    }
}

fn transport(word: &str) -> Transport {
    if word.starts_with("tcp") {
        Transport::Tcp
    } else {
        Transport::Udp
    }
}

fn failure(text: &str) -> Result<Failure, String> {
    Ok(match text {
        "refused" => Failure::Refused,
        "unreachable" => Failure::Unreachable,
        "closed" => Failure::Closed,
        "connect timeout" => Failure::ConnectTimeout,
        other => return Err(format!("no failure is called {other}")),
    })
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let digits: String = hex.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let text = std::str::from_utf8(pair).map_err(|error| error.to_string())?;
            u8::from_str_radix(text, 16).map_err(|error| error.to_string())
        })
        .collect()
}

fn same<T: PartialEq + std::fmt::Debug>(wanted: &T, is: &T) -> Result<(), String> {
    if wanted == is {
        return Ok(());
    }
    Err(format!("wanted {wanted:?},\n    but it is {is:?}"))
}
