//! What happens to a question that the cache cannot answer: rewrite, template, hosts, loop, forward, whoami.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use nodens_dns::{EdnsOption, Name, NameKey, Query, Question, RecordType};

use super::errand::Subject;
use super::outcome::{Outcome, Trouble};
use super::query::reply_limit;
use super::{Step, Worker};
use crate::block::Block;
use crate::client::Client;
use crate::facts::{Event, Facts, Plugin, TemplateOutcome};
use crate::flights::Joined;
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
    pub(super) wanted: Box<[u8]>,
    pub(super) options: Vec<EdnsOption>,
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
            Path::Failed { plugin, error } => Outcome::Failed(Trouble::stage(plugin, error)),
            Path::Template(_) | Path::Upstreams { .. } => {
                return self.ask_upstreams(now, subject, query, prepared, facts);
            }
        };
        let settled = self.settle(now, &subject, prepared.reverter.as_ref(), outcome);
        let limit = reply_limit(subject.block(), client.transport, query.udp_size());
        let reply_to = ReplyTo::query(query, limit);
        facts.rcode = settled.rcode_for(&reply_to).0;
        facts.plugin = settled.plugin;
        settled.write(&subject, &reply_to, self.draw(), out);
        Step::Reply(facts)
    }

    /// Asks for an answer again that the cache has. False when it is being asked for already, or there is too much to do.
    pub(super) fn start_refresh(&mut self, now: Time, subject: Subject, query: &Query<'_>) -> bool {
        let prepared = self.prepare(&subject, query);
        let asks = matches!(prepared.path, Path::Template(_) | Path::Upstreams { .. });
        if !asks {
            if let Path::Answered { reply, plugin } = prepared.path {
                let outcome = Outcome::from_stage(&subject, &reply, plugin);
                self.settle(now, &subject, prepared.reverter.as_ref(), outcome);
            }
            return true;
        }
        let resolver = Arc::clone(&subject.resolver);
        if !self.tasks.has_room()
            || resolver.shared.flights.join(&subject.key, None) != Joined::First
        {
            return false;
        }
        self.start_errand(now, subject, prepared, None);
        true
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
            let Ok(rewritten) = rewrite.rewrite(&question, &[], &origin) else {
                let error = "plugin/rewrite: invalid name after rewrite";
                let plugin = Plugin::Rewrite;
                prepared.path = Path::Failed { plugin, error };
                return prepared;
            };
            question = rewritten.question;
            prepared.options = rewritten.options;
            prepared.reverter = rewritten.reverter;
            prepared.wanted = section_of(&question);
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
}

/// The `forward` line for a question section; the number of lines when there is none.
pub(super) fn forward_for(block: &Block, wanted: &[u8]) -> usize {
    let name = NameKey::read(wanted, 0).ok();
    match name.map(|name| forward_path(block, &name, 0)) {
        Some(Path::Upstreams { forward }) => forward,
        _ => block.forwards.len(),
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
