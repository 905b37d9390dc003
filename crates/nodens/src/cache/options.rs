//! From flags to what the program is to do.

use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use nodens_serve::node::NodeOptions;
use nodens_serve::program::{ProgramOptions, Source};
use nodens_serve::template::{Directory, TemplateOptions};

use super::flags::Arguments;
use super::values::local_addresses;

/// What the flags say.
///
/// # Errors
/// For what the parser of the command line cannot see: addresses that are none, a template that is not there.
pub(super) fn program(arguments: &Arguments) -> Result<ProgramOptions, String> {
    let addresses = local_addresses(&arguments.node.localip)?;
    let source = source(arguments, &addresses)?;
    let on_a_node = !addresses.is_empty() || matches!(source, Source::Template(_));
    let metrics_address = arguments.node.metrics_listen_address.clone();
    Ok(ProgramOptions {
        metrics_address: metrics_address.or_else(|| on_a_node.then(|| USUAL_METRICS.to_owned())),
        node: node(arguments, addresses)?,
        source,
        port: arguments.dns_port,
        pid_file: arguments.pidfile.clone(),
        quiet: arguments.quiet,
    })
}

/// Without addresses there is nothing to set up.
fn node(arguments: &Arguments, addresses: Vec<IpAddr>) -> Result<Option<NodeOptions>, String> {
    let flags = &arguments.node;
    if addresses.is_empty() {
        return Ok(None);
    }
    if let Some(address) = addresses.iter().find(|address| address.is_unspecified())
        && (flags.setupinterface || flags.setupiptables)
    {
        return Err(format!(
            "invalid value '{}' for '-localip': {address} is every address and cannot be set up: expected addresses, or \
             -setupinterface=false and -setupiptables=false",
            flags.localip
        ));
    }
    Ok(Some(NodeOptions {
        local_addresses: addresses,
        set_up_interface: flags.setupinterface,
        interface_name: flags.interfacename.clone(),
        set_up_rules: flags.setupiptables,
        port: arguments.dns_port,
        health_port: flags.health_port,
        keep_at_end: flags.skipteardown,
        sync_interval: flags.syncinterval,
        supervise: flags.supervise,
    }))
}

/// A template, where there is one; else what -conf names; else ./Corefile, as in CoreDNS; else the built-in one.
fn source(arguments: &Arguments, addresses: &[IpAddr]) -> Result<Source, String> {
    if arguments.conf.as_deref() == Some(Path::new("stdin")) {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| format!("read the Corefile from stdin: {error}"))?;
        let text = text.into();
        return Ok(Source::Text {
            name: "stdin",
            text,
        });
    }
    if let Some(template) = template(arguments)? {
        return Ok(Source::Template(TemplateOptions {
            template,
            generated: arguments.conf.clone(),
            kube_dns: match &arguments.template.kubednscm {
                Some(path) if !path.as_os_str().is_empty() => Directory::Named(path.clone()),
                _ => Directory::Usual(PathBuf::from(USUAL_KUBE_DNS)),
            },
            local_addresses: addresses.to_vec(),
            upstream_service: arguments.template.upstreamsvc.clone(),
            cluster_domain: arguments.template.cluster_domain.clone(),
            prometheus: arguments.template.prometheus_listen_address.clone(),
        }));
    }
    let here = PathBuf::from("Corefile");
    Ok(match &arguments.conf {
        Some(path) => Source::File(path.clone()),
        None if here.exists() => Source::File(here),
        None => Source::Text {
            name: "built-in Corefile",
            text: super::BUILT_IN.into(),
        },
    })
}

/// The template that was named, or the usual one where there is one. One that was named and is not there is an error unless there
/// is a Corefile to go on with, as in node-cache.
fn template(arguments: &Arguments) -> Result<Option<PathBuf>, String> {
    let Some(named) = &arguments.template.basecorefile else {
        let usual = PathBuf::from(USUAL_TEMPLATE);
        return Ok(usual.exists().then_some(usual));
    };
    let has_corefile = arguments.conf.as_ref().is_some_and(|path| path.exists());
    match std::fs::metadata(named) {
        Ok(_) => Ok(Some(named.clone())),
        Err(_) if has_corefile => Ok(None),
        Err(error) => Err(format!(
            "invalid value '{}' for '-basecorefile': {error}: expected a template, or a Corefile named by -conf",
            named.display()
        )),
    }
}

/// Where node-cache looks for these.
const USUAL_TEMPLATE: &str = "/etc/coredns/Corefile.base";
const USUAL_KUBE_DNS: &str = "/etc/kube-dns";
const USUAL_METRICS: &str = "0.0.0.0:9353";
