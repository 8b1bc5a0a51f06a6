//! What plugins say of notices, and what users then see.

use causeway_kit::{Context, Store, metrics::Metrics, store::StoreOptions, testing};
use causeway_proto::{
    event::{Event, event},
    notification::Notification,
    plugin::{CustomerMessage, UserList, notice::To},
    topic::EVERYBODY,
};
use prost::Message as _;
use tempfile::TempDir;
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::{
    inbox::{Inbox, Page},
    schema::MIGRATIONS,
};

/// A store with a desk, and a courier that carries bulk messages out.
struct Scene {
    store: Store,
    desk: std::sync::Arc<Notices>,
    _courier: AbortOnDropHandle<()>,
    _dir: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let context = Context::new(dir.path());
        let options = StoreOptions {
            storage: testing::storage(dir.path()),
            name: "notification",
            migrations: MIGRATIONS,
            clock: context.clock.clone(),
            bus: context.bus.clone(),
            retain: std::time::Duration::from_secs(60),
        };
        let store = Store::open(options, &Metrics::default()).await.unwrap();
        let courier = Courier::new(store.clone(), context.stop);
        let desk = Notices { courier: courier.clone(), counters: Counters::default() };
        let courier = AbortOnDropHandle::new(tokio::spawn(courier.run(2, Counters::default())));
        Self { store, desk: desk.into(), _courier: courier, _dir: dir }
    }

    /// What a notice of `feed/news` comes to.
    async fn say(&self, notice: Notice) -> Result<Verdict, Error> {
        self.say_of("feed/news", Body::Notice(notice)).await
    }

    async fn say_of(&self, account: &str, body: Body) -> Result<Verdict, Error> {
        let event = InboundEvent { account: account.to_owned(), body: Some(body), ..InboundEvent::default() };
        let desk = self.desk.clone();
        self.store.write(move |tx| desk.apply(tx, "notices", event)).await
    }

    async fn accepted(&self, notice: Notice) {
        assert_eq!(self.say(notice).await.unwrap(), Verdict::Accepted);
    }

    /// What a user's inbox shows.
    async fn inbox(&self, user: &str, audiences: &[&str]) -> Vec<Notification> {
        let audiences: Vec<_> = audiences.iter().map(|name| (*name).to_owned()).collect();
        let inbox = Inbox::new(user.to_owned(), &audiences);
        let page = Page { unread_only: false, before: i64::MAX, limit: 100 };
        let listed = self.store.read(move |reader| inbox.list(reader, page)).await.unwrap();
        let unread = listed.notifications.iter().filter(|one| !one.is_read).count();
        assert_eq!(listed.unread_count as usize, unread, "the count follows the list");
        listed.notifications
    }

    /// The titles in it.
    async fn titles(&self, user: &str) -> Vec<String> {
        self.inbox(user, &[]).await.into_iter().map(|one| one.title).collect()
    }

    /// Titles of the notifications that were told on a topic, one for each time.
    async fn told(&self, topic: &str) -> Vec<String> {
        let topic = topic.to_owned();
        let read = self.store.read(move |reader| {
            let sql = "SELECT body FROM event WHERE topic = (SELECT id FROM topic WHERE name = ?1) ORDER BY sequence";
            reader.all(sql, params![topic], |row| row.get::<Vec<u8>>(0))
        });
        let titles =
            read.await.unwrap().into_iter().map(|bytes| match Event::decode(&*bytes).unwrap().body {
                Some(event::Body::NotificationPublished(published)) => published.notification.unwrap().title,
                other => panic!("{other:?}"),
            });
        titles.collect()
    }

    /// Waits until no bulk message is under way.
    async fn rest(&self) {
        let sql = "SELECT COUNT(*) FROM bulk WHERE state = 1";
        while self.store.read(|reader| reader.one(sql, [], |row| row.get(0))).await.unwrap() != Some(0) {
            tokio::task::yield_now().await;
        }
    }
}

fn notice(title: &str, to: To) -> Notice {
    Notice {
        notice_id: "42".to_owned(),
        to: Some(to),
        is_published: true,
        title: title.to_owned(),
        update_when_changed: true,
        retract_when_unpublished: true,
        ..Notice::default()
    }
}

