//! What happens elsewhere.

use std::sync::Arc;

use causeway_proto::{
    chat::{self, ConversationKind},
    event::{Source, event::Body},
    topic,
};

use super::{
    Now, Session,
    action::{Action, Close},
    positions::{Pass, Positions},
};
use crate::{
    dialect::Room,
    fanout::{
        Topic,
        mailbox::Delivery,
        packet::{Packet, View, author, numbered},
        registry::Interest,
    },
    fault::{Code, Fault},
};

impl Session {
    /// Something from the mailbox, or from the log.
    pub(crate) fn on_delivery(&mut self, now: Now, delivery: Delivery, out: &mut Vec<Action>) {
        match delivery {
            Delivery::Event(packet) => self.on_event(now, packet, out),
            Delivery::Lost(loss) => {
                if let Some(positions) = &mut self.positions {
                    positions.skip(&loss.topic, loss.after);
                }
                self.history_lost(out);
            }
        }
    }

    /// Tells the client that events are missing.
    pub(crate) fn history_lost(&self, out: &mut Vec<Action>) {
        self.fault(&Fault::new(Code::HistoryLost, "events before this are not kept any more"), out);
    }

    fn on_event(&mut self, now: Now, packet: Arc<Packet>, out: &mut Vec<Action>) {
        let pass = self.positions.as_mut().map_or(Pass::News, |positions| positions.pass(packet.event()));
        if pass == Pass::Seen || self.is_mine(&packet) {
            return;
        }
        if let Some(Body::PresenceChanged(_)) = &packet.event().body {
            return self.on_presence(packet, out);
        }
        if pass == Pass::News
            && let Some(close) = self.take_effect(&packet, out)
        {
            return out.push(Action::Close(close));
        }
        let view = self.view(&packet);
        if !packet.frames(view).is_empty() {
            if !view.own {
                self.note_delivery(now, &packet);
            }
            self.show(packet, view, out);
        }
        self.pump(out);
    }

    /// A user came or went; the client is told what it does not know.
    pub(super) fn on_presence(&mut self, packet: Arc<Packet>, out: &mut Vec<Action>) {
        let Some(Body::PresenceChanged(changed)) = &packet.event().body else { return };
        let Some(presence) = &changed.presence else { return };
        let online = presence.status() == causeway_proto::presence::PresenceStatus::Online;
        if self.company.told(&presence.user_id, online) {
            let view = self.view(&packet);
            self.show(packet, view, out);
        }
    }

    /// Whether the client has it already, because it did it or was shown it on connect.
    fn is_mine(&self, packet: &Packet) -> bool {
        let body = packet.event().body.as_ref();
        if let Some(Body::TypingChanged(typing)) = body {
            typing.session_id == self.caller.session_id
        } else if let Some(Body::DirectMessageCreated(direct)) = body {
            self.shows.receipt && direct.origin == self.caller.session_id
        } else if let Some(Body::MessageCreated(created)) = body {
            self.positions.is_none()
                && created.message.as_ref().is_some_and(|message| message.id <= self.shown)
        } else {
            false
        }
    }

    /// What an event changes for this session itself; with a reason to close, nothing else matters.
    fn take_effect(&mut self, packet: &Packet, out: &mut Vec<Action>) -> Option<Close> {
        match packet.event().body.as_ref()? {
            Body::ParticipantsAdded(added) => {
                let ids: Vec<_> = added.users.iter().map(|user| user.id.clone()).collect();
                self.joined(&ids, out);
            }
            Body::ParticipantsRemoved(removed) => {
                if removed.user_ids.contains(&self.caller.user.id) {
                    return Some(Close::REMOVED);
                }
                if let Some(place) = &mut self.place {
                    place.participants = place.participants.saturating_sub(removed.user_ids.len());
                }
                self.unfollow(&removed.user_ids, out);
            }
            Body::ConversationJoined(joined) if self.follows_contacts() => {
                self.follow(&joined.other_user_ids, out);
            }
            Body::ConversationLeft(_) if self.follows_contacts() => self.ask_for_contacts(),
            Body::UserUpdated(updated) => {
                let user = updated.user.as_ref()?;
                if !user.is_active {
                    return Some(Close::REMOVED);
                }
                self.user_changed(user, out);
            }
            Body::MessageCreated(_)
            | Body::MessageEdited(_)
            | Body::MessageDeleted(_)
            | Body::ReactionChanged(_)
            | Body::MessagesRead(_)
            | Body::MessagesDelivered(_)
            | Body::DeliveryStatusChanged(_)
            | Body::DirectMessageCreated(_)
            | Body::CustomerMessageCreated(_)
            | Body::ConversationUpdated(_)
            | Body::ConversationJoined(_)
            | Body::ConversationLeft(_)
            | Body::NotificationPublished(_)
            | Body::NotificationsRead(_)
            | Body::PresenceChanged(_)
            | Body::TypingChanged(_) => {}
        }
        None
    }

