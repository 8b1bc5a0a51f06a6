//! Feeds.

use std::time::{Duration, SystemTime};

use causeway_notices::{Feed, Settings, Target};
use causeway_plugin_sdk::proto::plugin::{AccountState, notice::To};
use reqwest::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT};

use crate::{feed_server::FeedServer, stage::Stage};

const DAY: u64 = 24 * 60 * 60;

/// A feed of entries: how many days ago they were published, and what they are called.
fn feed(entries: &[(u64, &str)]) -> String {
    let items = entries.iter().map(|(days, title)| {
        let date = SystemTime::now() - Duration::from_secs(days * DAY);
        let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::try_from(date).unwrap()).unwrap();
        format!("<item><guid>{title}</guid><title>{title}</title><pubDate>{date}</pubDate></item>")
    });
    let items: String = items.collect();
    format!(
        "<rss version=\"2.0\"><channel><title>News</title><link>https://example.org</link><description>d</description>{items}</channel></rss>"
    )
}

fn impatient(url: &str) -> Feed {
    Feed {
        interval: Duration::from_millis(20),
        least_interval: Duration::ZERO,
        allow_private_addresses: true,
        ..Feed::new("news", url, Target::Audience("staff".into()))
    }
}

async fn stage(feed: Feed) -> Stage {
    Stage::with(Settings { feeds: vec![feed], ..Settings::default() }).await
}

#[tokio::test]
async fn entries_are_published_oldest_first_and_once() {
    let server = FeedServer::start(feed(&[(0, "today"), (1, "yesterday")])).await;
    let stage = stage(impatient(&server.url)).await;
    let notice = stage.notice().await;
    assert_eq!((notice.message.as_str(), notice.notice_id.as_str()), ("yesterday", "yesterday"));
    assert_eq!(notice.to, Some(To::Audience("staff".into())));
    assert_eq!(stage.messages().await, ["today"]);
    stage.account("feed/news", AccountState::Connected).await;

    server.answered(200, 5).await;
    server.serve(feed(&[(0, "news"), (0, "today"), (1, "yesterday")]), None, None);
    assert_eq!(stage.messages().await, ["news"]);
    stage.nothing_comes().await;
}

#[tokio::test]
async fn old_entries_are_left_alone() {
    let server = FeedServer::start(feed(&[(6, "recent"), (8, "old")])).await;
    let stage = stage(impatient(&server.url)).await;
    assert_eq!(stage.messages().await, ["recent"]);
    stage.nothing_comes().await;
}

#[tokio::test]
async fn a_feed_that_has_not_changed_is_not_sent_again() {
    let server = FeedServer::start("").await;
    let modified = "Tue, 06 Jan 2026 14:20:00 GMT";
    server.serve(feed(&[(0, "one")]), Some("\"v1\""), Some(modified));
    let stage = stage(impatient(&server.url)).await;
    assert_eq!(stage.messages().await, ["one"]);
    let again = server.answered(304, 3).await;
    assert_eq!(again.headers[IF_NONE_MATCH], "\"v1\"");
    assert_eq!(again.headers[IF_MODIFIED_SINCE], modified);
    assert!(again.headers[USER_AGENT].to_str().unwrap().starts_with("causeway-notices/"));

    server.serve(feed(&[(0, "two"), (0, "one")]), None, Some("Tue, 06 Jan 2026 14:30:00 GMT"));
    assert_eq!(stage.messages().await, ["two"]);
    let again = server.answered(304, 5).await;
    assert!(!again.headers.contains_key(IF_NONE_MATCH), "the feed has no entity tag any more");
    stage.account("feed/news", AccountState::Connected).await;
}

#[tokio::test]
async fn a_changed_entry_is_the_same_notice() {
    let server = FeedServer::start(feed(&[(0, "one")])).await;
    let stage = stage(impatient(&server.url)).await;
    assert_eq!(stage.messages().await, ["one"]);
    server.serve(feed(&[(0, "one")]).replace("<title>one", "<title>one, corrected"), None, None);
    let notice = stage.notice().await;
    assert_eq!((notice.notice_id.as_str(), notice.message.as_str()), ("one", "one, corrected"));
    assert!(notice.update_when_changed);
}

#[tokio::test]
async fn a_feed_that_fails_is_asked_more_and_more_rarely_until_it_works() {
    let server = FeedServer::start(feed(&[(0, "one")])).await;
    for _ in 0..4 {
        server.fail(500, None);
    }
    let stage = stage(impatient(&server.url)).await;
    let report = stage.account("feed/news", AccountState::Reconnecting).await;
    assert_eq!(report.advice, "the feed's server answers 500");
    assert_eq!(stage.messages().await, ["one"]);
    stage.account("feed/news", AccountState::Connected).await;
    let times: Vec<_> = server.asked().iter().map(|asked| asked.at).collect();
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, least) in waits.iter().zip([20, 40, 80, 160]) {
        assert!(*wait >= Duration::from_millis(least), "{waits:?}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let server = FeedServer::start(feed(&[(0, "one")])).await;
    server.fail(429, Some("1"));
    let _stage = stage(impatient(&server.url)).await;
    let (refused, answered) = (server.answered(429, 0).await, server.answered(200, 0).await);
    assert!(answered.at - refused.at >= Duration::from_secs(1));

    server.cache_control("public, max-age=1");
    let count = server.asked().len();
    server.answered(200, count + 1).await;
    let asked = server.asked();
    let [.., last_but_one, last] = asked.as_slice() else { panic!("two requests") };
    assert!(last.at - last_but_one.at >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_feed_that_wants_credentials_says_so() {
    let server = FeedServer::start("").await;
    for _ in 0..100 {
        server.fail(403, None);
    }
    let stage = stage(impatient(&server.url)).await;
    stage.account("feed/news", AccountState::BadCredentials).await;
}

#[tokio::test]
async fn what_is_no_feed_is_kept_for_a_person_once() {
    let server = FeedServer::start("<html>we are moving</html>").await;
    let stage = stage(impatient(&server.url)).await;
    let (event, kept) = stage.malformed().await;
    assert_eq!((event.account.as_str(), kept.payload), ("feed/news", b"<html>we are moving</html>".to_vec()));
    let report = stage.account("feed/news", AccountState::Reconnecting).await;
    assert!(report.advice.starts_with("the feed cannot be read:"), "{}", report.advice);
    stage.nothing_comes().await;
    server.serve(feed(&[(0, "back")]), None, None);
    assert_eq!(stage.messages().await, ["back"]);
}

#[tokio::test]
async fn a_feed_that_does_not_end_is_not_read() {
    let server = FeedServer::start("x".repeat((2 << 20) + 1)).await;
    let stage = stage(impatient(&server.url)).await;
    let report = stage.account("feed/news", AccountState::Reconnecting).await;
    assert_eq!(report.advice, "the feed is longer than 2 MiB");
}

#[tokio::test]
async fn a_redirect_is_followed() {
    let server = FeedServer::start(feed(&[(0, "one")])).await;
    let stage = stage(impatient(&server.redirect)).await;
    assert_eq!(stage.messages().await, ["one"]);
}

#[tokio::test]
async fn a_private_address_is_not_connected_to() {
    let server = FeedServer::start(feed(&[(0, "one")])).await;
    for url in [server.url.clone(), server.url.replace("127.0.0.1", "localhost")] {
        let stage = stage(Feed { allow_private_addresses: false, ..impatient(&url) }).await;
        let report = stage.account("feed/news", AccountState::Reconnecting).await;
        assert!(report.advice.contains("private address"), "{}", report.advice);
    }
    assert!(server.asked().is_empty());
}
