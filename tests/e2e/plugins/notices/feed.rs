//! Notices of a feed.

use axum::{Router, extract::State, routing::get};
use serde_json::json;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use super::campus::{Campus, notice};
use crate::stage::Setup;

/// A web server with one feed. Whoever asks waits until there is a page.
struct Feed {
    url: String,
    page: watch::Sender<Option<String>>,
    _serving: JoinSet<()>,
}

impl Feed {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/news.xml", listener.local_addr().unwrap());
        let (page, pages) = watch::channel(None);
        let router = Router::new().route("/news.xml", get(answer)).with_state(pages);
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, page, _serving: serving }
    }

    /// What it is in the configuration: a source for college 5.
    fn source(&self) -> String {
        format!(
            "[[plugins.notices.feeds]]\nname = \"news\"\nurl = \"{}\"\nto = {{ college = \"5\" }}\n\
             interval = \"1m\"\nallow_private_addresses = true\n",
            self.url
        )
    }

    /// Has these entries from now on, newest first: id and title.
    fn has(&self, entries: &[(&str, &str)]) {
        let items = entries.iter().map(|(id, title)| {
            format!(
                "<item><guid isPermaLink=\"false\">{id}</guid><title>{title}</title><link>https://example.edu/{id}</link></item>"
            )
        });
        let items: String = items.collect();
        let page = format!(
            "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>News</title>\
             <link>https://example.edu/</link><description>d</description>{items}</channel></rss>"
        );
        self.page.send_replace(Some(page));
    }

    fn is_gone(&self) {
        self.page.send_replace(None);
    }
}

async fn answer(State(mut pages): State<watch::Receiver<Option<String>>>) -> String {
    pages.wait_for(Option::is_some).await.unwrap().clone().unwrap()
}

fn of_feed(id: &str, title: &str) -> serde_json::Value {
    notice(title, json!({"notice_id": id, "url": format!("https://example.edu/{id}")}))
}

#[tokio::test]
async fn an_entry_reaches_each_student_of_its_college_once_whatever_is_repeated() {
    let feed = Feed::start().await;
    let mut campus = Campus::with(Setup::default(), &feed.source()).await;
    let mut sockets = campus.sockets().await;
    feed.has(&[("exams", "Exams"), ("snow", "Snow")]);
    sockets.college_sees(&of_feed("snow", "Snow")).await;
    sockets.college_sees(&of_feed("exams", "Exams")).await;
    campus.nothing_but(&mut sockets, "one").await;

    // The plugin knows nothing any more, and sees all again: one entry is new, one has changed.
    feed.is_gone();
    campus.restart().await;
    let mut sockets = campus.sockets().await;
    feed.has(&[("ice", "Ice"), ("exams", "Exams are put off"), ("snow", "Snow")]);
    sockets.college_sees(&of_feed("exams", "Exams are put off")).await;
    sockets.college_sees(&of_feed("ice", "Ice")).await;
    campus.nothing_but(&mut sockets, "two").await;
    let mut listed = campus.list(&campus.ben).await;
    listed.sort_unstable();
    assert_eq!(listed, ["Exams are put off", "Ice", "Snow", "one", "two"]);
    assert_eq!(campus.list(&campus.cid).await, ["two", "one"]);
}
