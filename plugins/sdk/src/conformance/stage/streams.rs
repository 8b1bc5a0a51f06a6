//! Streams: how they begin and how they are ended.

use std::time::Duration;

use causeway_proto::plugin::{Credit, Drain, Hello, Welcome, attach_request, attach_response};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{CREDIT, Heard, Stage, Step, failed};

impl Stage {
    /// A plugin that is attached: on the stream that there is, or on the next one.
    pub(in crate::conformance) async fn attached(&mut self) -> Step<()> {
        if self.stream.is_some() {
            return Ok(());
        }
        self.next_stream(self.timeout()).await?;
        self.welcome(CREDIT).await;
        Ok(())
    }

    /// The plugin on a new stream, with credit for so many events.
    pub(in crate::conformance) async fn attached_anew(&mut self, credit: u32) -> Step<()> {
        self.cut();
        self.next_stream(self.timeout()).await?;
        self.welcome(credit).await;
        Ok(())
    }

    /// Waits for the plugin to open a stream and say Hello.
    pub(in crate::conformance) async fn next_stream(&mut self, within: Duration) -> Step<()> {
        self.stream = None;
        let until = Instant::now() + within;
        let Ok(Some(mut call)) = timeout_at(until, self.listening.calls.recv()).await else {
            self.missed += 1;
            return failed(format!("it did not attach within {within:?}"));
        };
        self.missed = 0;
        self.rules.stream(call.authorization.as_deref(), &self.options.token);
        let said = match timeout_at(until, call.receive()).await {
            Ok(Ok(Some(Some(attach_request::Message::Hello(hello))))) => {
                self.greet(hello);
                self.stream = Some(call);
                return Ok(());
            }
            Ok(Ok(Some(Some(_)))) => "another message",
            Ok(Ok(Some(None))) => "an empty message",
            Ok(Ok(None) | Err(_)) => "its end",
            Err(_) => "silence",
        };
        self.rules.not_hello(said);
        failed(format!("its stream began with {said} in place of Hello"))
    }

    fn greet(&mut self, hello: Hello) {
        self.rules.hello(&hello);
        if self.instance() != hello.instance {
            self.settled.clear();
            self.open.clear();
        }
        // What the plugin does not hold is not reported either: it would be handed over again.
        self.open.retain(|delivery| hello.holding.contains(&delivery.id));
        self.unsettled.clear();
        self.accounts.clear();
        (self.delivery_credit, self.owed_credit) = (0, 0);
        self.hello = Some(hello);
    }

    /// Takes the plugin in.
    pub(in crate::conformance) async fn welcome(&mut self, credit: u32) {
        let resume_after = self.settled_through();
        self.rules.welcome(credit, resume_after);
        self.say_welcome(credit, resume_after).await;
    }

    /// Says Welcome a second time, with other numbers.
    pub(in crate::conformance) async fn welcome_again(&mut self) {
        self.say_welcome(0, self.settled_through() + 1_000).await;
    }

    async fn say_welcome(&self, credit: u32, resume_after: u64) {
        let capabilities = self.hello.as_ref().and_then(|hello| hello.capabilities.clone());
        let session = "conformance".to_owned();
        let welcome = Welcome { session, capabilities, credit, resume_after };
        self.say(attach_response::Message::Welcome(welcome)).await;
    }

    /// Says something that no version of the protocol knows.
    pub(in crate::conformance) async fn say_nothing_known(&self) {
        if let Some(stream) = &self.stream {
            stream.send(None).await;
        }
    }

    /// Grants credit for more events.
    pub(in crate::conformance) async fn grant(&mut self, amount: u32) {
        if amount > 0 {
            self.rules.grant(amount);
            self.say(attach_response::Message::Credit(Credit { amount })).await;
        }
    }

    /// Cuts the connection, as a network does.
    pub(in crate::conformance) fn cut(&mut self) {
        if let Some(stream) = self.stream.take()
            && let Some(cut) = &stream.cut
        {
            cut.0.cancel();
        }
    }

    /// Ends the stream and asks the plugin to come back after a time.
    pub(in crate::conformance) async fn refuse_for(&mut self, pause: Duration) {
        if let Some(stream) = self.stream.take() {
            let details = ErrorDetails::with_retry_info(Some(pause));
            stream.end(Status::with_error_details(Code::Unavailable, "the host stops", details)).await;
        }
    }

    /// Asks the plugin to finish and to attach again.
    pub(in crate::conformance) async fn drain(&mut self, within: Duration) {
        let within_ms = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
        self.say(attach_response::Message::Drain(Drain { within_ms })).await;
    }

    /// Waits for the plugin to end its side, and ends the other.
    pub(in crate::conformance) async fn until_it_ends(&mut self, within: Duration) -> Step<()> {
        let until = Instant::now() + within;
        loop {
            match self.hear(until).await {
                Heard::End(how) => {
                    self.stream = None;
                    return match how {
                        None => Ok(()),
                        Some(how) => failed(format!("it did not end its side in order: {how}")),
                    };
                }
                Heard::Nothing => return failed(format!("it did not end its side within {within:?}")),
                Heard::Something => {}
            }
        }
    }

    /// Kills the command and starts it again; false when the plugin is not the suite's to kill.
    pub(in crate::conformance) async fn kill(&mut self) -> Step<bool> {
        let Some(program) = &mut self.program else { return Ok(false) };
        if let Err(error) = program.restart().await {
            return failed(format!("the command could not be started again: {error}"));
        }
        self.stream = None;
        Ok(true)
    }
}
