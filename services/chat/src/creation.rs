//! How conversations come to be.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{
        ConversationKind, ConversationStatus, CreateConversationRequest, CreateConversationResponse, Role,
        User,
    },
    id::Given,
};

use crate::{
    conversations::{self, Stored},
    ids, limits, membership, participants,
    settings::Settings,
    support, users, views,
};

/// A conversation to make.
pub(crate) struct Creation {
    id: Option<Given>,
    kind: ConversationKind,
    name: String,
    participants: Vec<Given>,
    admins: Vec<Given>,
    customer: Option<Given>,
    priority: i32,
}

impl Creation {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: CreateConversationRequest) -> Result<Self, Error> {
        let kind = request.kind();
        let creation = Self {
            id: ids::read_optional("id", &request.id)?,
            kind,
            participants: ids::read_all("participant_ids", &request.participant_ids, limits::USERS)?,
            admins: ids::read_all("admin_ids", &request.admin_ids, limits::USERS)?,
            customer: ids::read_optional("customer_id", &request.customer_id)?,
            priority: request.priority,
            name: request.name,
        };
        limits::text("name", &creation.name, limits::CONVERSATION_NAME)?;
        match kind {
            ConversationKind::Unspecified => return Err(Error::invalid("kind", "is required")),
            ConversationKind::Support if creation.customer.is_none() => {
                return Err(Error::invalid("customer_id", "is required for a support conversation"));
            }
            ConversationKind::Support => {}
            ConversationKind::Group | ConversationKind::OneToOne => {
                if creation.customer.is_some() {
                    return Err(Error::invalid("customer_id", "is only for support conversations"));
                }
                if creation.priority != 0 {
                    return Err(Error::invalid("priority", "is only for support conversations"));
                }
            }
        }
        Ok(creation)
    }

    /// Makes it, or finds the one that is there already.
    pub(crate) fn run(
        self,
        tx: &mut Tx<'_>,
        settings: &Settings,
    ) -> Result<CreateConversationResponse, Error> {
        let id = self.id.as_ref().map(|given| ids::conversation(tx, given)).transpose()?;
        let taken = id.as_deref().map(|id| conversations::find(tx, id)).transpose()?.flatten();
        if let Some(taken) = taken {
            return if taken.kind == self.kind {
                answer(tx, &taken, true)
            } else {
                Err(Error::exists("a conversation of another kind has this id"))
            };
        }
        let participant_ids = ids::users(tx, &self.participants)?;
        let admin_ids = ids::users(tx, &self.admins)?;
        if admin_ids.iter().any(|id| !participant_ids.contains(id)) {
            return Err(Error::invalid("admin_ids", "must be among participant_ids"));
        }
        let pair = self.pair(&participant_ids)?;
        if let Some(pair) = &pair
            && let Some(id) = conversations::find_pair(tx, pair)?
        {
            return answer(tx, &conversations::get(tx, &id)?, true);
        }
        let customer =
            self.customer.as_ref().map(|given| users::get(tx, &ids::user(tx, given)?)).transpose()?;
        let mut members = users::get_all(tx, &participant_ids)?;
        if self.kind == ConversationKind::Support && members.is_empty() {
            members = support::assigned(tx, &settings.support)?;
        }
        let made = Plan { id, kind: self.kind, name: self.name, pair, customer, priority: self.priority }
            .carry_out(tx, members, &admin_ids, settings)?;
        answer(tx, &made, false)
    }

    /// The two users of a one-to-one conversation; `None` for another kind.
    fn pair(&self, participant_ids: &[String]) -> Result<Option<(String, String)>, Error> {
        match (self.kind, participant_ids) {
            (ConversationKind::OneToOne, [one, other]) => Ok(Some(conversations::pair(one, other))),
            (ConversationKind::OneToOne, _) => {
                Err(Error::invalid("participant_ids", "must name two users for a one-to-one conversation"))
            }
            (ConversationKind::Unspecified | ConversationKind::Group | ConversationKind::Support, _) => {
                Ok(None)
            }
        }
    }
}

fn answer(tx: &Tx<'_>, stored: &Stored, existed: bool) -> Result<CreateConversationResponse, Error> {
    Ok(CreateConversationResponse { conversation: Some(views::show_whole(tx, stored, None)?), existed })
}

/// Makes the one-to-one conversation of two users who have none yet; its id.
pub(crate) fn open_pair(tx: &mut Tx<'_>, users: [User; 2], settings: &Settings) -> Result<String, Error> {
    let pair = conversations::pair(&users[0].id, &users[1].id);
    let kind = ConversationKind::OneToOne;
    let plan = Plan { id: None, kind, name: String::new(), pair: Some(pair), customer: None, priority: 0 };
    Ok(plan.carry_out(tx, users.into(), &[], settings)?.id)
}

/// Makes the support conversation of a customer who writes for the first time, with those who are to look after it.
pub(crate) fn open_support(tx: &mut Tx<'_>, customer: User, settings: &Settings) -> Result<Stored, Error> {
    let members = support::assigned(tx, &settings.support)?;
    let (kind, customer) = (ConversationKind::Support, Some(customer));
    let plan = Plan { id: None, kind, name: String::new(), pair: None, customer, priority: 0 };
    plan.carry_out(tx, members, &[], settings)
}

/// A conversation that can be made as it is.
struct Plan {
    id: Option<String>,
    kind: ConversationKind,
    name: String,
    pair: Option<(String, String)>,
    customer: Option<User>,
    priority: i32,
}

impl Plan {
    fn carry_out(
        self,
        tx: &mut Tx<'_>,
        mut members: Vec<User>,
        admin_ids: &[String],
        settings: &Settings,
    ) -> Result<Stored, Error> {
        let customer_id = self.customer.map(|customer| customer.id);
        members.retain(|member| Some(&member.id) != customer_id.as_ref());
        let stored = Stored {
            id: match self.id {
                Some(id) => id,
                None => conversations::next_id(tx)?,
            },
            kind: self.kind,
            name: self.name,
            pair: self.pair,
            customer_id,
            status: ConversationStatus::Active,
            priority: self.priority,
            participant_count: u32::try_from(members.len()).map_err(Error::internal)?,
            last_message_id: None,
            created_at: tx.now_micros(),
            updated_at: tx.now_micros(),
        };
        conversations::insert(tx, &stored)?;
        let role = |id: &String| if admin_ids.contains(id) { Role::Admin } else { Role::Member };
        let mut seats: Vec<(&str, Role)> =
            members.iter().map(|member| (member.id.as_str(), role(&member.id))).collect();
        seats.extend(stored.customer_id.as_deref().map(|id| (id, Role::Unspecified)));
        participants::insert(tx, &stored.id, &seats)?;
        membership::announce_joined(tx, &stored, &members, settings)?;
        Ok(stored)
    }
}
