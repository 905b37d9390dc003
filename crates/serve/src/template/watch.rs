//! When to look at the files again.
//!
//! inotify tells at once that an entry of a directory has changed; reading it all every ten seconds, as node-cache does, finds what
//! inotify misses: a directory that was not there before or has been mounted anew, a file system that does not tell, a user without
//! watches left. Looking again costs little, and what has not changed is not put in force again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nodens_sys::DirectoryWatch;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::TemplateOptions;
use crate::log::{Level, Logger};

/// Calls `changed` at once, when a directory of the template has changed, and every ten seconds; never ends.
pub async fn watch(options: &TemplateOptions, logger: &Logger, mut changed: impl FnMut()) {
    let mut template = options
        .template
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default();
    if template.as_os_str().is_empty() {
        template.push(".");
    }
    let directories = [template, options.kube_dns.path().to_path_buf()];
    let told = Arc::new(Notify::new());
    let watch = listen(&told)
        .inspect_err(|error| {
            let seconds = INTERVAL.as_secs();
            let text = format_args!(
                "watch the template's directories: {error}; they are read every {seconds} s instead"
            );
            logger.log(Level::Warning, text);
        })
        .ok();
    loop {
        for directory in &directories {
            if let Some(watch) = &watch {
                // One that is not there is looked for again the next time.
                let _ = watch.add(directory);
            }
        }
        // Here and not before the directories are watched: nothing falls between reading and watching.
        changed();
        tokio::select! {
            () = told.notified() => sleep(SETTLING).await,
            () = sleep(INTERVAL) => {}
        }
    }
}

/// Starts a thread that passes on what inotify tells. It has nothing to clean up, and ends with the process.
fn listen(told: &Arc<Notify>) -> io::Result<Arc<DirectoryWatch>> {
    let watch = Arc::new(DirectoryWatch::new()?);
    let (theirs, told) = (Arc::clone(&watch), Arc::clone(told));
    thread::Builder::new()
        .name("watch".into())
        .stack_size(STACK)
        .spawn(move || {
            while theirs.wait().is_ok() {
                told.notify_one();
            }
        })?;
    Ok(watch)
}

/// As node-cache.
const INTERVAL: Duration = Duration::from_secs(10);

/// A change is several steps; one look at its end is enough.
const SETTLING: Duration = Duration::from_millis(100);

/// The thread waits and drains a small buffer.
const STACK: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::path::Path;

    use tokio::time::timeout;

    use super::*;
    use crate::log::Sink;
    use crate::template::Directory;

    fn options(root: &Path) -> TemplateOptions {
        TemplateOptions {
            template: root.join("template/Corefile.base"),
            generated: None,
            kube_dns: Directory::Usual(root.join("kube-dns")),
            local_addresses: Vec::new(),
            upstream_service: "kube-dns".to_owned(),
            cluster_domain: None,
            prometheus: ":9253".to_owned(),
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_change_in_either_directory_is_told_long_before_the_next_look() {
        let root = std::env::temp_dir().join(format!("nodens-told-{}", std::process::id()));
        let (logger, _sink) = Sink::new();
        for directory in ["template", "kube-dns"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let (changes, options) = (Cell::new(0), options(&root));
        let watching = watch(&options, &logger, || changes.set(changes.get() + 1));
        let changing = async {
            for count in 1..=3 {
                while changes.get() < count {
                    sleep(Duration::from_millis(10)).await;
                }
                if let Some(directory) = ["template", "kube-dns"].get(count - 1) {
                    fs::write(root.join(directory).join("a"), "1").unwrap();
                }
            }
        };
        let told = async {
            tokio::select! {
                () = watching => {}
                () = changing => {}
            }
        };
        assert!(timeout(INTERVAL / 2, told).await.is_ok());
        fs::remove_dir_all(&root).unwrap();
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn directories_that_are_not_there_are_looked_for_at_once_and_every_ten_seconds() {
        let (changes, options) = (Cell::new(0), options(Path::new("/nonexistent")));
        let (logger, _sink) = Sink::new();
        let watching = watch(&options, &logger, || changes.set(changes.get() + 1));
        let _ = timeout(Duration::from_secs(35), watching).await;
        assert_eq!(changes.get(), 4);
    }
}
