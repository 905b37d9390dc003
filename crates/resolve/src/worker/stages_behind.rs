//! What happens to a question that the cache cannot answer: rewrite, template, hosts, loop, forward, whoami.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use nodens_dns::{EdnsOption, Name, NameKey, Query, Question, Rcode, RecordType};

use super::conclude::Outcome;
use super::errand::{Errand, Phase, Subject};
use super::query::reply_limit;
use super::tasks::Task;
use super::{Step, Worker};
use crate::block::Block;
use crate::client::{Asked, Client};
use crate::exchange::Exchange;
use crate::facts::{DropReason, Event, Facts, Plugin, TemplateOutcome};
use crate::flights::{Joined, Waiter};
use crate::reply::ReplyTo;
use crate::router::Route;
use crate::stages::{
    FailureCause, HostsOutcome, Origin, Reply, Reverter, TemplateReply, TemplateRequest,
    TemplateStep, whoami,
};
use crate::time::Time;

/// Where a question goes.
#[derive(Debug)]
pub(super) enum Path {
    /// A stage has the answer.
    Answered { reply: Reply, plugin: Plugin },
    /// No stage has.
    Failed { plugin: Plugin, error: &'static str },
    /// A template's answer lacks the targets of its aliases.
    Template(TemplateReply),
    /// Upstreams of this `forward` line.
    Upstreams { forward: usize },
}

/// A question as the stages behind the cache left it.
#[derive(Debug)]
pub(super) struct Prepared {
    wanted: Box<[u8]>,
    options: Vec<EdnsOption>,
    pub(super) reverter: Option<Reverter>,
    pub(super) path: Path,
}

impl Worker {
    /// Answers a question that the cache could not, at once or later.
    pub(super) fn miss(
        &mut self,
        now: Time,
        client: &Client,
        query: &Query<'_>,
        mut facts: Facts,
        route: Route,
        out: &mut Vec<u8>,
    ) -> Step {
        let subject = Subject::new(&self.resolver, route, client, query);
        let prepared = self.prepare(&subject, query);
        let outcome = match prepared.path {
            Path::Answered { reply, plugin } => Outcome::from_stage(&subject, &reply, plugin),
            Path::Failed { plugin, error } => Outcome::Failed {
                plugin,
                error: error.to_owned(),
            },
            Path::Template(_) | Path::Upstreams { .. } => {
                return self.ask_upstreams(now, subject, query, prepared, facts, out);
            }
        };
        let settled = self.settle(now, &subject, prepared.reverter.as_ref(), outcome);
        facts.rcode = settled.rcode.0;
        facts.plugin = settled.plugin;
        let limit = reply_limit(subject.block(), client.transport, query.udp_size());
        settled.write(&subject, &ReplyTo::query(query, limit), self.draw(), out);
        Step::Reply(facts)
    }

    /// Asks for an answer again that the cache has.
    pub(super) fn start_refresh(&mut self, now: Time, subject: Subject, query: &Query<'_>) {
        let prepared = self.prepare(&subject, query);
        let asks = matches!(prepared.path, Path::Template(_) | Path::Upstreams { .. });
        if !asks {
            if let Path::Answered { reply, plugin } = prepared.path {
                let outcome = Outcome::from_stage(&subject, &reply, plugin);
                self.settle(now, &subject, prepared.reverter.as_ref(), outcome);
            }
            return;
        }
        let resolver = Arc::clone(&subject.resolver);
        if !self.tasks.has_room()
            || resolver.shared.flights.join(&subject.key, None) != Joined::First
        {
            return;
        }
        self.start_errand(now, subject, prepared, None);
    }

    /// Calls the stages, in their order.
    fn prepare(&mut self, subject: &Subject, query: &Query<'_>) -> Prepared {
        let block = subject.block();
        let mut prepared = Prepared {
            wanted: subject.question.clone(),
            options: Vec::new(),
            reverter: None,
            path: Path::Upstreams { forward: 0 },
        };
        if block.rewrite.is_none()
            && block.templates.is_none()
            && block.hosts.is_none()
            && block.loop_watch.is_none()
            && !block.whoami
        {
            prepared.path = forward_path(block, &query.key, 0);
            return prepared;
        }
        let mut question = Question {
            qname: Name::from_wire(query.qname()).expect("a query's name was checked"),
            qtype: query.qtype,
            qclass: query.qclass,
        };
        if let Some(rewrite) = &block.rewrite {
            let client = &subject.client;
            let origin = Origin {
                peer: client.peer,
                local: client.local,
                transport: client.transport,
            };
            match rewrite.rewrite(&question, &[], &origin) {
                Ok(rewritten) => {
                    question = rewritten.question;
                    prepared.options = rewritten.options;
                    prepared.reverter = rewritten.reverter;
                    prepared.wanted = section_of(&question);
                }
                Err(_) => {
                    let error = "plugin/rewrite: invalid name after rewrite";
                    prepared.path = Path::Failed {
                        plugin: Plugin::Rewrite,
                        error,
                    };
                    return prepared;
                }
            }
        }
        prepared.path = self.path(subject, block, &question, query);
        prepared
    }

