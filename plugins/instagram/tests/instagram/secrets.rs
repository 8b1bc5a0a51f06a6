//! What must not be read anywhere.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use causeway_instagram::Instagram as Plugin;
use causeway_plugin_sdk::proto::plugin::AccountState;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    stage::{PETER, SHOP, Stage, TOKEN, VERIFY_TOKEN, settings},
    stand_in::{APP_SECRET, Failure, Refusal, Signature},
};

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

/// Of the whole process: a place in the code that first logs in a test without a log of its own would be deaf to this one's.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
});

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_credential_is_in_any_log_report_or_advice() {
    let log = &*LOG;
    let stage = Stage::with(|settings| settings.request_timeout = Duration::from_millis(300)).await;
    stage.peter_wrote(Duration::ZERO);
    stage.instagram.customer_writes(SHOP, PETER, "Hello");
    stage.next_message().await;
    let mut said = Vec::new();
    for failure in [
        Failure::Refusal(Refusal::bad_token(TOKEN)),
        Failure::Refusal(Refusal::parameter("Wrong")),
        Failure::Status(500),
        Failure::Close,
        Failure::Hang,
    ] {
        stage.instagram.fail_next(failure);
        said.push(format!("{:?}", stage.say("Hello").await));
    }
    stage.instagram.fail_profiles(Some(Failure::Refusal(Refusal::bad_token(TOKEN))));
    stage.instagram.customer_writes(SHOP, "78", "Hello");
    stage.instagram.all_told().await;
    let is_bad = |report: &causeway_plugin_sdk::proto::plugin::AccountReport| {
        report.state() == AccountState::BadCredentials
    };
    said.push(format!("{:?}", stage.host.account_when("shop", is_bad).await));
    for signature in [Signature::Wrong, Signature::Missing] {
        assert_eq!(stage.instagram.raw_webhook("{}", signature).await, 401);
    }
    said.push(format!("{:?}", Plugin::new(settings("http://127.0.0.1:9")).unwrap()));
    said.push(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    assert!(said.iter().any(|said| said.contains("webhook requests were refused")), "the log is read");
    for secret in [TOKEN, APP_SECRET, VERIFY_TOKEN] {
        for said in &said {
            let line = said.lines().find(|line| line.contains(secret));
            assert_eq!(line, None);
        }
    }
}

#[test]
fn a_plugin_without_its_secrets_does_not_start() {
    let without = |change: fn(&mut causeway_instagram::Settings)| {
        let mut settings = settings("https://graph.instagram.com");
        change(&mut settings);
        Plugin::new(settings).unwrap_err().to_string()
    };
    let app_secret = without(|settings| settings.app_secret = None);
    assert!(app_secret.starts_with("app_secret is required"), "{app_secret}");
    let verify_token = without(|settings| settings.verify_token = None);
    assert!(verify_token.starts_with("verify_token is required"), "{verify_token}");
}