fn to_alice(title: &str) -> Notice {
    notice(title, To::UserId("alice".to_owned()))
}

fn to_many(title: &str, users: &[&str]) -> Notice {
    let user_ids = users.iter().map(|id| (*id).to_owned()).collect();
    notice(title, To::Users(UserList { user_ids }))
}

fn unpublished(notice: Notice) -> Notice {
    Notice { is_published: false, ..notice }
}

fn is_ignored(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Ignored(_))
}

#[tokio::test]
async fn a_notice_is_published_once_however_often_it_is_said() {
    let scene = Scene::start().await;
    assert!(is_ignored(&scene.say(unpublished(to_alice("exams"))).await.unwrap()));
    assert_eq!(scene.titles("alice").await, [""; 0]);
    scene.accepted(to_alice("exams")).await;
    for _ in 0..3 {
        assert_eq!(scene.say(to_alice("exams")).await.unwrap(), Verdict::Duplicate);
    }
    assert_eq!(scene.titles("alice").await, ["exams"]);
    assert_eq!(scene.told("user/alice").await, ["exams"]);
    assert_eq!(scene.inbox("alice", &[]).await[0].notification_type, "notice");
}

#[tokio::test]
async fn the_same_id_of_another_account_is_another_notice() {
    let scene = Scene::start().await;
    for account in ["feed/news", "feed/events"] {
        let verdict = scene.say_of(account, Body::Notice(to_alice("exams"))).await.unwrap();
        assert_eq!(verdict, Verdict::Accepted);
    }
    assert_eq!(scene.titles("alice").await, ["exams", "exams"]);
}

#[tokio::test]
async fn an_audience_and_everybody_are_told() {
    let scene = Scene::start().await;
    scene.accepted(notice("exams", To::Audience("college:5".to_owned()))).await;
    let everybody = Notice { notice_id: "43".to_owned(), ..notice("fire", To::Everybody(true)) };
    scene.accepted(everybody).await;
    assert_eq!(scene.told("audience/college:5").await, ["exams"]);
    assert_eq!(scene.told(&format!("audience/{EVERYBODY}")).await, ["fire"]);
    assert_eq!(scene.titles("anybody").await, ["fire"]);
    assert_eq!(scene.inbox("carol", &["college:5", EVERYBODY]).await.len(), 2);
}

#[tokio::test]
async fn a_changed_notice_is_the_same_notification_shown_again() {
    let scene = Scene::start().await;
    scene.accepted(to_alice("exams")).await;
    let first = scene.inbox("alice", &[]).await.remove(0);
    scene.accepted(to_alice("exams moved")).await;
    let second = scene.inbox("alice", &[]).await;
    assert_eq!(second.len(), 1);
    assert_eq!((second[0].id, second[0].title.as_str()), (first.id, "exams moved"));
    assert_eq!(scene.told("user/alice").await, ["exams", "exams moved"]);

    let stubborn = Notice { update_when_changed: false, ..to_alice("exams moved again") };
    assert!(is_ignored(&scene.say(stubborn).await.unwrap()));
    assert_eq!(scene.titles("alice").await, ["exams moved"]);
}

#[tokio::test]
async fn an_unpublished_notice_leaves_the_lists_and_may_come_back() {
    let scene = Scene::start().await;
    scene.accepted(to_alice("exams")).await;
    let first = scene.inbox("alice", &[]).await.remove(0);
    let stubborn = Notice { retract_when_unpublished: false, ..unpublished(to_alice("exams")) };
    assert!(is_ignored(&scene.say(stubborn).await.unwrap()));
    assert_eq!(scene.titles("alice").await, ["exams"]);

    scene.accepted(unpublished(to_alice("exams"))).await;
    assert_eq!(scene.titles("alice").await, [""; 0]);
    assert_eq!(scene.say(unpublished(to_alice("exams"))).await.unwrap(), Verdict::Duplicate);

    scene.accepted(to_alice("exams")).await;
    let again = scene.inbox("alice", &[]).await.remove(0);
    assert!(again.id > first.id, "it is published anew");
    assert_eq!(scene.told("user/alice").await, ["exams", "exams"]);
}

