//! What the credential of a plugin opens: its own attachment, and nothing else.

use causeway_proto::{
    chat::{GetUserRequest, SendMessageRequest, chat_client::ChatClient, directory_client::DirectoryClient},
    client::{Credential, Grpc, remote},
    event::{ReadRequest, events_client::EventsClient},
    notification::{BroadcastRequest, notifications_client::NotificationsClient},
    plugin::{
        AttachRequest, Hello, ListOutboxRequest, ListPluginsRequest, PluginKind, attach_request,
        attach_response, plugin_host_client::PluginHostClient, plugins_client::PluginsClient,
    },
    presence::{GetPresenceRequest, presence_client::PresenceClient},
};
use futures_util::{StreamExt, stream};
use tonic::{Code, Status};

use crate::{
    plugins::stage::support_person,
    stage::{Causeway, Setup},
};

/// A client of the services that shows a credential.
fn with(causeway: &Causeway, token: &str) -> Grpc {
    remote(&format!("http://{}", causeway.at.chat), Credential::bearer(token).unwrap()).unwrap()
}

async fn add(causeway: &Causeway, name: &str, kind: &str) -> String {
    let printed = causeway.run_well(&["plugin", "add", name, "--kind", kind]).await;
    printed.trim_end().to_owned()
}

/// Attaches under a name; the code that it is refused with.
async fn attach(causeway: &Causeway, token: &str, name: &str, kind: PluginKind) -> Result<(), Code> {
    let hello = Hello {
        name: name.to_owned(),
        version: "1".to_owned(),
        protocol: 1,
        instance: "the-first".to_owned(),
        kind: kind.into(),
        ..Hello::default()
    };
    let hello = AttachRequest { message: Some(attach_request::Message::Hello(hello)) };
    let requests = stream::iter([hello]).chain(stream::pending());
    let answer = PluginHostClient::new(with(causeway, token)).attach(requests).await;
    let first = async {
        let message = answer?.into_inner().message().await?;
        match message.and_then(|response| response.message) {
            Some(attach_response::Message::Welcome(_)) => Ok(()),
            other => Err(Status::unknown(format!("{other:?}"))),
        }
    };
    first.await.map_err(|status: Status| status.code())
}

#[tokio::test]
async fn a_credential_attaches_its_plugin_until_it_is_taken_away() {
    let causeway = Setup::default().start().await;
    let token = add(&causeway, "mail", "channel").await;
    add(&causeway, "letters", "channel").await;
    assert_eq!(attach(&causeway, &token, "mail", PluginKind::Channel).await, Ok(()));
    for (name, kind) in
        [("letters", PluginKind::Channel), ("mail", PluginKind::Agent), ("mail", PluginKind::NoticeSource)]
    {
        assert_eq!(
            attach(&causeway, &token, name, kind).await,
            Err(Code::PermissionDenied),
            "{name} {kind:?}"
        );
    }
    let news = add(&causeway, "news", "notice-source").await;
    assert_eq!(attach(&causeway, &news, "news", PluginKind::NoticeSource).await, Ok(()));
    assert_eq!(attach(&causeway, "guess", "mail", PluginKind::Channel).await, Err(Code::Unauthenticated));
    let service = causeway.service_token();
    assert_eq!(attach(&causeway, &service, "mail", PluginKind::Channel).await, Err(Code::Unauthenticated));

    causeway.run_well(&["plugin", "remove", "mail"]).await;
    assert_eq!(attach(&causeway, &token, "mail", PluginKind::Channel).await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn a_credential_opens_nothing_else() {
    let causeway = Setup::default().start().await;
    let sue = support_person(&causeway).await;
    for kind in ["channel", "agent", "notice-source"] {
        let token = add(&causeway, kind, kind).await;
        let way = || with(&causeway, &token);
        let (user, send) = (GetUserRequest { user_id: sue.id.clone() }, SendMessageRequest::default());
        let refused = [
            DirectoryClient::new(way()).get_user(user).await.map(drop),
            ChatClient::new(way()).send_message(send).await.map(drop),
            EventsClient::new(way()).read(ReadRequest::default()).await.map(drop),
            NotificationsClient::new(way()).broadcast(BroadcastRequest::default()).await.map(drop),
            PresenceClient::new(way()).get_presence(GetPresenceRequest::default()).await.map(drop),
            PluginsClient::new(way()).list_plugins(ListPluginsRequest {}).await.map(drop),
            PluginsClient::new(way()).list_outbox(ListOutboxRequest::default()).await.map(drop),
        ];
        for (number, answer) in refused.into_iter().enumerate() {
            let code = answer.map_err(|status| status.code());
            assert_eq!(code, Err(Code::Unauthenticated), "{kind}, call {number}");
        }
        let socket = causeway.refused(&format!("/campus/ws/chat/?token={token}")).await;
        assert_eq!(socket.status, 403, "nor is it a user's token");
    }
}