    /// Contacts are followed where presence is shown and there is no conversation to take participants from.
    fn follows_contacts(&self) -> bool {
        self.shows.presence && self.place.is_none()
    }

    fn joined(&mut self, ids: &[String], out: &mut Vec<Action>) {
        let Some(place) = &mut self.place else { return };
        place.participants += ids.len();
        if place.participants > self.settings.presence_limit {
            let everybody = self.company.others_than(&[]);
            self.unfollow(&everybody, out);
        } else {
            self.follow(ids, out);
        }
    }

    /// Follows the presence of users, and asks how it is.
    pub(super) fn follow(&mut self, ids: &[String], out: &mut Vec<Action>) {
        if !self.shows.presence {
            return;
        }
        for id in ids.iter().filter(|id| **id != self.caller.user.id) {
            if self.company.add(id) {
                out.push(Action::Join(
                    Topic::new(Source::Presence, topic::Topic::Presence(id)),
                    Interest::Everything,
                ));
                self.aside.presences.push(id.clone());
            }
        }
    }

    /// Follows the presence of users no more.
    pub(super) fn unfollow(&mut self, ids: &[String], out: &mut Vec<Action>) {
        for id in ids {
            if self.company.remove(id) {
                out.push(Action::Leave(Topic::new(Source::Presence, topic::Topic::Presence(id))));
            }
        }
    }

    fn user_changed(&mut self, user: &chat::User, out: &mut Vec<Action>) {
        let before = self.caller.user.audiences.clone();
        self.user_is(user.clone());
        if !self.shows.notifications {
            return;
        }
        let topic = |id: &str| Topic::new(Source::Notification, topic::Topic::Audience(id));
        for audience in before.iter().filter(|audience| !user.audiences.contains(audience)) {
            if let Some(positions) = &mut self.positions {
                positions.forget(&topic(audience));
            }
            out.push(Action::Leave(topic(audience)));
        }
        for audience in user.audiences.iter().filter(|audience| !before.contains(audience)) {
            if let Some(positions) = &mut self.positions {
                positions.follow(topic(audience), None, 0);
            }
            out.push(Action::Join(topic(audience), Interest::Everything));
        }
    }

    /// Sends an event's frames.
    fn show(&self, packet: Arc<Packet>, view: View, out: &mut Vec<Action>) {
        match self.numbers(&packet).filter(|_| !view.numbered) {
            None => out.push(Action::Event(packet, view)),
            Some(positions) => {
                let id = positions.cursor().to_string();
                out.extend(packet.frames(view).iter().map(|frame| Action::Frame(numbered(frame, &id))));
            }
        }
    }

    fn view(&self, packet: &Packet) -> View {
        View {
            dialect: self.dialect,
            room: self.room,
            own: author(packet.event()) == Some(self.caller.user.id.as_str()),
            numbered: self.numbers(packet).is_some_and(Positions::is_single),
        }
    }

    /// The positions, when they stand in the frames of an event.
    fn numbers(&self, packet: &Packet) -> Option<&Positions> {
        self.positions.as_ref().filter(|positions| positions.number(packet.event()))
    }

    /// Notes that a message of somebody else reaches the user.
    fn note_delivery(&mut self, now: Now, packet: &Packet) {
        let (Some(Body::MessageCreated(chat::MessageCreated { message: Some(message) }))
        | Some(Body::DirectMessageCreated(chat::DirectMessageCreated { message: Some(message), .. }))) =
            &packet.event().body
        else {
            return;
        };
        if self.reports_delivery(message) {
            self.reports.add(&message.conversation_id, message.id, now.at);
        }
    }

    /// Whether it is to be reported that a message has reached the user.
    pub(super) fn reports_delivery(&self, message: &chat::Message) -> bool {
        let participants = match (self.room, message.conversation_kind()) {
            (_, ConversationKind::Support) => return false,
            (Room::Conversation(_), _) => self.place.map_or(usize::MAX, |place| place.participants),
            (_, ConversationKind::OneToOne) => 2,
            (_, ConversationKind::Group | ConversationKind::Unspecified) => return false,
        };
        participants <= self.settings.delivery_limit
    }
}
