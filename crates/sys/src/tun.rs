//! A TUN device (`Documentation/networking/tuntap.rst`): a link that exists while its descriptor is open.
//!
//! No packet is ever read from it. It is there to carry addresses, and to take them along when the process ends, in
//! whatever way it ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;

/// Why there is no TUN device.
#[derive(Debug, thiserror::Error)]
pub enum TunError {
    /// The device file cannot be opened: it is not there (a container without it, a kernel without TUN), or not for us.
    #[error("open /dev/net/tun")]
    Open(#[source] io::Error),
    /// The name is not one for a link.
    #[error("\"{0}\" is no name for a link: 1 to 15 bytes, no blanks, no slash")]
    Name(String),
    /// The kernel did not make the device.
    #[error("make the TUN device {name}")]
    Make {
        /// Its name.
        name: String,
        /// What the kernel said: "busy" when another program holds a device of this name.
        source: io::Error,
    },
}

/// A TUN device that is gone when this is.
#[derive(Debug)]
pub struct Tun {
    file: OwnedFd,
}

impl Tun {
    /// Makes a device of that name, in the network namespace of the calling thread.
    ///
    /// # Errors
    /// See [`TunError`].
    pub fn create(name: &str) -> Result<Self, TunError> {
        let valid = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b'%';
        if name.is_empty() || name.len() > NAME_LENGTH || !name.bytes().all(valid) {
            return Err(TunError::Name(name.to_owned()));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_CLOEXEC | libc::O_NONBLOCK)
            .open("/dev/net/tun")
            .map_err(TunError::Open)?;
        set_interface(&file, name).map_err(|source| TunError::Make {
            name: name.to_owned(),
            source,
        })?;
        Ok(Self { file: file.into() })
    }

    /// Takes the place of another device that was lost, under the same descriptor number: the order in which the kernel
    /// closes descriptors at the end of the process must stay.
    ///
    /// # Errors
    /// The error of the kernel; both devices are then as they were.
    pub fn take_place_of(self, lost: &mut Self) -> io::Result<()> {
        rustix::io::dup3(&self.file, &mut lost.file, rustix::io::DupFlags::CLOEXEC)?;
        Ok(())
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn set_interface(file: &File, name: &str) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    // Without packet information: nobody reads packets. Exclusive: a persistent device of this name is not taken over.
    let flags = libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_TUN_EXCL;
    request.ifr_ifru.ifru_flags =
        i16::from_ne_bytes(u16::try_from(flags).unwrap_or(u16::MAX).to_ne_bytes());
    // SAFETY: the descriptor is open, and TUNSETIFF reads and writes one `ifreq`, which lives until the call returns.
    let outcome = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) };
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `IFNAMSIZ` without the zero byte.
const NAME_LENGTH: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in [
            "",
            "a-name-that-is-too-long",
            "with blank",
            "with/slash",
            "%d",
        ] {
            assert!(
                matches!(Tun::create(name), Err(TunError::Name(_))),
                "{name}"
            );
        }
    }
}
