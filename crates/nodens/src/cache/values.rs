//! The values of flags that need reading.

use std::net::IpAddr;
use std::time::Duration;

/// The addresses of `-localip`, without repetitions; none for an empty text.
///
/// An empty element ends node-cache; here it is nothing, as in the list that is left when an installer takes out an address and
/// not the comma. Both families may be mixed.
pub(super) fn local_addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let mut addresses = Vec::new();
    for element in text.split(',').map(str::trim) {
        if element.is_empty() {
            continue;
        }
        let address: IpAddr = element
            .parse()
            .ok()
            .filter(|address: &IpAddr| !address.is_multicast())
            .ok_or_else(|| {
                format!(
                    "invalid value '{text}' for '-localip': {element:?} is no address to listen on: expected IPv4 and IPv6 addresses with \
                     commas between, such as 169.254.20.10,10.96.0.10"
                )
            })?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// The time of `-syncinterval`.
///
/// node-cache multiplies what it reads by a second, and prints its default as `60ns`: only so many nanoseconds as seconds are meant
/// work there. A bare number is refused there, and any other unit overflows. Here all of `60`, `60s` and `60ns` are a minute.
pub(super) fn sync_interval(text: &str) -> Result<Duration, String> {
    let interval = if let Ok(seconds) = text.parse::<u32>() {
        Some(Duration::from_secs(seconds.into()))
    } else if let Some(Ok(number)) = text.strip_suffix("ns").map(str::parse::<u32>)
        && u64::from(number) < NANOSECONDS_MEANT
    {
        Some(Duration::from_secs(number.into()))
    } else {
        go_duration(text)
    };
    interval
        .filter(|interval| *interval >= Duration::from_secs(1))
        .ok_or_else(|| "expected at least one second, such as 60, 60s, 1m30s or 60ns".to_owned())
}

/// A duration without sign in Go's notation: numbers with units, such as `1h30m` or `1.5s`.
fn go_duration(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits =
            rest.find(|character: char| character != '.' && !character.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let length = after
            .find(|character: char| character == '.' || character.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let seconds = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        total += number.parse::<f64>().ok()? * seconds;
        rest = after;
    }
    Duration::try_from_secs_f64(total).ok()
}

/// An address that a page can be served at: `:9353`, `0.0.0.0:9353`, `[::]:9353`, `localhost:9353`.
pub(super) fn listen_address(text: &str) -> Result<String, String> {
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        let is_bracketed = host.starts_with('[') && host.ends_with(']');
        port.parse::<u16>().is_ok()
            && (is_bracketed || !host.contains([':', '[', ']']))
            && !host.contains(char::is_whitespace)
    });
    is_address.then(|| text.to_owned()).ok_or_else(|| {
        "expected ADDRESS:PORT, such as 0.0.0.0:9353, [::1]:9353 or :9353".to_owned()
    })
}

/// A port to listen on.
pub(super) fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| "expected a port between 1 and 65535".to_owned())
}

/// The name of an interface: what fits into `IFNAMSIZ` and the kernel takes.
pub(super) fn interface_name(text: &str) -> Result<String, String> {
    let is_name = (1..=15).contains(&text.len())
        && !matches!(text, "." | "..")
        && !text.contains(|character: char| character == '/' || character.is_whitespace());
    is_name
        .then(|| text.to_owned())
        .ok_or_else(|| "expected 1 to 15 characters without blanks and slashes".to_owned())
}

/// A number of nanoseconds below this was meant as a number of seconds.
const NANOSECONDS_MEANT: u64 = 1_000_000_000;

const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_may_be_of_both_families_and_end_with_a_comma() {
        let read = |text| {
            let addresses = local_addresses(text)?;
            Ok::<_, String>(
                addresses
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            read("169.254.20.10, 2001:db8::a,169.254.20.10,").unwrap(),
            ["169.254.20.10", "2001:db8::a"]
        );
        assert!(read("").unwrap().is_empty());
        for wrong in [
            "169.254.20.10,localhost",
            "169.254.20.10 10.96.0.10",
            "224.0.0.1",
            "10.96.0.10/32",
        ] {
            let text = read(wrong).unwrap_err();
            assert!(text.contains("-localip") && text.contains(wrong), "{text}");
        }
    }

    #[test]
    fn every_spelling_of_a_minute_is_a_minute() {
        for text in [
            "60",
            "60s",
            "60ns",
            "1m",
            "1m0s",
            "60000ms",
            "60000000000ns",
            "0.5m30s",
        ] {
            assert_eq!(sync_interval(text), Ok(Duration::from_mins(1)), "{text}");
        }
        for text in ["", "0", "-60", "60x", "s", "999ms", "1..5s", "1h1"] {
            assert!(sync_interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_to_listen_on_has_a_port() {
        for text in ["0.0.0.0:9353", ":9353", "[::1]:9353", "localhost:9353"] {
            assert!(listen_address(text).is_ok(), "{text}");
        }
        for text in [
            "", "9353", "0.0.0.0", "::1:9353", ":http", "a b:1", ":65536",
        ] {
            assert!(listen_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_interface_has_a_name_that_the_kernel_takes() {
        assert!(interface_name("nodelocaldns").is_ok());
        for text in ["", "..", "a/b", "sixteen-letters-"] {
            assert!(interface_name(text).is_err(), "{text}");
        }
    }
}
