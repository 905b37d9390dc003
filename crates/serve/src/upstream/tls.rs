//! What a TLS connection to an upstream is made with (RFC 7858): whom to trust, who we are.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nodens_resolve::TlsSettings;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

/// Why TLS settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file with certificates or a key could not be read.
    #[error("read {file}")]
    File {
        /// The file.
        file: PathBuf,
        /// What was wrong.
        source: PemError,
    },
    /// A file has no certificate in it.
    #[error("{file} holds no usable certificate")]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// The name is not one that certificates can hold.
    #[error("{name:?} is no name for a TLS server")]
    Name {
        /// The name.
        name: String,
    },
    /// The parts do not fit together.
    #[error("make a TLS client")]
    Client(#[source] rustls::Error),
}

impl TlsError {
    /// The error with its cause, on one line.
    pub(crate) fn in_words(&self) -> Arc<str> {
        match self.source() {
            Some(cause) => Arc::from(format!("{self}: {cause}")),
            None => Arc::from(self.to_string()),
        }
    }
}

/// Checks that TLS connections can be made with `settings`: files are there and are what they
/// should be. To be called before a configuration is put to use.
///
/// # Errors
///
/// The first problem found.
pub fn check_tls(settings: &TlsSettings) -> Result<(), TlsError> {
    let unspecified = SocketAddr::from(([0, 0, 0, 0], 853));
    server_name(settings, unspecified)?;
    load(settings).map(|_| ())
}

/// The clients made so far. Files are read once, until [`forget`](Self::forget).
#[derive(Default)]
pub(crate) struct TlsClients {
    made: HashMap<TlsSettings, Arc<ClientConfig>>,
}

impl TlsClients {
    /// The client for `settings`.
    pub(crate) fn client(&mut self, settings: &TlsSettings) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(client) = self.made.get(settings) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(load(settings)?);
        self.made.insert(settings.clone(), Arc::clone(&client));
        Ok(client)
    }

    /// Lets go of all clients, so that files are read anew.
    pub(crate) fn forget(&mut self) {
        self.made.clear();
    }
}

/// The name to look for in the certificate of the server at `address`.
pub(crate) fn server_name(
    settings: &TlsSettings,
    address: SocketAddr,
) -> Result<ServerName<'static>, TlsError> {
    match &settings.server_name {
        Some(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|_| TlsError::Name { name: name.clone() }),
        None => Ok(ServerName::from(address.ip())),
    }
}

fn load(settings: &TlsSettings) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Client)?
        .with_root_certificates(roots(settings)?);
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::File {
                file: key.clone(),
                source,
            })?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(TlsError::Client)
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

/// The authorities to trust: those of the settings, else those of the system, else those that
/// come with the program (an image without any system has none).
fn roots(settings: &TlsSettings) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    if let Some(file) = &settings.authorities {
        let (usable, _) = store.add_parsable_certificates(certificates(file)?);
        if usable == 0 {
            return Err(TlsError::Empty { file: file.clone() });
        }
        return Ok(store);
    }
    for file in SYSTEM_AUTHORITIES {
        if let Ok(found) = certificates(Path::new(file))
            && store.add_parsable_certificates(found).0 > 0
        {
            return Ok(store);
        }
    }
    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(store)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File {
        file: file.to_path_buf(),
        source,
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file)
        .map_err(failed)?
        .collect();
    let found = found.map_err(failed)?;
    if found.is_empty() {
        return Err(TlsError::Empty {
            file: file.to_path_buf(),
        });
    }
    Ok(found)
}

/// Where distributions keep their authorities; Go looks at the same places (crypto/x509).
const SYSTEM_AUTHORITIES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_settings_there_is_somebody_to_trust() {
        check_tls(&TlsSettings::default()).unwrap();
    }

    #[test]
    fn a_missing_or_empty_file_is_named() {
        let missing = TlsSettings {
            authorities: Some("/nonexistent/ca.pem".into()),
            ..TlsSettings::default()
        };
        let error = check_tls(&missing).unwrap_err();
        assert_eq!(error.to_string(), "read /nonexistent/ca.pem");
        let empty = TlsSettings {
            authorities: Some("/dev/null".into()),
            ..TlsSettings::default()
        };
        let error = check_tls(&empty).unwrap_err();
        assert_eq!(error.to_string(), "/dev/null holds no usable certificate");
    }

    #[test]
    fn the_name_is_that_of_the_settings_or_the_address() {
        let address: SocketAddr = "192.0.2.1:853".parse().unwrap();
        let mut settings = TlsSettings::default();
        assert_eq!(
            server_name(&settings, address).unwrap().to_str(),
            "192.0.2.1"
        );
        settings.server_name = Some("dns.example.org.".into());
        assert_eq!(
            server_name(&settings, address).unwrap().to_str(),
            "dns.example.org"
        );
        settings.server_name = Some("not a name".into());
        assert!(check_tls(&settings).is_err());
    }
}
