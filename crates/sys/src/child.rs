//! A child process and its parent: signals from one, and what the other's end means.

use std::io;
use std::process::Child;

use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};

/// What a child can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildSignal {
    /// End after what is under way: `SIGTERM`.
    Terminate,
    /// End: `SIGQUIT`.
    Quit,
    /// Read the configuration again: `SIGUSR1`.
    Reload,
    /// Be gone: `SIGKILL`.
    Kill,
}

/// Sends a signal to a child that has not been waited for, so that its number cannot be another process's.
///
/// # Errors
/// The error of the kernel.
pub fn signal_child(child: &Child, signal: ChildSignal) -> io::Result<()> {
    let signal = match signal {
        ChildSignal::Terminate => Signal::TERM,
        ChildSignal::Quit => Signal::QUIT,
        ChildSignal::Reload => Signal::USR1,
        ChildSignal::Kill => Signal::KILL,
    };
    kill_process(Pid::from_child(child), signal)?;
    Ok(())
}

/// Has this process killed when the thread that started it ends, whatever it is doing then. `parent` is that process's number
/// as this one was told it: gives whether it is still there.
///
/// # Errors
/// The error of the kernel.
pub fn die_with_parent(parent: u32) -> io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = getppid().and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
    Ok(now == Some(parent))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_gets_the_signal() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        signal_child(&child, ChildSignal::Terminate).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }

    #[test]
    fn a_parent_that_is_another_one_is_gone() {
        assert!(!die_with_parent(u32::MAX).unwrap());
    }
}
