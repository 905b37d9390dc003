//! What an error of the kernel means for a question.

use std::io;
use std::sync::Arc;

use nodens_resolve::Failure;

/// The failure that `error` is, on a socket that is connected or on the way there.
pub(crate) fn failure(error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Failure::Refused,
        // EPERM is what a local packet filter answers (nftables "reject", iptables OUTPUT DROP).
        Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable
        | Kind::PermissionDenied => Failure::Unreachable,
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof
        | Kind::NotConnected
        | Kind::WriteZero => Failure::Closed,
        Kind::TimedOut => Failure::ConnectTimeout,
        _ => system(error),
    }
}

/// A failure in the kernel's own words, without the number that the standard library appends.
pub(crate) fn system(error: &io::Error) -> Failure {
    let text = error.to_string();
    let words = text
        .split(" (os error")
        .next()
        .unwrap_or(&text)
        .to_lowercase();
    Failure::System(Arc::from(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_the_kernels_words() {
        let error = io::Error::from_raw_os_error(24);
        assert_eq!(
            failure(&error),
            Failure::System("too many open files".into())
        );
        assert_eq!(
            failure(&io::Error::from_raw_os_error(1)),
            Failure::Unreachable
        );
        assert_eq!(
            failure(&io::Error::from_raw_os_error(111)),
            Failure::Refused
        );
        assert_eq!(failure(&io::Error::from_raw_os_error(104)), Failure::Closed);
    }
}
