//! The team.

use app::{
    domain::{AccountId, AccountRow, Email, Role, account::TeamRefusal},
    error::{AppError, ErrorCode},
    ports,
};
use async_trait::async_trait;
use url::Url;

use crate::{
    failure::internal,
    sessions::Token,
    store::{
        Store,
        accounts::{Invited, TeamChange},
        activity::Actor,
    },
};

/// Where a one-time link leads, before its token.
const JOIN_PATH: &str = "/join/";

/// The address of a one-time link.
pub fn join_url(public_url: &Url, token: &Token) -> Url {
    let mut url = public_url.clone();
    url.set_path(&format!("{JOIN_PATH}{}", token.expose()));
    url
}

/// Changes the team, in the name of an owner.
pub struct Accounts {
    store: Store,
    public_url: Url,
    owner: Actor,
}

impl Accounts {
    /// For this owner.
    pub const fn new(store: Store, public_url: Url, owner: Actor) -> Self {
        Self { store, public_url, owner }
    }
}

#[async_trait]
impl ports::Accounts for Accounts {
    async fn list(&self) -> Result<Vec<AccountRow>, AppError> {
        self.store.team().await.map_err(internal)
    }

    async fn invite(&self, email: Email, role: Role) -> Result<String, AppError> {
        let token = Token::random();
        let conflict = |text: &str| Err(AppError::new(ErrorCode::Conflict, text));
        match self.store.invite(&email, role, token.hash(), &self.owner).await.map_err(internal)? {
            Invited::Made => Ok(join_url(&self.public_url, &token).into()),
            Invited::HasAccount => conflict("There is an account with this e-mail address."),
            Invited::IsDeactivated => {
                conflict("There is a deactivated account with this e-mail address: activate it again.")
            }
        }
    }

    async fn change_role(&self, account: AccountId, role: Role) -> Result<(), AppError> {
        answer(self.store.change_role(account, role, &self.owner).await.map_err(internal)?)
    }

    async fn set_active(&self, account: AccountId, active: bool) -> Result<(), AppError> {
        answer(self.store.set_account_active(account, active, &self.owner).await.map_err(internal)?)
    }
}

fn answer(change: TeamChange) -> Result<(), AppError> {
    match change {
        TeamChange::Done => Ok(()),
        TeamChange::NoSuchAccount => {
            Err(AppError::new(ErrorCode::NotFound, "There is no such account. Reload the page."))
        }
        TeamChange::Refused(refusal @ TeamRefusal::LastOwner) => {
            Err(AppError::new(ErrorCode::Conflict, refusal.to_string()))
        }
    }
}
