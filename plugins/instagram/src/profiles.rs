//! Who customers are: asked of Instagram once in a while, and never waited for long.
//!
//! A message goes in without a name when there is none in time; a later message brings it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use causeway_plugin_sdk::proto::plugin::Customer;
use tokio::{
    sync::{OnceCell, Semaphore},
    time::{Instant, timeout},
};

use crate::{
    api::{Graph, User},
    error::ApiError,
    settings::Account,
};

/// How long a message waits for its author's name.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon a name that did not come is asked for again.
const RETRY: Duration = Duration::from_secs(60);
/// Customers that are kept; over it the oldest goes, and costs another question.
const MAX_KEPT: usize = 10_000;
/// Questions under way.
const MAX_ASKING: usize = 16;
/// Longest name that is passed on, in characters.
const NAME: usize = 150;
/// Longest address of a picture that is passed on, in characters.
const URL: usize = 2_048;

/// What is known of customers.
#[derive(Debug)]
pub(crate) struct Profiles {
    keep: Duration,
    asking: Semaphore,
    known: Mutex<Known>,
}

/// Account and customer.
type Key = (String, String);

/// What is asked once, however many messages wait for it: the customer, and until when that holds.
type Slot = Arc<OnceCell<(Customer, Instant)>>;

#[derive(Debug, Default)]
struct Known {
    slots: HashMap<Key, Slot>,
    /// Oldest first.
    order: VecDeque<(Key, Slot)>,
}

impl Profiles {
    /// Nobody is known yet; what is asked holds for `keep`.
    pub(crate) fn new(keep: Duration) -> Self {
        Self { keep, asking: Semaphore::new(MAX_ASKING), known: Mutex::default() }
    }

    /// A customer, with as much as is known within a second; and why the API was of no help, when it was just asked in vain.
    pub(crate) async fn of(
        &self,
        graph: &Graph,
        account: &Account,
        id: &str,
    ) -> (Customer, Option<ApiError>) {
        let slot = self.slot(&account.account, id);
        let mut problem = None;
        let noted = &mut problem;
        let find = move || async move {
            let (customer, until, why) = self.find(graph, account, id).await;
            *noted = why;
            (customer, until)
        };
        let customer = slot.get_or_init(find).await.0.clone();
        (customer, problem)
    }

    /// The customer, until when that holds, and why it is not more.
    async fn find(
        &self,
        graph: &Graph,
        account: &Account,
        id: &str,
    ) -> (Customer, Instant, Option<ApiError>) {
        let answer = timeout(PATIENCE, self.ask(graph, account, id)).await;
        let in_vain = |why| (stranger(id), Instant::now() + RETRY.min(self.keep), why);
        match answer {
            Ok(Ok(user)) => (customer(id, user), Instant::now() + self.keep, None),
            Ok(Err(error)) => {
                tracing::debug!(account = %account.account, %error, "no profile");
                in_vain(Some(error))
            }
            Err(_) => in_vain(None),
        }
    }

    async fn ask(&self, graph: &Graph, account: &Account, id: &str) -> Result<User, ApiError> {
        // Never closed; without a permit there is one question more.
        let _turn = self.asking.acquire().await;
        graph.user(account, id).await
    }

    fn slot(&self, account: &str, id: &str) -> Slot {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.slot((account.to_owned(), id.to_owned()), Instant::now())
    }
}

impl Known {
    /// The slot of a customer; a new one when it is over.
    fn slot(&mut self, key: Key, now: Instant) -> Slot {
        let holds = |slot: &&Slot| slot.get().is_none_or(|(_, until)| *until > now);
        if let Some(slot) = self.slots.get(&key).filter(holds) {
            return slot.clone();
        }
        let slot = Slot::default();
        self.slots.insert(key.clone(), slot.clone());
        self.order.push_back((key, slot.clone()));
        if self.order.len() > MAX_KEPT
            && let Some((key, oldest)) = self.order.pop_front()
            && self.slots.get(&key).is_some_and(|slot| Arc::ptr_eq(slot, &oldest))
        {
            self.slots.remove(&key);
        }
        slot
    }
}

/// A customer of whom nothing but the id is known.
pub(crate) fn stranger(id: &str) -> Customer {
    Customer { id: id.to_owned(), ..Customer::default() }
}

/// A customer of whom Instagram says this. It knows one name: what stands before the first space is taken for the given one.
fn customer(id: &str, user: User) -> Customer {
    let name = user.name.unwrap_or_default();
    let (first, last) = name.trim().split_once(char::is_whitespace).unwrap_or((name.trim(), ""));
    let picture = user.profile_pic.unwrap_or_default();
    let is_usable = picture.starts_with("https://") && picture.chars().count() <= URL;
    let cut = |text: &str| text.chars().take(NAME).collect();
    Customer {
        id: id.to_owned(),
        first_name: cut(first),
        last_name: cut(last.trim()),
        username: cut(&user.username.unwrap_or_default()),
        profile_picture: if is_usable { picture } else { String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> (String, String) {
        let customer = customer("1", User { name: Some(name.to_owned()), ..User::default() });
        (customer.first_name, customer.last_name)
    }

    #[test]
    fn a_name_is_split_at_its_first_space() {
        let pair = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        assert_eq!(named("Peter Chang"), pair("Peter", "Chang"));
        assert_eq!(named("  María  del Carmen "), pair("María", "del Carmen"));
        assert_eq!(named("Madonna"), pair("Madonna", ""));
        assert_eq!(named(" "), pair("", ""));
    }

    #[test]
    fn a_picture_is_an_https_url() {
        let picture = |url: &str| {
            customer("1", User { profile_pic: Some(url.to_owned()), ..User::default() }).profile_picture
        };
        assert_eq!(picture("https://cdn/p.jpg"), "https://cdn/p.jpg");
        assert_eq!(picture("http://cdn/p.jpg"), "");
    }

    #[tokio::test]
    async fn the_oldest_goes_and_what_is_over_is_asked_again() {
        let (mut known, now) = (Known::default(), Instant::now());
        let key = |number: usize| ("shop".to_owned(), number.to_string());
        let first = known.slot(key(0), now);
        first.set((Customer::default(), now + RETRY)).unwrap();
        assert!(Arc::ptr_eq(&first, &known.slot(key(0), now)));
        assert!(!Arc::ptr_eq(&first, &known.slot(key(0), now + RETRY)));
        for number in 1..=MAX_KEPT {
            known.slot(key(number), now);
        }
        assert_eq!((known.slots.len(), known.order.len()), (MAX_KEPT, MAX_KEPT));
        assert!(!known.slots.contains_key(&key(0)));
    }
}
