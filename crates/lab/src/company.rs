//! The company: its people and the clients it has registered, changeable while the provider runs.

use crate::client::Client;
use crate::conduct::{Conduct, Honest};
use crate::person::Person;
use parking_lot::RwLock;
use serde_json::Value;
use std::sync::Arc;

/// A handle on one company. Clones share the same company.
#[derive(Clone)]
pub struct Company {
    state: Arc<RwLock<State>>,
}

struct State {
    name: String,
    people: Vec<Person>,
    clients: Vec<Client>,
    conduct: Arc<dyn Conduct>,
}

/// Nobody at the company has this login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nobody at the company has the login {0:?}")]
pub struct NoSuchPerson(pub String);

impl Company {
    /// A company without people and clients. The name heads its sign-in page.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            state: Arc::new(RwLock::new(State {
                name: name.to_owned(),
                people: Vec::new(),
                clients: Vec::new(),
                conduct: Arc::new(Honest),
            })),
        }
    }

    /// The name that heads the sign-in page.
    #[must_use]
    pub fn name(&self) -> String {
        self.state.read().name.clone()
    }

    /// Takes somebody on, in place of whoever had the same login.
    pub fn add_person(&self, person: Person) {
        let mut state = self.state.write();
        state.people.retain(|known| known.login != person.login);
        state.people.push(person);
    }

    /// Registers a client, in place of the one with the same id.
    pub fn add_client(&self, client: Client) {
        let mut state = self.state.write();
        state.clients.retain(|known| known.id != client.id);
        state.clients.push(client);
    }

    /// Everybody, in the order they were taken on.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        self.state.read().people.clone()
    }

    /// The person with this login.
    #[must_use]
    pub fn person(&self, login: &str) -> Option<Person> {
        self.find(|person| person.login == login)
    }

    /// The registered client with this id.
    #[must_use]
    pub fn client(&self, id: &str) -> Option<Client> {
        let state = self.state.read();
        state.clients.iter().find(|client| client.id == id).cloned()
    }

    /// Gives a person a claim, or changes it; the next userinfo answer and ID token carry it.
    ///
    /// # Errors
    /// When nobody has the login.
    pub fn set_claim(
        &self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), NoSuchPerson> {
        self.change(login, |person| {
            person.claims.insert(claim.to_owned(), value.into());
        })
    }

    /// Takes a further claim away again; a standard claim gets its standard value back.
    ///
    /// # Errors
    /// When nobody has the login.
    pub fn remove_claim(&self, login: &str, claim: &str) -> Result<(), NoSuchPerson> {
        self.change(login, |person| {
            person.claims.remove(claim);
        })
    }

    /// The person has left: no sign-in, and sessions, codes and tokens are dead at once.
    ///
    /// # Errors
    /// When nobody has the login.
    pub fn disable(&self, login: &str) -> Result<(), NoSuchPerson> {
        self.change(login, |person| person.active = false)
    }

    /// The person is back.
    ///
    /// # Errors
    /// When nobody has the login.
    pub fn enable(&self, login: &str) -> Result<(), NoSuchPerson> {
        self.change(login, |person| person.active = true)
    }

    /// Changes anything about a person.
    ///
    /// # Errors
    /// When nobody has the login.
    pub fn change(
        &self,
        login: &str,
        change: impl FnOnce(&mut Person),
    ) -> Result<(), NoSuchPerson> {
        let mut state = self.state.write();
        let person = state.people.iter_mut().find(|person| person.login == login);
        change(person.ok_or_else(|| NoSuchPerson(login.to_owned()))?);
        Ok(())
    }

    /// From now on, break the protocol in this one way, at every step it concerns.
    #[cfg(feature = "misbehave")]
    pub fn misbehave(&self, how: crate::misbehave::Misbehaviour) {
        self.state.write().conduct = Arc::new(how);
    }

    /// From now on, keep to the protocol again.
    #[cfg(feature = "misbehave")]
    pub fn behave(&self) {
        self.state.write().conduct = Arc::new(Honest);
    }

    pub(crate) fn find(&self, wanted: impl Fn(&Person) -> bool) -> Option<Person> {
        let state = self.state.read();
        state.people.iter().find(|person| wanted(person)).cloned()
    }

    pub(crate) fn conduct(&self) -> Arc<dyn Conduct> {
        Arc::clone(&self.state.read().conduct)
    }
}
