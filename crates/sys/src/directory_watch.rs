//! Being told that a directory has changed: inotify(7).

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

/// Tells when an entry of a watched directory is written, replaced, added or removed.
#[derive(Debug)]
pub struct DirectoryWatch {
    descriptor: OwnedFd,
}

impl DirectoryWatch {
    /// One that watches nothing yet.
    ///
    /// # Errors
    ///
    /// When the user has no inotify instances left (`fs.inotify.max_user_instances`).
    pub fn new() -> io::Result<Self> {
        let descriptor = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self { descriptor })
    }

    /// Watches a directory as well; one that is watched already stays so.
    ///
    /// The kubelet publishes a new `ConfigMap` by renaming the symbolic link `..data`, which is an entry moved here; an editor
    /// writes a file or renames one.
    ///
    /// # Errors
    ///
    /// When there is no such directory, or the user has no watches left (`fs.inotify.max_user_watches`).
    pub fn add(&self, directory: &Path) -> io::Result<()> {
        let changes = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        add_watch(&self.descriptor, directory, changes)?;
        Ok(())
    }

    /// Waits for the next change, however long that takes.
    ///
    /// # Errors
    ///
    /// That of poll(2).
    pub fn wait(&self) -> io::Result<()> {
        loop {
            let mut descriptors = [PollFd::new(&self.descriptor, PollFlags::IN)];
            match poll(&mut descriptors, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) if self.clear() => return Ok(()),
                Ok(_) => {}
            }
        }
    }

    /// Forgets what has been told, until the next change; says whether there was anything.
    pub fn clear(&self) -> bool {
        let mut told = false;
        // What changed is not looked at: the reader compares contents.
        while let Ok(1..) = rustix::io::read(&self.descriptor, &mut [0; 4096]) {
            told = true;
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn writing_replacing_and_swapping_a_link_are_told_and_reading_is_not() {
        let directory = std::env::temp_dir().join(format!("nodens-watch-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let watch = DirectoryWatch::new().unwrap();
        watch.add(&directory).unwrap();
        watch.add(&directory).unwrap();
        assert!(!watch.clear());
        std::fs::write(directory.join("a"), "1").unwrap();
        watch.wait().unwrap();
        std::fs::read(directory.join("a")).unwrap();
        assert!(!watch.clear());
        symlink("a", directory.join("..data_tmp")).unwrap();
        watch.clear();
        std::fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
        assert!(watch.clear());
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(watch.clear());
        assert!(watch.add(&directory).is_err());
    }
}
