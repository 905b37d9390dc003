//! Real signals, sent to this test process by `kill`; one test, because signals are the process's.

use std::process::{Command, id};
use std::time::Duration;

use nodens_serve::log::Logger;
use nodens_serve::metrics::Counter;
use nodens_serve::signals::{Request, Signals};

#[tokio::test(flavor = "current_thread")]
async fn each_signal_asks_for_what_it_means() {
    let logger = Logger::to_writer(std::io::sink(), Counter::default()).unwrap();
    let mut signals = Signals::new(logger).unwrap();
    for (signal, request) in [
        ("HUP", None),
        ("USR2", None),
        ("USR1", Some(Request::Reload)),
        ("USR1", Some(Request::Reload)),
        ("TERM", Some(Request::Drain)),
        ("HUP", None),
        ("USR1", Some(Request::Reload)),
        ("INT", Some(Request::Quit)),
        ("TERM", Some(Request::Quit)),
        ("QUIT", Some(Request::Quit)),
    ] {
        let sent = Command::new("kill")
            .args(["-s", signal, &id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let patience = if request.is_some() {
            Duration::from_secs(5)
        } else {
            Duration::from_millis(100)
        };
        let next = tokio::time::timeout(patience, signals.next()).await.ok();
        assert_eq!(next, request, "SIG{signal}");
    }
}
