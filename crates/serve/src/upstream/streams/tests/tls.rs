//! The same by TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nodens_resolve::{Failure, Protocol, TlsSettings, Upstream};

use super::{parrot, server};
use crate::engine::scripted::settings;
use crate::upstream::recorder::Scene;

/// A TLS server for `name` that answers with the questions; gives its address and the file with
/// its certificate.
fn tls_parrot(name: &str) -> (SocketAddr, PathBuf) {
    let signed = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let file = std::env::temp_dir().join(format!(
        "nodens-ca-{}-{}.pem",
        name.len(),
        std::process::id()
    ));
    std::fs::write(&file, signed.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.unwrap())
        .unwrap();
    let config = Arc::new(config);
    let address = server(move |_, stream| {
        let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        parrot(rustls::StreamOwned::new(tls, stream));
    });
    (address, file)
}

fn tls_upstream(address: SocketAddr, name: &str, file: &Path) -> Arc<Upstream> {
    let mut settings = settings(address);
    settings.tls = Some(TlsSettings {
        server_name: Some(name.to_owned()),
        authorities: Some(file.to_path_buf()),
        ..TlsSettings::default()
    });
    Arc::new(Upstream::new(settings))
}

#[test]
fn questions_go_through_tls() {
    let (address, file) = tls_parrot("dns.example.org");
    let upstream = tls_upstream(address, "dns.example.org", &file);
    let mut scene = Scene::new();
    for number in 0..300 {
        scene.ask(&upstream, Protocol::Tls, number);
    }
    scene.run_until("all are answered", |record| record.answers.len() == 300);
    scene.ask(&upstream, Protocol::Tls, 300);
    scene.run_until("one more is answered", |record| record.answers.len() == 301);
    assert!(scene.record.failures.is_empty());
    assert!(scene.run_for(Duration::from_millis(100)) < 5);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_certificate_for_another_name_is_a_tls_failure() {
    let (address, file) = tls_parrot("other.example.org");
    let upstream = tls_upstream(address, "dns.example.org", &file);
    let mut scene = Scene::new();
    scene.ask(&upstream, Protocol::Tls, 1);
    scene.run_until("it fails", |record| record.failures.len() == 1);
    let (_, Failure::Tls(text)) = &scene.record.failures[0] else {
        panic!("{:?}", scene.record.failures)
    };
    assert!(text.contains("certificate"), "{text}");
    let upstream = tls_upstream(address, "dns.example.org", Path::new("/nonexistent"));
    scene.ask(&upstream, Protocol::Tls, 2);
    assert!(matches!(scene.record.failures[1], (2, Failure::Tls(_))));
    std::fs::remove_file(file).unwrap();
}
