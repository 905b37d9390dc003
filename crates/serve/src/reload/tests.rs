use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::log::Sink;
use crate::metrics::Build;

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_changed_file_is_put_in_force_after_the_interval() {
    let world = World::new();
    let (reloader, handle) = world.reloader(Some(every(30)));
    world.file(Ok("two"));
    let watching = async {
        tokio::time::sleep(Duration::from_secs(22)).await;
        assert!(world.applied().is_empty(), "too early");
        tokio::time::sleep(Duration::from_secs(17)).await;
        drop(handle);
    };
    tokio::join!(reloader.run(), watching);
    assert_eq!(world.applied(), ["two"]);
    assert_eq!(
        world.log(),
        "[INFO] plugin/reload: Running configuration SHA512 = one\n[INFO] Reloading\n\
         [INFO] plugin/reload: Running configuration SHA512 = two\n[INFO] Reloading complete\n"
    );
    let text = world.metrics.encode();
    assert!(text.contains("coredns_reload_version_info{hash=\"sha512\",value=\"two\"} 1\n"));
    assert!(text.contains("\ncoredns_reload_failed_total 0\n"));
}

#[tokio::test(flavor = "current_thread")]
async fn an_unchanged_file_changes_nothing() {
    let world = World::new();
    let (mut reloader, _handle) = world.reloader(Some(every(30)));
    reloader.reload(false).await;
    assert!(world.applied().is_empty());
    assert!(
        !world
            .metrics
            .encode()
            .contains("coredns_reload_version_info")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_file_that_cannot_be_loaded_is_complained_about_once_per_content() {
    let world = World::new();
    let (mut reloader, _handle) = world.reloader(None);
    world.file(Err(
        "Corefile:3 - Error during parsing: Unknown directive 'foo'",
    ));
    for _ in 0..3 {
        reloader.reload(false).await;
    }
    world.file(Err(
        "Corefile:4 - Error during parsing: Unknown directive 'bar'",
    ));
    reloader.reload(false).await;
    world.file(Ok("one"));
    reloader.reload(false).await;
    assert!(world.applied().is_empty());
    assert_eq!(
        world.log(),
        "[ERROR] plugin/reload: Corefile changed but reload failed: Corefile:3 - Error during \
         parsing: Unknown directive 'foo'\n\
         [ERROR] plugin/reload: Corefile changed but reload failed: Corefile:4 - Error during \
         parsing: Unknown directive 'bar'\n"
    );
    assert!(
        world
            .metrics
            .encode()
            .contains("\ncoredns_reload_failed_total 2\n")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_configuration_that_failed_is_not_tried_again_until_the_file_changes() {
    let world = World::new();
    let (mut reloader, _handle) = world.reloader(None);
    world.file(Ok("bad"));
    for _ in 0..3 {
        reloader.reload(false).await;
    }
    assert_eq!(world.applied(), ["bad"]);
    world.file(Ok("one"));
    reloader.reload(false).await;
    assert_eq!(
        world.applied(),
        ["bad"],
        "what is in force need not be put in force"
    );
    world.file(Ok("bad"));
    reloader.reload(false).await;
    world.file(Ok("two"));
    reloader.reload(false).await;
    assert_eq!(world.applied(), ["bad", "bad", "two"]);
    assert!(
        world
            .metrics
            .encode()
            .contains("\ncoredns_reload_failed_total 2\n")
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn word_of_a_change_has_the_file_read_at_once_and_an_unchanged_one_left_alone() {
    let world = World::new();
    let (reloader, handle) = world.reloader(None);
    let changes = async {
        handle.changed();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(world.applied().is_empty());
        world.file(Ok("two"));
        handle.changed();
        handle.changed();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(world.applied(), ["two"]);
        drop(handle);
    };
    tokio::join!(reloader.run(), changes);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_request_reloads_an_unchanged_file_and_needs_no_directive() {
    let world = World::new();
    let (reloader, handle) = world.reloader(None);
    let asking = async {
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(world.applied().is_empty());
        handle.request();
        handle.request();
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(handle);
    };
    tokio::join!(reloader.run(), asking);
    assert_eq!(world.applied(), ["one"]);
    assert_eq!(world.log(), "[INFO] Reloading\n[INFO] Reloading complete\n");
}

#[test]
fn the_period_is_the_interval_give_or_take_half_the_jitter() {
    let watch = Watch {
        interval: Duration::from_secs(30),
        jitter: Duration::from_secs(15),
    };
    assert_eq!(watch.period(0), Duration::from_millis(22_500));
    assert_eq!(watch.period(7_500_000_000), Duration::from_secs(30));
    assert_eq!(
        watch.period(14_999_999_999),
        Duration::from_nanos(37_499_999_999)
    );
    let capped = Watch {
        interval: Duration::from_secs(10),
        jitter: Duration::from_mins(1),
    };
    assert_eq!(capped.period(0), Duration::from_millis(7_500));
    let none = Watch {
        interval: Duration::from_secs(10),
        jitter: Duration::ZERO,
    };
    assert_eq!(none.period(u64::MAX), Duration::from_secs(10));
}

/// A file whose content is its own fingerprint, and a record of what was put in force; `bad`
/// cannot be.
struct World {
    file: Rc<RefCell<Result<&'static str, &'static str>>>,
    applied: Rc<RefCell<Vec<&'static str>>>,
    metrics: Arc<Metrics>,
    logger: Logger,
    written: Sink,
}

impl World {
    fn new() -> Self {
        let (logger, written) = Sink::new();
        World {
            file: Rc::new(RefCell::new(Ok("one"))),
            applied: Rc::default(),
            metrics: Metrics::new(Build {
                version: "0",
                revision: "0",
                compiler: "0",
            }),
            logger,
            written,
        }
    }

    fn file(&self, content: Result<&'static str, &'static str>) {
        *self.file.borrow_mut() = content;
    }

    #[expect(clippy::type_complexity, reason = "closures have no shorter name")]
    fn reloader(
        &self,
        watch: Option<Watch>,
    ) -> (
        Reloader<
            impl FnMut() -> Result<Loaded<&'static str>, String> + use<>,
            impl AsyncFnMut(&'static str) -> Result<(), String> + use<>,
        >,
        ReloadHandle,
    ) {
        let (file, applied) = (Rc::clone(&self.file), Rc::clone(&self.applied));
        let load = move || {
            let content = (*file.borrow()).map_err(str::to_owned)?;
            Ok(Loaded {
                configuration: content,
                fingerprint: content.into(),
                watch,
            })
        };
        let apply = async move |content| {
            applied.borrow_mut().push(content);
            if content == "bad" {
                Err("address in use".into())
            } else {
                Ok(())
            }
        };
        Reloader::new(
            "one",
            watch,
            load,
            apply,
            self.logger.clone(),
            Arc::clone(&self.metrics),
        )
    }

    fn applied(&self) -> Vec<&'static str> {
        self.applied.borrow().clone()
    }

    fn log(&self) -> String {
        self.written.take()
    }
}

fn every(seconds: u64) -> Watch {
    Watch {
        interval: Duration::from_secs(seconds),
        jitter: Duration::from_secs(seconds / 2),
    }
}