#[tokio::test]
async fn an_update_for_others_is_taken_from_those_who_are_left_out() {
    let scene = Scene::start().await;
    scene.accepted(to_alice("exams")).await;
    scene.accepted(notice("exams", To::UserId("bob".to_owned()))).await;
    assert_eq!(scene.titles("alice").await, [""; 0]);
    assert_eq!(scene.titles("bob").await, ["exams"]);
    scene.accepted(to_many("exams", &["bob", "carol"])).await;
    scene.rest().await;
    for user in ["bob", "carol"] {
        assert_eq!(scene.titles(user).await, ["exams"], "{user}");
    }
}

#[tokio::test]
async fn many_are_notified_updated_and_spared_one_by_one() {
    let scene = Scene::start().await;
    scene.accepted(to_many("sale", &["alice", "bob", "carol", "alice"])).await;
    scene.rest().await;
    let first = scene.inbox("bob", &[]).await.remove(0);
    assert_eq!(scene.say(to_many("sale", &["carol", "bob", "alice"])).await.unwrap(), Verdict::Duplicate);

    scene.accepted(to_many("last sale", &["bob", "carol", "dave"])).await;
    scene.rest().await;
    assert_eq!(scene.titles("alice").await, [""; 0]);
    for user in ["bob", "carol", "dave"] {
        assert_eq!(scene.titles(user).await, ["last sale"], "{user}");
    }
    assert_eq!(scene.inbox("bob", &[]).await[0].id, first.id);

    scene.accepted(unpublished(to_many("", &[]))).await;
    assert_eq!(scene.titles("bob").await, [""; 0]);
}

#[tokio::test]
async fn a_retraction_stops_what_is_still_going_out() {
    let scene = Scene::start().await;
    let users: Vec<String> = (0..1_000).map(|number| format!("user-{number:04}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    scene.accepted(to_many("sale", &users)).await;
    scene.accepted(unpublished(to_many("sale", &users))).await;
    scene.rest().await;
    for user in [users[0], users[999]] {
        assert_eq!(scene.titles(user).await, [""; 0], "{user}");
    }
}

#[tokio::test]
async fn what_was_read_stays_read_when_it_is_updated() {
    let scene = Scene::start().await;
    scene.accepted(to_alice("exams")).await;
    let inbox = Inbox::new("alice".to_owned(), &[]);
    assert!(scene.store.write(move |tx| inbox.mark_all(tx)).await.unwrap());
    scene.accepted(to_alice("exams moved")).await;
    assert!(scene.inbox("alice", &[]).await[0].is_read);
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let scene = Scene::start().await;
    let long = |length| "x".repeat(length);
    let wrong = [
        ("notice.notice_id", Notice { notice_id: String::new(), ..to_alice("t") }),
        ("notice.notice_id", Notice { notice_id: long(257), ..to_alice("t") }),
        ("notice.title", to_alice("")),
        ("notice.title", to_alice(&long(201))),
        ("notice.message", Notice { message: long(4_097), ..to_alice("t") }),
        ("notice.notification_type", Notice { notification_type: long(65), ..to_alice("t") }),
        ("notice.data", Notice { data: "[]".to_owned(), ..to_alice("t") }),
        ("notice.to", Notice { to: None, ..to_alice("t") }),
        ("notice.user_id", notice("t", To::UserId("a/b".to_owned()))),
        ("notice.audience", notice("t", To::Audience(String::new()))),
        ("notice.everybody", notice("t", To::Everybody(false))),
        ("notice.users.user_ids", to_many("t", &[])),
        ("notice.users.user_ids", to_many("t", &["a/b"])),
        ("notice.users.user_ids", to_many("t", &["a"; MAX + 1])),
    ];
    for (expected, notice) in wrong {
        let error = scene.say(notice).await.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidField { field, .. } if field == expected),
            "{expected}: {error}"
        );
    }
    // Of a notice that is not to be seen, no more is looked at than its name.
    let empty = unpublished(Notice { to: None, ..to_alice("") });
    assert!(is_ignored(&scene.say(empty).await.unwrap()));
}

/// Most users of a notice.
const MAX: usize = 10_000;

#[tokio::test]
async fn other_bodies_mean_nothing() {
    let scene = Scene::start().await;
    let body = Body::CustomerMessage(CustomerMessage::default());
    assert!(is_ignored(&scene.say_of("feed/news", body).await.unwrap()));
}
