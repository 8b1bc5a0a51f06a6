//! gRPC health (`grpc.health.v1`): each service as its part says, and "" when all parts are well.

use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

/// A part's services, and its health.
type Report = (Vec<String>, watch::Receiver<bool>);

/// Reports until `leaving`, and then that nothing is served any more: whoever asks goes elsewhere, while calls are still taken.
pub(super) async fn report(reporter: HealthReporter, reports: Vec<Report>, leaving: CancellationToken) {
    let mut parts: Vec<_> = reports.iter().map(|(names, health)| (names.clone(), *health.borrow())).collect();
    // A part that drops its end has died.
    let changes = reports.into_iter().enumerate().map(|(part, (_, health))| {
        WatchStream::new(health).chain(stream::once(async { false })).map(move |well| (part, well)).boxed()
    });
    let mut changes = stream::select_all(changes);
    loop {
        tell(&reporter, &parts).await;
        tokio::select! {
            () = leaving.cancelled() => break,
            Some((part, well)) = changes.next() => parts[part].1 = well,
            else => leaving.cancelled().await,
        }
    }
    parts.iter_mut().for_each(|(_, well)| *well = false);
    tell(&reporter, &parts).await;
}

async fn tell(reporter: &HealthReporter, parts: &[(Vec<String>, bool)]) {
    for (names, well) in parts {
        for name in names {
            reporter.set_service_status(name, status(*well)).await;
        }
    }
    let all = status(!parts.is_empty() && parts.iter().all(|(_, well)| *well));
    reporter.set_service_status("", all).await;
    reporter.set_service_status(causeway_proto::event::events_server::SERVICE_NAME, all).await;
}

fn status(well: bool) -> ServingStatus {
    if well { ServingStatus::Serving } else { ServingStatus::NotServing }
}
