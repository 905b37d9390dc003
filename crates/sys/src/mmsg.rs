//! `recvmmsg` and `sendmmsg`, called without the C library.
//!
//! musl implements `sendmmsg` as a loop of `sendmsg` on 64-bit machines, which would cost a
//! system call per reply; the kernel's own call takes the same structures as long as their padding
//! is zero, as [`zeroed`] makes it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What became of a batch that was sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// How many messages the kernel took.
    pub sent: usize,
    /// How many it did not take.
    pub failed: usize,
    /// The last error, if any message failed.
    pub error: Option<io::Error>,
    /// Whether the kernel reported that an earlier message was refused by the peer (a connected
    /// socket hears of ICMP port unreachable at its next call).
    pub refused: bool,
}

/// A header with every byte zero, padding included.
pub(crate) fn zeroed() -> libc::mmsghdr {
    // SAFETY: `mmsghdr` is a C structure of integers and pointers, for all of which zero is a
    // valid value.
    unsafe { std::mem::zeroed() }
}

/// Receives into `headers` without waiting; gives how many messages arrived.
///
/// # Safety
///
/// Every pointer in `headers` must be null with a length of zero, or valid for writes of its
/// length, for the duration of the call.
pub(crate) unsafe fn receive(
    socket: BorrowedFd<'_>,
    headers: &mut [libc::mmsghdr],
) -> io::Result<usize> {
    loop {
        // SAFETY: the descriptor is borrowed and so open; `headers` is a valid array of the given
        // length and the caller vouches for what it points to; the kernel accepts a null timeout.
        let received = unsafe {
            libc::syscall(
                libc::SYS_recvmmsg,
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len(),
                libc::MSG_DONTWAIT,
                std::ptr::null_mut::<libc::timespec>(),
            )
        };
        if let Ok(received) = usize::try_from(received) {
            return Ok(received);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Sends all of `headers`, passing over those the kernel will not take.
///
/// `failed` is told the index and the error of each of these. One message with a bad destination
/// costs only itself: the kernel stops before it, and the rest is sent by the next call. A full
/// send buffer is waited for once, briefly.
///
/// # Safety
///
/// Every pointer in `headers` must be null with a length of zero, or valid for reads of its
/// length, for the duration of the call.
pub(crate) unsafe fn send_all(
    socket: BorrowedFd<'_>,
    headers: &mut [libc::mmsghdr],
    mut failed: impl FnMut(usize, &io::Error),
) -> Sent {
    let mut report = Sent::default();
    let mut next = 0;
    let mut waited = false;
    let mut refused_at = None;
    while next < headers.len() {
        // SAFETY: as the caller vouches, for a part of the array.
        match unsafe { send_some(socket, &mut headers[next..]) } {
            Ok(sent) => {
                report.sent += sent;
                next += sent;
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock if !waited => {
                    waited = true;
                    wait_until_writable(socket);
                }
                // The error belongs to an earlier message; this one was not tried yet.
                io::ErrorKind::ConnectionRefused if refused_at != Some(next) => {
                    report.refused = true;
                    refused_at = Some(next);
                }
                _ => {
                    failed(next, &error);
                    report.failed += 1;
                    report.error = Some(error);
                    next += 1;
                }
            },
        }
    }
    report
}

/// One `sendmmsg`.
///
/// # Safety
///
/// As for [`send_all`].
unsafe fn send_some(socket: BorrowedFd<'_>, headers: &mut [libc::mmsghdr]) -> io::Result<usize> {
    // SAFETY: the descriptor is borrowed and so open; `headers` is a valid array of the given
    // length and the caller vouches for what it points to.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_sendmmsg,
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            headers.len(),
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Waits for room in the send buffer, for at most [`SEND_BUFFER_PATIENCE`].
fn wait_until_writable(socket: BorrowedFd<'_>) {
    let patience = Timespec::try_from(SEND_BUFFER_PATIENCE).ok();
    // Whatever this says, the messages are tried again, and that attempt decides.
    let _ = poll(
        &mut [PollFd::new(&socket, PollFlags::OUT)],
        patience.as_ref(),
    );
}

/// A send buffer is emptied by the network card within microseconds; longer than this, replies are
/// better lost than queued, because everyone else waits meanwhile.
const SEND_BUFFER_PATIENCE: Duration = Duration::from_millis(5);
