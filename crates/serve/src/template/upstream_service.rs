//! The address of the cluster DNS servers' Service, from the environment.
//!
//! The kubelet puts the address of every Service of the Pod's namespace into `<NAME>_SERVICE_HOST` when it starts a container, and
//! never again. node-cache reads the variable as well, and goes on without an address as `<nil>`, which CoreDNS then refuses.

use std::net::IpAddr;

/// Why the address of a Service is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MissingService {
    /// There is no such variable.
    #[error(
        "the environment has no {variable}, so the address of Service {service} is not known; the kubelet sets it when a container \
         starts, so create the Service in the Pod's namespace first, leave enableServiceLinks on, and then delete this Pod; or give \
         the right name with -upstreamsvc, or write the address into the template"
    )]
    Variable {
        /// The Service.
        service: String,
        /// The variable.
        variable: String,
    },
    /// The variable holds no address; that of a headless Service is `None`.
    #[error(
        "{variable} is {value:?}; expected the ClusterIP of Service {service}, which must not be headless"
    )]
    Address {
        /// The Service.
        service: String,
        /// The variable.
        variable: String,
        /// What it holds.
        value: String,
    },
}

/// The variable that holds the address of a Service: `kube-dns` is in `KUBE_DNS_SERVICE_HOST`.
pub fn service_variable(service: &str) -> String {
    let name = service.to_ascii_uppercase().replace('-', "_");
    format!("{name}_SERVICE_HOST")
}

/// The address of a Service; `variable` reads the environment.
///
/// # Errors
/// When the variable is missing or is no address.
pub fn service_address(
    service: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<IpAddr, MissingService> {
    let name = service_variable(service);
    let Some(value) = variable(&name).filter(|value| !value.is_empty()) else {
        return Err(MissingService::Variable {
            service: service.to_owned(),
            variable: name,
        });
    };
    value.parse().map_err(|_| MissingService::Address {
        service: service.to_owned(),
        variable: name,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_variable_that_the_kubelet_sets() {
        let environment = |name: &str| match name {
            "KUBE_DNS_UPSTREAM_SERVICE_HOST" => Some("10.107.88.200".to_owned()),
            "SIX_SERVICE_HOST" => Some("2001:db8::a".to_owned()),
            "HEADLESS_SERVICE_HOST" => Some("None".to_owned()),
            "EMPTY_SERVICE_HOST" => Some(String::new()),
            _ => None,
        };
        let address = |service| service_address(service, environment);
        assert_eq!(
            address("kube-dns-upstream"),
            Ok("10.107.88.200".parse().unwrap())
        );
        assert_eq!(address("six"), Ok("2001:db8::a".parse().unwrap()));
        assert!(matches!(
            address("headless"),
            Err(MissingService::Address { .. })
        ));
        for missing in ["empty", "kube-dns"] {
            let text = address(missing).unwrap_err().to_string();
            assert!(text.contains(&service_variable(missing)), "{text}");
            assert!(text.contains("delete this Pod"), "{text}");
        }
    }
}