    fn path(
        &mut self,
        subject: &Subject,
        block: &Block,
        question: &Question,
        query: &Query<'_>,
    ) -> Path {
        if let Some(templates) = &block.templates {
            let request = TemplateRequest {
                question,
                id: query.header.id,
                flags: query.header.flags,
                peer: subject.client.peer.ip(),
            };
            let answer = templates.answer(&request);
            if let Some(matched) = &answer.matched {
                let outcome = match answer.failure.as_ref().map(|failure| failure.cause) {
                    None => TemplateOutcome::Matched,
                    Some(FailureCause::Template) => TemplateOutcome::TemplateFailed,
                    Some(FailureCause::Record) => TemplateOutcome::RecordFailed,
                };
                self.events.push(Event::Template {
                    server: subject.client.server,
                    block: subject.route.block,
                    template: matched.index,
                    outcome,
                });
            }
            match answer.step {
                TemplateStep::Next => {}
                TemplateStep::ServerFailure => {
                    let error = "plugin/template: no template fits and none may be passed by";
                    return Path::Failed {
                        plugin: Plugin::Template,
                        error,
                    };
                }
                TemplateStep::Reply(reply) if reply.lookups().next().is_some() => {
                    return Path::Template(reply);
                }
                TemplateStep::Reply(reply) => {
                    return Path::Answered {
                        reply: reply.finish(&[]),
                        plugin: Plugin::Template,
                    };
                }
            }
        }
        if let Some(hosts) = &block.hosts {
            match hosts.stage.answer(&hosts.table(), question) {
                HostsOutcome::Next => {}
                HostsOutcome::Reply(reply) => {
                    return Path::Answered {
                        reply,
                        plugin: Plugin::Hosts,
                    };
                }
                HostsOutcome::ServerFailure => {
                    let error = "plugin/hosts: no such name and no fallthrough";
                    return Path::Failed {
                        plugin: Plugin::Hosts,
                        error,
                    };
                }
            }
        }
        if let Some(watch) = &block.loop_watch
            && question.qtype == RecordType::HINFO
            && watch.active.load(Relaxed)
            && watch.name == question.qname
        {
            watch.seen.fetch_add(1, Relaxed);
        }
        let key = NameKey::from(&question.qname);
        match forward_path(block, &key, 0) {
            Path::Failed { .. } if block.whoami => {
                let reply = whoami(question, subject.client.peer, subject.client.transport);
                Path::Answered {
                    reply,
                    plugin: Plugin::Whoami,
                }
            }
            path => path,
        }
    }

    /// Keeps the client waiting and asks upstreams, unless they are being asked already.
    fn ask_upstreams(
        &mut self,
        now: Time,
        subject: Subject,
        query: &Query<'_>,
        prepared: Prepared,
        mut facts: Facts,
        out: &mut Vec<u8>,
    ) -> Step {
        let client = subject.client;
        let waiter = Waiter {
            client,
            asked: Asked::remember(query, now),
            facts,
        };
        let resolver = Arc::clone(&subject.resolver);
        match resolver.shared.flights.join(&subject.key, Some(waiter)) {
            Joined::Waiting => return Step::Waiting,
            Joined::Full => return Step::Drop(DropReason::Overload),
            Joined::First => {}
        }
        let origin = client.peer.ip();
        let asking = self.asking.get(&origin).copied().unwrap_or(0);
        if !self.tasks.has_room() || asking >= MAX_TASKS_PER_CLIENT {
            resolver.shared.flights.take(&subject.key);
            let outcome = Outcome::Failed {
                plugin: Plugin::Forward,
                error: "too many questions at once".into(),
            };
            let settled = self.settle(now, &subject, None, outcome);
            (facts.rcode, facts.plugin) = (settled.rcode.0, settled.plugin);
            let limit = reply_limit(subject.block(), client.transport, query.udp_size());
            settled.write(&subject, &ReplyTo::query(query, limit), self.draw(), out);
            return Step::Reply(facts);
        }
        *self.asking.entry(origin).or_insert(0) += 1;
        self.start_errand(now, subject, prepared, Some(origin));
        Step::Waiting
    }

