//! The users whose presence a client is shown, and what it has been told of each.

/// Followed users, sorted by id.
#[derive(Debug, Default)]
pub(crate) struct Company(Vec<Member>);

#[derive(Debug)]
struct Member {
    id: Box<str>,
    online: bool,
}

impl Company {
    /// These users, of whom nothing has been told.
    pub(crate) fn new(ids: Vec<String>) -> Self {
        let mut company = Self(Vec::with_capacity(ids.len()));
        for id in ids {
            company.add(&id);
        }
        company
    }

    /// Follows a user; false when it did already.
    pub(crate) fn add(&mut self, id: &str) -> bool {
        match self.find(id) {
            Ok(_) => false,
            Err(at) => {
                self.0.insert(at, Member { id: id.into(), online: false });
                true
            }
        }
    }

    /// Follows a user no more; false when it did not.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let found = self.find(id);
        if let Ok(at) = found {
            self.0.remove(at);
        }
        found.is_ok()
    }

    /// Notes that the client is told whether a user is online; false when it knows, or does not follow the
    /// user.
    pub(crate) fn told(&mut self, id: &str, online: bool) -> bool {
        let Ok(at) = self.find(id) else { return false };
        self.0.get_mut(at).is_some_and(|member| std::mem::replace(&mut member.online, online) != online)
    }

    /// The users that are followed and not among these.
    pub(crate) fn others_than(&self, ids: &[String]) -> Vec<String> {
        let others = self.0.iter().filter(|member| !ids.iter().any(|id| **id == *member.id));
        others.map(|member| member.id.to_string()).collect()
    }

    fn find(&self, id: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|member| (*member.id).cmp(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_knows_is_not_told_again() {
        let mut company = Company::new(vec!["b".into(), "a".into(), "b".into()]);
        assert!(!company.told("a", false));
        assert!(company.told("a", true));
        assert!(!company.told("a", true));
        assert!(company.told("a", false));
        assert!(!company.told("stranger", true));
    }

    #[test]
    fn users_come_and_go() {
        let mut company = Company::new(vec!["a".into(), "b".into()]);
        assert!(company.add("c"));
        assert!(!company.add("c"));
        assert!(company.remove("a"));
        assert!(!company.remove("a"));
        assert_eq!(company.others_than(&["c".into()]), ["b"]);
    }
}
