//! Users and audiences.

use causeway_proto::{
    chat::{
        GetAudienceRequest, GetUserRequest, ListAudiencesRequest, ListUsersRequest, PutAudienceRequest,
        PutUserRequest, RegisterUserRequest, User,
    },
    event::event::Body,
};
use tonic::Code;

use crate::stage::{Stage, code, field, strings};

async fn register(stage: &Stage, user: User) -> User {
    let request = RegisterUserRequest { user: Some(user) };
    stage.directory().register_user(request).await.unwrap().into_inner().user.unwrap()
}

async fn put(stage: &Stage, request: PutUserRequest) -> User {
    stage.directory().put_user(request).await.unwrap().into_inner().user.unwrap()
}

fn alice() -> User {
    User { id: "alice".into(), username: "al".into(), audiences: strings(&["college:5"]), ..User::default() }
}

#[tokio::test]
async fn connecting_makes_a_user() {
    let stage = Stage::new().await;
    let user = register(&stage, alice()).await;
    assert!(user.is_active);
    assert_eq!(user.created_at, Some(stage.clock.now()));
    assert_eq!((user.username.as_str(), user.audiences), ("al", strings(&["college:5"])));
}

#[tokio::test]
async fn a_claim_fills_what_is_empty_and_overwrites_nothing() {
    let stage = Stage::new().await;
    register(&stage, alice()).await;
    let claims = User {
        username: "other".into(),
        first_name: "Alice".into(),
        audiences: strings(&["staff"]),
        ..alice()
    };
    let user = register(&stage, claims).await;
    assert_eq!((user.username.as_str(), user.first_name.as_str()), ("al", "Alice"));
    assert_eq!(user.audiences, strings(&["college:5", "staff"]));
}

#[tokio::test]
async fn connecting_again_changes_nothing_and_tells_nobody() {
    let stage = Stage::new().await;
    register(&stage, alice()).await;
    let before = stage.events("user/alice").await.len();
    register(&stage, User { username: "else".into(), ..alice() }).await;
    assert_eq!(stage.events("user/alice").await.len(), before);
}

#[tokio::test]
async fn whoever_is_not_active_may_not_connect() {
    let stage = Stage::of(&["alice"]).await;
    put(&stage, PutUserRequest { id: "alice".into(), is_active: Some(false), ..PutUserRequest::default() })
        .await;
    let Body::UserUpdated(updated) = stage.last_event("user/alice").await else { panic!("another event") };
    assert!(!updated.user.unwrap().is_active);
    let again = stage.directory().register_user(RegisterUserRequest { user: Some(alice()) }).await;
    assert_eq!(code(again), Code::PermissionDenied);
}

#[tokio::test]
async fn a_backend_changes_what_it_gives_and_clears_what_it_empties() {
    let stage = Stage::new().await;
    register(&stage, User { last_name: "Doe".into(), ..alice() }).await;
    let user = put(
        &stage,
        PutUserRequest {
            id: "alice".into(),
            username: Some(String::new()),
            first_name: Some("Al".into()),
            add_audiences: strings(&["helpdesk"]),
            remove_audiences: strings(&["college:5"]),
            source: Some("telegram".into()),
            profile_picture: Some("https://example.com/a.png".into()),
            ..PutUserRequest::default()
        },
    )
    .await;
    assert_eq!(
        (user.username.as_str(), user.first_name.as_str(), user.last_name.as_str()),
        ("", "Al", "Doe")
    );
    assert_eq!((user.source.as_str(), user.audiences), ("telegram", strings(&["helpdesk"])));
    let request = GetUserRequest { user_id: "alice".into() };
    let stored = stage.directory().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(stored.profile_picture, "https://example.com/a.png");
}