    /// Starts asking: the question itself, or what a template's answer lacks.
    fn start_errand(
        &mut self,
        now: Time,
        subject: Subject,
        prepared: Prepared,
        origin: Option<std::net::IpAddr>,
    ) {
        let (phase, forward, wanted) = match prepared.path {
            Path::Upstreams { forward } => (Phase::Question, forward, prepared.wanted),
            Path::Template(reply) => {
                let questions: Vec<Question> = reply.lookups().cloned().collect();
                let wanted = questions.first().map_or(prepared.wanted, section_of);
                (
                    Phase::Template {
                        reply,
                        questions,
                        replies: Vec::new(),
                    },
                    0,
                    wanted,
                )
            }
            Path::Answered { .. } | Path::Failed { .. } => return,
        };
        let verify = subject
            .block()
            .cache
            .as_ref()
            .and_then(|cache| cache.verify_timeout());
        let deadline = now + verify.map_or(PATIENCE, |timeout| timeout.min(PATIENCE));
        let exchange = self.exchange(now, &subject, forward);
        match exchange {
            Ok(exchange) => {
                let errand = Errand {
                    subject,
                    wanted,
                    options: prepared.options,
                    reverter: prepared.reverter,
                    phase,
                    exchange,
                    forward,
                    fallback: None,
                    deadline,
                    answered: false,
                    origin,
                };
                self.send_new(now, Task::Errand(errand));
            }
            Err(error) => {
                let outcome = Outcome::Failed {
                    plugin: Plugin::Forward,
                    error,
                };
                self.conclude(now, &subject, prepared.reverter.as_ref(), outcome, origin);
            }
        }
    }

    /// Starts on the upstreams of a `forward` line.
    ///
    /// # Errors
    /// Why they are not to be asked, in words.
    pub(super) fn exchange(
        &mut self,
        now: Time,
        subject: &Subject,
        forward: usize,
    ) -> Result<Exchange, String> {
        let block = subject.block();
        let Some(line) = block.forwards.get(forward) else {
            return Err("plugin/forward: no next plugin found".into());
        };
        let (order, all_down) = line.order(self.draw());
        if all_down {
            self.events.push(Event::AllUpstreamsDown {
                block: subject.route.block,
            });
            if line.fail_fast {
                return Err("no healthy proxies".into());
            }
        }
        if let Err(limit) = line.enter() {
            self.events.push(Event::TooManyConcurrent {
                block: subject.route.block,
                limit,
            });
            return Err(format!("{TOO_MANY_CONCURRENT} {limit}"));
        }
        let exchange = Exchange::new(Arc::clone(line), subject.client.transport, order, now);
        for upstream in exchange
            .attempts
            .iter()
            .map(|attempt| Arc::clone(&attempt.upstream))
        {
            self.probe_tcp_if_due(now, &upstream);
        }
        Ok(exchange)
    }
}

/// The first `forward` line from `from` on that is for this name.
pub(super) fn forward_path(block: &Block, name: &NameKey, from: usize) -> Path {
    let lines = block.forwards.iter().enumerate().skip(from);
    match lines.into_iter().find(|(_, forward)| forward.covers(name)) {
        Some((forward, _)) => Path::Upstreams { forward },
        None => Path::Failed {
            plugin: Plugin::Server,
            error: "no next plugin found",
        },
    }
}

/// A question section in lower case.
pub(super) fn section_of(question: &Question) -> Box<[u8]> {
    let name = NameKey::from(&question.qname);
    let numbers = [
        question.qtype.0.to_be_bytes(),
        question.qclass.0.to_be_bytes(),
    ];
    [name.as_wire(), &numbers[0], &numbers[1]].concat().into()
}

/// The response code for an error in words: REFUSED for too many questions at once, as CoreDNS has it.
pub(super) fn rcode_of(error: &str) -> Rcode {
    if error.starts_with(TOO_MANY_CONCURRENT) {
        Rcode::REFUSED
    } else {
        Rcode::SERVFAIL
    }
}

/// How long a client waits for upstreams at most (RFC 8767 section 5: 1.8 s, so that its own timer of two seconds or more does
/// not expire first).
pub(super) const PATIENCE: Duration = Duration::from_millis(1800);
/// Questions under way in one worker for one client address: a flood from one client leaves room for the others.
const MAX_TASKS_PER_CLIENT: u32 = 4096;
const TOO_MANY_CONCURRENT: &str = "concurrent queries exceeded maximum";
