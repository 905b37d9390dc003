//! The limit of open files (getrlimit(2)).

use std::io;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard limit; gives what is allowed now.
///
/// Every client connection is an open file, and the usual soft limit of 1024 is meant for programs
/// that use `select`, which this one does not.
///
/// # Errors
///
/// The error of the kernel; the limit is then as it was.
pub fn raise_open_files() -> io::Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return Ok(limit.current.unwrap_or(u64::MAX));
    }
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.current.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_reaches_the_hard_limit() {
        let allowed = raise_open_files().unwrap();
        assert!(allowed > 0);
        assert_eq!(raise_open_files().unwrap(), allowed);
    }
}
