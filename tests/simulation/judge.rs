//! Makes the rooms, has everybody write and finish, and has the ledger decide.

use std::{cell::RefCell, rc::Rc, time::Duration};

use causeway_link::grpc::Service;
use causeway_proto::{
    chat::{
        ConversationKind, CreateConversationRequest, PutUserRequest, chat_client::ChatClient,
        directory_client::DirectoryClient,
    },
    client::Grpc,
};
use tokio::time::{Instant, sleep};

use crate::{
    client::Company,
    hosts::{Site, Ways, credential},
    ledger::{Checked, Ledger, Stored, check},
    plan,
};

/// How long everybody may take to finish and to see everything, once nothing is broken any more.
const SETTLING: Duration = Duration::from_secs(30);

/// How long everybody may take to be there, while nothing is broken.
const STARTING: Duration = Duration::from_secs(30);

/// What came of a run: what was compared, or how the promise was broken.
pub(crate) type Verdict = Result<Checked, String>;

pub(crate) struct Judge {
    pub(crate) site: Rc<Site>,
    pub(crate) company: Rc<Company>,
    pub(crate) ledger: Ledger,
    pub(crate) verdict: Rc<RefCell<Option<Verdict>>>,
}

impl Judge {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let ways = Ways::of("judge");
        let chat = ways.to(Service::Chat)?;
        let grpc = chat.grpc(credential()?);
        self.furnish(&grpc).await;
        tracing::info!("furnished");
        self.company.is_furnished.set(true);
        let count = self.site.plan.clients().len();
        let is_there = within(STARTING, || self.company.connects.borrow().len() == count).await;
        anyhow::ensure!(
            is_there,
            "not everybody is connected; a client said: {}",
            self.company.complaint.borrow()
        );
        self.company.is_writing.set(true);
        let has_begun =
            within(STARTING, || self.company.progress.borrow().values().all(|(seen, _)| *seen > 0)).await;
        anyhow::ensure!(
            has_begun,
            "not everybody has seen a message; a client said: {}",
            self.company.complaint.borrow()
        );
        tracing::info!("everybody is ready");
        self.company.ready_at.set(turmoil::sim_elapsed());
        sleep(self.site.plan.healed).await;
        let verdict = self.settle(&grpc).await?;
        tracing::info!(?verdict, "decided");
        *self.verdict.borrow_mut() = Some(verdict);
        self.company.is_over.set(true);
        Ok(())
    }

    /// Makes everybody, however often that has to be tried.
    async fn furnish(&self, grpc: &Grpc) {
        let clients = self.site.plan.clients();
        for (room, place, _) in &clients {
            let id = plan::client(*room, *place);
            let user = PutUserRequest { id, first_name: Some("Somebody".into()), ..Default::default() };
            until_done(async || DirectoryClient::new(grpc.clone()).put_user(user.clone()).await.is_ok())
                .await;
        }
        for number in 0..self.site.plan.rooms {
            let here = clients.iter().filter(|(room, ..)| *room == number);
            let request = CreateConversationRequest {
                id: plan::room(number),
                kind: ConversationKind::Group.into(),
                participant_ids: here.map(|(room, place, _)| plan::client(*room, *place)).collect(),
                ..Default::default()
            };
            let made = async || match ChatClient::new(grpc.clone()).create_conversation(request.clone()).await
            {
                Ok(_) => true,
                Err(status) => status.code() == tonic::Code::AlreadyExists,
            };
            until_done(made).await;
        }
    }

    /// Has everybody finish and see everything, and has the ledger decide.
    async fn settle(&self, grpc: &Grpc) -> anyhow::Result<Verdict> {
        sleep(Duration::from_secs(1)).await;
        self.company.is_writing.set(false);
        let is_answered = || self.company.progress.borrow().values().all(|(_, waiting)| *waiting == 0);
        if !within(SETTLING, is_answered).await {
            let complaint = self.company.complaint.borrow().clone();
            return Ok(Err(format!(
                "not every message is answered after {SETTLING:?}; a client said: {complaint}"
            )));
        }
        let rooms: Vec<_> = (0..self.site.plan.rooms).map(plan::room).collect();
        let stored = loop {
            match Stored::read(grpc, &rooms).await {
                Ok(stored) => break stored,
                Err(error) => tracing::warn!(%error, "what is stored cannot be read yet"),
            }
            sleep(Duration::from_secs(1)).await;
        };
        let wanted: Vec<_> = rooms.iter().map(|room| stored.0[room].messages.len()).collect();
        let has_seen = || {
            let progress = self.company.progress.borrow();
            self.site.plan.clients().iter().all(|(room, place, _)| {
                progress.get(&plan::client(*room, *place)).is_some_and(|(seen, _)| *seen >= wanted[*room])
            })
        };
        // Who has not seen everything by then is named by the checker; a duplicate would come after what it repeats.
        within(SETTLING, has_seen).await;
        sleep(Duration::from_secs(2)).await;
        if self.company.lost.get() > 0 {
            return Ok(Err("a client that came back in time was told that history is lost".into()));
        }
        Ok(check(&self.ledger.read()?, &stored).map_err(|violations| violations.to_string()))
    }
}

async fn within(patience: Duration, is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if is_so() {
            return true;
        }
        sleep(Duration::from_millis(20)).await;
    }
    false
}

async fn until_done(attempt: impl AsyncFn() -> bool) {
    while !attempt().await {
        sleep(Duration::from_millis(100)).await;
    }
}