#[tokio::test]
async fn wrong_fields_of_users_are_named() {
    let stage = Stage::new().await;
    let put = |request: PutUserRequest| {
        let mut directory = stage.directory();
        async move { field(directory.put_user(request).await) }
    };
    let request = || PutUserRequest { id: "alice".into(), ..PutUserRequest::default() };
    assert_eq!(put(PutUserRequest::default()).await, "id");
    assert_eq!(put(PutUserRequest { name: Some("x".repeat(151)), ..request() }).await, "name");
    assert_eq!(put(PutUserRequest { email: Some("x".repeat(255)), ..request() }).await, "email");
    let picture = PutUserRequest { profile_picture: Some("ftp://x".into()), ..request() };
    assert_eq!(put(picture).await, "profile_picture");
    let audience = PutUserRequest { add_audiences: strings(&["a/b"]), ..request() };
    assert_eq!(put(audience).await, "add_audiences");
    assert_eq!(field(stage.directory().register_user(RegisterUserRequest { user: None }).await), "user");
    let nameless = RegisterUserRequest { user: Some(User::default()) };
    assert_eq!(field(stage.directory().register_user(nameless).await), "user.id");
    let unknown = stage.directory().get_user(GetUserRequest { user_id: "alice".into() }).await;
    assert_eq!(code(unknown), Code::NotFound, "what was refused was not stored");
}

#[tokio::test]
async fn nobody_is_in_more_than_a_hundred_audiences() {
    let stage = Stage::new().await;
    let hundred: Vec<String> = (0..100).map(|number| format!("a:{number}")).collect();
    put(&stage, PutUserRequest { id: "alice".into(), add_audiences: hundred, ..PutUserRequest::default() })
        .await;
    let one_more =
        PutUserRequest { id: "alice".into(), add_audiences: strings(&["b"]), ..PutUserRequest::default() };
    assert_eq!(code(stage.directory().put_user(one_more).await), Code::FailedPrecondition);
}

#[tokio::test]
async fn users_are_listed_by_id_in_pages() {
    let stage = Stage::of(&["dave", "alice", "carol", "bob"]).await;
    let page = |after: &str, limit: u32| {
        let mut directory = stage.directory();
        let request = ListUsersRequest { after: after.to_owned(), limit, audience: String::new() };
        async move {
            let page = directory.list_users(request).await.unwrap().into_inner();
            (page.users.into_iter().map(|user| user.id).collect::<Vec<_>>(), page.has_more)
        }
    };
    assert_eq!(page("", 3).await, (strings(&["alice", "bob", "carol"]), true));
    assert_eq!(page("carol", 3).await, (strings(&["dave"]), false));
}

#[tokio::test]
async fn an_audience_lives_as_long_as_somebody_is_in_it() {
    let stage = Stage::of(&["alice", "bob"]).await;
    let change = |add: &[&str], remove: &[&str]| PutAudienceRequest {
        audience: "college:5".into(),
        add_user_ids: strings(add),
        remove_user_ids: strings(remove),
    };
    let put = stage.directory().put_audience(change(&["alice", "bob"], &[])).await.unwrap().into_inner();
    assert_eq!(put.audience.unwrap().user_count, 2);
    let Body::UserUpdated(updated) = stage.last_event("user/bob").await else { panic!("another event") };
    assert_eq!(updated.user.unwrap().audiences, strings(&["college:5"]));

    let listed = ListUsersRequest { audience: "college:5".into(), ..ListUsersRequest::default() };
    let listed = stage.directory().list_users(listed).await.unwrap().into_inner();
    assert_eq!(listed.users.len(), 2);
    let audiences = stage.directory().list_audiences(ListAudiencesRequest::default()).await.unwrap();
    assert_eq!(audiences.into_inner().audiences[0].id, "college:5");

    let unknown = stage.directory().put_audience(change(&["nobody"], &[])).await;
    assert_eq!(code(unknown), Code::NotFound);
    let gone = stage.directory().put_audience(change(&[], &["alice", "bob", "nobody"])).await.unwrap();
    assert_eq!(gone.into_inner().audience.unwrap().user_count, 0);
    let get = GetAudienceRequest { audience: "college:5".into() };
    assert_eq!(code(stage.directory().get_audience(get).await), Code::NotFound);
}
