//! A process on its way out, step by step, as its clients see it.

use causeway_proto::{
    event::SubscribeRequest,
    presence::{GetPresenceRequest, presence_client::PresenceClient},
};
use tokio::sync::Notify;
use tokio_stream::wrappers::ReceiverStream;
use tonic::server::NamedService;
use tonic_types::StatusExt;

use super::*;

/// Says that nothing is found, when it is told to say something.
#[derive(Clone, Default)]
pub(super) struct Late {
    asked: Arc<Notify>,
    answer: Arc<Notify>,
}

impl NamedService for Late {
    const NAME: &'static str = "causeway.presence.v1.Presence";
}

impl Service<Request<Body>> for Late {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let Self { asked, answer } = self.clone();
        Box::pin(async move {
            asked.notify_one();
            answer.notified().await;
            Ok(Status::not_found("late").into_http())
        })
    }
}

#[tokio::test]
async fn while_it_leaves_it_says_so_and_takes_calls_as_before() {
    let process = Process::start();
    let url = format!("http://{}", process.listen(Limits::default()).await);
    process.turns("", ServingStatus::Serving).await;
    process.context.leaving.cancel();
    process.turns("", ServingStatus::NotServing).await;
    process.turns("causeway.presence.v1.Presence", ServingStatus::NotServing).await;
    assert_eq!(read(client::remote(&url, credential(TOKEN)).unwrap()).await, Ok(0));
}

#[tokio::test]
async fn once_it_closes_streams_are_handed_over_and_calls_under_way_are_finished() {
    let late = Late::default();
    let process = Process::with(late.clone());
    let address = process.listen(Limits::default()).await;
    let remote = client::remote(&format!("http://{address}"), credential(TOKEN)).unwrap();
    let (_requests, asked) = tokio::sync::mpsc::channel::<SubscribeRequest>(1);
    let subscribed = EventsClient::new(remote.clone()).subscribe(ReceiverStream::new(asked)).await;
    let mut stream = subscribed.unwrap().into_inner();
    let mut presence = PresenceClient::new(remote.clone());
    // Boxed, because the compiler cannot see that such a call may change threads.
    let call = async move { presence.get_presence(GetPresenceRequest::default()).boxed().await };
    let call = tokio::spawn(call);
    late.asked.notified().await;

    process.context.closing.cancel();
    let end = stream.message().await.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    let at_once = end.get_details_retry_info().and_then(|info| info.retry_delay);
    assert_eq!(at_once, Some(Duration::ZERO));
    let refused = async {
        while TcpStream::connect(&address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused).await.expect("new connections are refused");
    // Whether it was sent to nobody, or to a connection that takes no more.
    assert!(matches!(read(remote).await, Err(Code::Unavailable | Code::Cancelled)));
    late.answer.notify_one();
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::NotFound, "it is answered, if late");
}
