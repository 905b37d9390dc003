//! Reading the files of a template, and keeping what was good.
//!
//! A template that is wrong is an error, and the reload that asked for it leaves the running configuration in force. A kube-dns
//! `ConfigMap` that is wrong is said and left out: the one that was good last goes on, at start none. node-cache forgets to look
//! again when the first one it sees is wrong.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use nodens_corefile::{Config, Defaults, Note, Position, SystemFiles, parse};

use super::kube_dns::KubeDns;
use super::render::{DOMAIN, Values, line_of_domain, render, upstreams};
use super::upstream_service::service_address;
use super::{Directory, TemplateOptions, atomic_file};
use crate::log::{Level, Logger};
use crate::metrics::{Counter, Metrics, families};
use crate::program::with_causes;

/// Makes configurations from a template, again and again.
pub struct TemplateSource {
    options: TemplateOptions,
    port: u16,
    logger: Logger,
    quiet: bool,
    errors: Counter,
    kube_dns: KubeDns,
    /// The Corefile that was made last.
    text: Option<String>,
    /// Complaints that have been made and still hold; each is made once.
    complaints: Complaints,
}

#[derive(Default)]
struct Complaints {
    template: Option<String>,
    kube_dns: Option<String>,
    generated: Option<String>,
}

impl TemplateOptions {
    /// Makes the configuration once, writing nothing: for checking it.
    ///
    /// # Errors
    /// For anything wrong with the template or the kube-dns `ConfigMap`.
    pub fn load(&self, port: u16) -> Result<Config, String> {
        let kube_dns = self.kube_dns()?;
        let (_, config) = self.make(port, &kube_dns)?;
        Ok(config)
    }

    fn kube_dns(&self) -> Result<KubeDns, String> {
        let entries = entries(&self.kube_dns)?;
        KubeDns::read(&entries).map_err(|error| error.to_string())
    }

    /// The Corefile and what it says.
    fn make(&self, port: u16, kube_dns: &KubeDns) -> Result<(String, Config), String> {
        let template = std::fs::read(&self.template).map_err(|error| {
            let path = self.template.display();
            format!("read the template Corefile {path}: {error}")
        })?;
        let template = String::from_utf8_lossy(&template);
        let text =
            render(&template, &self.values(port), kube_dns).map_err(|error| with_causes(&error))?;
        // Imports are looked for beside the file that CoreDNS would read.
        let name = self.generated.as_ref().unwrap_or(&self.template);
        let defaults = Defaults { port };
        let mut config = parse(&name.to_string_lossy(), &text, &SystemFiles, &defaults)
            .map_err(|error| error.to_string())?;
        config.sources.insert(0, self.template.clone());
        if self.cluster_domain.is_none()
            && let Some(line) = line_of_domain(&template)
        {
            let file = Arc::from(&*name.to_string_lossy());
            config.notes.push(Note {
                position: Position {
                    file,
                    line,
                    column: 1,
                },
                directive: "",
                message: format!(
                    "{DOMAIN} is taken to be {USUAL_DOMAIN}; --cluster-domain says otherwise"
                ),
            });
        }
        Ok((text, config))
    }

    fn values(&self, port: u16) -> Values {
        let variable = |name: &str| std::env::var(name).ok();
        Values {
            local_addresses: self.local_addresses.clone(),
            cluster_dns: service_address(&self.upstream_service, variable),
            cluster_domain: self
                .cluster_domain
                .clone()
                .unwrap_or_else(|| USUAL_DOMAIN.to_owned()),
            prometheus: self.prometheus.clone(),
            port,
        }
    }
}

impl TemplateSource {
    /// A source that has read nothing yet.
    pub fn new(
        options: TemplateOptions,
        port: u16,
        logger: Logger,
        quiet: bool,
        metrics: &Metrics,
    ) -> Self {
        Self {
            options,
            port,
            logger,
            quiet,
            errors: metrics.counter(&families::SETUP_ERRORS, &["configmap"]),
            kube_dns: KubeDns::default(),
            text: None,
            complaints: Complaints::default(),
        }
    }

