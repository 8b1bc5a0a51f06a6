//! What the services answer.

use std::sync::Arc;

use causeway_proto::{
    chat,
    event::{Event, Source, event::Body},
    id,
    presence::{PresenceChanged, PresenceStatus, UserPresence},
    time,
};

use super::{
    Now, Session,
    action::{Action, Lane},
    queue::{UnderWay, receipt},
};
use crate::{
    auth::Identity,
    backend::call::Outcome,
    command::Reply,
    fanout::packet::Packet,
    fault::{Code, Fault},
};

impl Session {
    /// What came of the call that was under way in a lane.
    pub(crate) fn on_outcome(&mut self, now: Now, lane: Lane, outcome: Outcome, out: &mut Vec<Action>) {
        let under_way = match lane {
            Lane::Commands => self.under_way.take(),
            Lane::Aside => {
                self.aside.under_way = false;
                None
            }
        };
        match outcome {
            Outcome::Sent(results) => results.iter().for_each(|result| self.answer(result, out)),
            Outcome::Answer(result) => {
                self.answer(&result, out);
                if let Ok(reply) = &result {
                    self.shown_by(now, reply);
                }
                if let Some(UnderWay::Read(older)) = under_way {
                    self.try_older(&result, older, out);
                }
            }
            Outcome::Refreshed(Ok(identity)) => self.refreshed(*identity, out),
            Outcome::Refreshed(Err(fault)) => self.fault(&fault, out),
            Outcome::Quiet => {}
            Outcome::Presences(presences) => self.on_presences(presences, out),
            Outcome::Contacts(contacts) => self.on_contacts(&contacts, out),
        }
        self.pump(out);
    }

    /// Presence as it is now. The client is told who is online; that anybody else is not, it assumes.
    pub(crate) fn on_presences(&mut self, presences: Vec<UserPresence>, out: &mut Vec<Action>) {
        for presence in presences {
            if presence.status() != PresenceStatus::Online {
                continue;
            }
            let event = Event {
                source: Source::Presence.into(),
                topic: format!("presence/{}", presence.user_id),
                sequence: 0,
                time: presence.last_seen,
                body: Some(Body::PresenceChanged(PresenceChanged { presence: Some(presence) })),
            };
            self.on_presence(Arc::new(Packet::new(event)), out);
        }
    }

    fn answer(&self, result: &Result<Reply, Fault>, out: &mut Vec<Action>) {
        match result {
            Ok(reply) => self.reply(reply, out),
            Err(fault) => self.fault(fault, out),
        }
    }

    /// A receipt for what is no message here: an older message may be one.
    fn try_older(&mut self, result: &Result<Reply, Fault>, older: Vec<u64>, out: &mut Vec<Action>) {
        let not_found = matches!(result, Err(fault) if fault.code == Code::NotFound);
        if not_found && !older.is_empty() {
            let (call, under_way) = receipt(older);
            self.under_way = Some(under_way);
            out.push(Action::Call(Lane::Commands, Box::new(call)));
        }
    }

    /// Sends something unasked, when the socket opens.
    pub(crate) fn greet(&mut self, now: Now, reply: &Reply, out: &mut Vec<Action>) {
        self.reply(reply, out);
        self.shown_by(now, reply);
    }

    /// Messages that a reply shows have reached the client too.
    fn shown_by(&mut self, now: Now, reply: &Reply) {
        if let Reply::History { messages, .. } | Reply::Recent { messages } = reply {
            self.reached(now, messages);
        }
    }

    /// Messages of the socket's conversation have reached the client, oldest first.
    fn reached(&mut self, now: Now, messages: &[chat::Message]) {
        let others = |message: &&chat::Message| {
            message.sender.as_ref().is_some_and(|sender| sender.id != self.caller.user.id)
        };
        if let Some(newest) = messages.iter().rev().find(others)
            && self.reports_delivery(newest)
        {
            self.reports.add(&newest.conversation_id, newest.id, now.at);
        }
    }

    fn refreshed(&mut self, identity: Identity, out: &mut Vec<Action>) {
        if !id::same(&identity.user.id, &self.caller.user.id) {
            return self.fault(&Fault::new(Code::Forbidden, "the token is another user's"), out);
        }
        self.timers.ends_at(time::to_micros(&identity.ends_at));
        self.reply(&Reply::Refreshed { expires_at: identity.expires_at }, out);
    }

    /// The contacts as they are now: others are not followed any more.
    fn on_contacts(&mut self, contacts: &[String], out: &mut Vec<Action>) {
        let gone = self.company.others_than(contacts);
        self.unfollow(&gone, out);
        self.follow(contacts, out);
    }

    /// The user as the directory knows them now.
    pub(super) fn user_is(&mut self, user: chat::User) {
        Arc::make_mut(&mut self.caller).user = user;
    }

    /// Asks who the user's contacts are, when there is time.
    pub(super) fn ask_for_contacts(&mut self) {
        self.aside.contacts = true;
    }
}
