//! Real files, watched and replaced while the reloader runs.

#![expect(
    clippy::unwrap_used,
    reason = "the lint takes helpers of tests for other code"
)]

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nodens_corefile::{Config, Defaults, SystemFiles, load};
use nodens_serve::log::Logger;
use nodens_serve::metrics::{Build, Counter, Metrics};
use nodens_serve::reload::{Loaded, Reloader};

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_change_of_meaning_in_any_file_is_put_in_force_and_a_comment_is_not() {
    let directory = Directory::new();
    let corefile = directory.0.join("Corefile");
    write(
        &corefile,
        ".:5353 {\n  reload 2s 0s\n  import blocks/*.conf\n}\n",
    );
    write(&directory.0.join("blocks/a.conf"), "cache 30\n");
    let read = || load(&corefile, &SystemFiles, &Defaults::default());
    let first = Loaded::from_config(read().unwrap());
    let logger = Logger::to_writer(std::io::sink(), Counter::default()).unwrap();
    let metrics = Metrics::new(Build {
        version: "0",
        revision: "0",
        compiler: "0",
    });
    let applied = RefCell::new(Vec::new());
    let (reloader, handle) = Reloader::new(
        &first.fingerprint,
        first.watch,
        || {
            read()
                .map(Loaded::from_config)
                .map_err(|error| error.to_string())
        },
        async |config: Config| {
            applied.borrow_mut().push(config.blocks[0].errors.is_some());
            Ok(())
        },
        logger,
        Arc::clone(&metrics),
    );
    let failed = || {
        let text = metrics.encode();
        text.lines()
            .find(|line| line.starts_with("coredns_reload_failed_total"))
            .unwrap()
            .to_owned()
    };
    let changes = async {
        let interval = Duration::from_millis(2100);
        write(
            &corefile,
            "# new\n.:5353 {\n  reload 2s 0s\n\n  import blocks/*.conf\n}\n",
        );
        tokio::time::sleep(interval).await;
        assert!(applied.borrow().is_empty());
        write(&directory.0.join("blocks/b.conf"), "errors\n");
        tokio::time::sleep(interval).await;
        assert_eq!(*applied.borrow(), [true]);
        write(&directory.0.join("blocks/b.conf"), "nonsense\n");
        tokio::time::sleep(interval * 3).await;
        assert_eq!(*applied.borrow(), [true]);
        assert_eq!(failed(), "coredns_reload_failed_total 1");
        fs::remove_file(directory.0.join("blocks/b.conf")).unwrap();
        tokio::time::sleep(interval).await;
        assert_eq!(*applied.borrow(), [true, false]);
        drop(handle);
    };
    tokio::join!(reloader.run(), changes);
}

/// A directory that is gone after the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("nodens-reload-{}", std::process::id()));
        fs::create_dir_all(path.join("blocks")).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}