    /// Reads everything, and writes the generated Corefile when it is another one.
    ///
    /// # Errors
    /// When the template cannot be read, filled in or used.
    pub fn load(&mut self) -> Result<Config, String> {
        let read = self.options.kube_dns();
        let made = read.and_then(|kube_dns| {
            let (text, config) = self.options.make(self.port, &kube_dns)?;
            Ok((kube_dns, text, config))
        });
        let (text, config) = match made {
            Ok((kube_dns, text, config)) => {
                self.complaints.kube_dns = None;
                self.kube_dns = kube_dns;
                (text, config)
            }
            // Either input may be wrong; with what was good last it is the template or neither.
            Err(problem) => match self.options.make(self.port, &self.kube_dns) {
                Ok((text, config)) => {
                    let instead = if self.kube_dns == KubeDns::default() {
                        "going on without it"
                    } else {
                        "going on with the last good one"
                    };
                    let complaint = format!("{problem}; {instead}");
                    let said = &mut self.complaints.kube_dns;
                    complain(said, complaint, &self.logger, Level::Error, &self.errors);
                    (text, config)
                }
                Err(problem) => {
                    // Who asked for the configuration says what is wrong with it.
                    if self.complaints.template.as_ref() != Some(&problem) {
                        self.errors.increment();
                        self.complaints.template = Some(problem.clone());
                    }
                    return Err(problem);
                }
            },
        };
        self.complaints.template = None;
        self.publish(text);
        Ok(config)
    }

    fn publish(&mut self, text: String) {
        if self.text.as_ref() == Some(&text) {
            return;
        }
        if let Some(path) = &self.options.generated {
            match atomic_file::replace(path, &text) {
                Ok(()) => self.complaints.generated = None,
                Err(error) => {
                    let path = path.display();
                    let complaint =
                        format!("write {path}: {error}; what would be in it is used all the same");
                    let said = &mut self.complaints.generated;
                    complain(said, complaint, &self.logger, Level::Warning, &self.errors);
                }
            }
        }
        if !self.quiet {
            let (count, upstreams) = (self.kube_dns.stub_domains.len(), upstreams(&self.kube_dns));
            let said = format_args!(
                "Updated Corefile with {count} custom stubdomains and upstream servers {upstreams}"
            );
            self.logger.log(Level::Info, said);
            let whole = format!("[INFO] Using config file:\n{}\n", text.trim_end());
            self.logger.write(whole.as_bytes(), 1);
        }
        self.text = Some(text);
    }
}

/// Says and counts what was not said before.
fn complain(
    said: &mut Option<String>,
    complaint: String,
    logger: &Logger,
    level: Level,
    errors: &Counter,
) {
    if said.as_ref() != Some(&complaint) {
        logger.log(level, &complaint);
        errors.increment();
        *said = Some(complaint);
    }
}

/// The keys of a mounted `ConfigMap`: its files but the hidden ones, which are the kubelet's own.
fn entries(directory: &Directory) -> Result<BTreeMap<String, String>, String> {
    let path = directory.path();
    let problem = |path: &Path, error: &io::Error| {
        format!("read the kube-dns ConfigMap {}: {error}", path.display())
    };
    let found = match (std::fs::read_dir(path), directory) {
        (Ok(found), _) => found,
        (Err(error), Directory::Usual(_)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(BTreeMap::new());
        }
        (Err(error), _) => return Err(problem(path, &error)),
    };
    let mut entries = BTreeMap::new();
    for entry in found {
        let entry = entry.map_err(|error| problem(path, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = entry.path();
        // A link into the kubelet's own directory counts as what it leads to.
        if name.starts_with('.') || !file.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&file).map_err(|error| problem(&file, &error))?;
        entries.insert(name, text);
    }
    Ok(entries)
}

/// What nearly every cluster is called.
const USUAL_DOMAIN: &str = "cluster.local";

#[cfg(test)]
mod tests;
