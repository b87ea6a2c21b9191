//! Accounts, and the one-time links that make them.

use app::domain::{
    AccountId, AccountRow, AccountState, ActivityKind, Email, Role, TenantId, Timestamp,
    account::{INVITATION_LIVES, SETUP_LIVES, TeamRefusal, may_lose_owner},
};
use sea_orm::{
    ActiveValue::Set, Condition, DbBackend, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, prelude::*,
    sea_query::Expr,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Store, StoreError, Transaction,
    activity::Actor,
    entity::{
        account::{ActiveModel, Column, Entity, Model},
        invitation,
    },
    sessions::TokenHash,
};
use crate::clock::Mint as _;

/// An account as it is stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Which one.
    pub id: AccountId,
    /// The e-mail address that names it.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they can sign in at all.
    pub active: bool,
    password_hash: Option<SecretString>,
}

/// An account that is to be made.
#[derive(Debug)]
pub struct NewAccount {
    /// The e-mail address that names it.
    pub email: Email,
    /// The person's name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their password's hash; none if they sign in otherwise.
    pub password_hash: Option<SecretString>,
}

/// What became of an account that was to be made.
#[derive(Debug)]
pub enum Added {
    /// It is made.
    Made(Account),
    /// Somebody has that address.
    EmailTaken,
}

/// What became of an invitation that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invited {
    /// It is made.
    Made,
    /// They have an account.
    HasAccount,
    /// They have one that is deactivated.
    IsDeactivated,
}

/// A one-time link as it is stored.
#[derive(Clone, Debug)]
pub struct StoredInvitation {
    /// For whom; none makes the first owner.
    pub email: Option<String>,
    /// What it makes of them.
    pub role: Role,
    /// Until when it is good.
    pub expires: Timestamp,
    /// Whether it was used.
    pub used: bool,
}

/// Who uses a one-time link.
#[derive(Debug)]
pub struct Newcomer {
    /// Their e-mail address, if the link does not say it.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// Their password's hash.
    pub password_hash: SecretString,
    /// The session that begins with the account.
    pub session: TokenHash,
}

/// What became of a change of the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamChange {
    /// It is as was wished.
    Done,
    /// There is no such account.
    NoSuchAccount,
    /// A rule is in the way.
    Refused(TeamRefusal),
}

/// Somebody whom Microsoft names.
#[derive(Debug)]
pub struct StaffMember {
    /// The tenant.
    pub tenant: TenantId,
    /// Their id there, which never names somebody else.
    pub object: String,
    /// What they sign in with, if it is an e-mail address.
    pub email: Option<Email>,
    /// Their name.
    pub name: String,
    /// What a new account may do; none where none may be made.
    pub role_if_new: Option<Role>,
}

/// Whether somebody whom Microsoft names may come in.
#[derive(Debug)]
pub enum StaffEntry {
    /// As this account.
    Account(Account),
    /// They have no account, and may not make one.
    NoAccount,
    /// Their account is deactivated.
    Deactivated,
    /// The account of their address belongs to somebody else at Microsoft.
    SomebodyElse,
}

impl Account {
    pub(super) fn from_model(model: Model) -> Result<Self, StoreError> {
        let role =
            Role::from_key(&model.role).ok_or_else(|| StoreError::Unexpected(format!("account {}", model.id)))?;
        Ok(Self {
            id: AccountId::from_uuid(model.id),
            email: model.email,
            name: model.name,
            role,
            active: model.deactivated_at.is_none(),
            password_hash: model.password_hash.map(SecretString::from),
        })
    }

    /// Their password's hash.
    pub fn password_hash(&self) -> Option<&str> {
        self.password_hash.as_ref().map(SecretString::expose_secret)
    }

    /// As somebody who does something.
    pub fn actor(&self) -> Actor {
        Actor::account(self.id, &self.email)
    }
}

impl Store {
    /// Whether there is any account.
    pub async fn has_accounts(&self) -> Result<bool, StoreError> {
        Ok(Entity::find().one(&self.writer).await?.is_some())
    }

    /// The account of this address.
    pub async fn account_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let found = Entity::find().filter(Column::Email.eq(email.as_str())).one(&self.reader).await?;
        found.map(Account::from_model).transpose()
    }

    /// The account with this id.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        Entity::find_by_id(id.uuid()).one(&self.reader).await?.map(Account::from_model).transpose()
    }

    /// Makes an account.
    pub async fn add_account(&self, new: NewAccount, by: &Actor) -> Result<Added, StoreError> {
        let transaction = self.begin().await?;
        let id = AccountId::mint(transaction.now);
        let added = transaction.add_account(id, new, by).await?;
        if matches!(added, Added::Made(_)) {
            transaction.commit().await?;
        }
        Ok(added)
    }

    /// Everybody, and those who are invited, by name.
    pub async fn team(&self) -> Result<Vec<AccountRow>, StoreError> {
        let now = self.clock.now();
        let accounts = Entity::find().order_by_asc(Column::Email).all(&self.reader).await?;
        let invited = invitation::Entity::find()
            .filter(invitation::Column::UsedAt.is_null())
            .filter(invitation::Column::Email.is_not_null())
            .order_by_asc(invitation::Column::Email)
            .all(&self.reader)
            .await?;
        let mut team = Vec::with_capacity(accounts.len() + invited.len());
        for model in accounts {
            let last_sign_in = model.last_sign_in_at.map(Timestamp::from_millis);
            let Account { id, email, name, role, active, .. } = Account::from_model(model)?;
            let state = if active { AccountState::Active } else { AccountState::Deactivated };
            team.push(AccountRow { id, email, name, role, state, last_sign_in });
        }
        for model in invited {
            let id = AccountId::from_uuid(model.account_id);
            let StoredInvitation { email, role, expires, .. } = stored_invitation(model)?;
            let state =
                if now < expires { AccountState::Invited { until: expires } } else { AccountState::InvitationExpired };
            let email = email.unwrap_or_default();
            team.push(AccountRow { id, email, name: String::new(), role, state, last_sign_in: None });
        }
        // Those without a name stand where their address would.
        team.sort_by_cached_key(|row| if row.name.is_empty() { row.email.clone() } else { row.name.to_lowercase() });
        Ok(team)
    }

    /// Makes the one-time link of this token; an earlier one for that address is dead.
    pub async fn invite(&self, email: &Email, role: Role, token: TokenHash, by: &Actor) -> Result<Invited, StoreError> {
        let transaction = self.begin().await?;
        if let Some(account) = transaction.account_of(email).await? {
            return Ok(if account.active { Invited::HasAccount } else { Invited::IsDeactivated });
        }
        let now = transaction.now;
        transaction.withdraw_invitation(email.as_str()).await?;
        let new = invitation::Model {
            token_hash: token.to_vec(),
            account_id: AccountId::mint(now).uuid(),
            email: Some(email.to_string()),
            role: role.key().to_owned(),
            created_at: now.as_millis(),
            expires_at: now.plus(INVITATION_LIVES).as_millis(),
            used_at: None,
        };
        invitation::Entity::insert(new.into_active_model()).exec_without_returning(&transaction.inner).await?;
        transaction.record(by, ActivityKind::Invited, None, format!("{email} as {}", role.label())).await?;
        transaction.commit().await?;
        Ok(Invited::Made)
    }

    /// Makes the link that makes the first owner; an earlier one is dead. False if there are accounts.
    pub async fn make_setup_link(&self, token: TokenHash) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let now = transaction.now;
        invitation::Entity::delete_many()
            .filter(invitation::Column::Email.is_null())
            .filter(invitation::Column::UsedAt.is_null())
            .exec(&transaction.inner)
            .await?;
        let needed = Entity::find().one(&transaction.inner).await?.is_none();
        if needed {
            let new = invitation::Model {
                token_hash: token.to_vec(),
                account_id: AccountId::mint(now).uuid(),
                email: None,
                role: Role::Owner.key().to_owned(),
                created_at: now.as_millis(),
                expires_at: now.plus(SETUP_LIVES).as_millis(),
                used_at: None,
            };
            invitation::Entity::insert(new.into_active_model()).exec_without_returning(&transaction.inner).await?;
        }
        transaction.commit().await?;
        Ok(needed)
    }

    /// What the one-time link of this token is for.
    pub async fn invitation(&self, token: TokenHash) -> Result<Option<StoredInvitation>, StoreError> {
        let found = invitation::Entity::find_by_id(token.to_vec()).one(&self.reader).await?;
        found.map(stored_invitation).transpose()
    }

    /// Uses a one-time link up: makes the account, and begins a session. None if the link is not good any more.
    pub async fn accept_invitation(&self, token: TokenHash, new: Newcomer) -> Result<Option<Added>, StoreError> {
        let transaction = self.begin().await?;
        let now = transaction.now.as_millis();
        // Of two who use it at once, one gets it.
        let used = invitation::Entity::update_many()
            .col_expr(invitation::Column::UsedAt, Expr::val(now))
            .filter(invitation::Column::TokenHash.eq(token.as_slice()))
            .filter(invitation::Column::UsedAt.is_null())
            .filter(invitation::Column::ExpiresAt.gt(now))
            .exec(&transaction.inner)
            .await?;
        let model = invitation::Entity::find_by_id(token.to_vec()).one(&transaction.inner).await?;
        let Some(model) = model.filter(|_| used.rows_affected == 1) else { return Ok(None) };
        let id = AccountId::from_uuid(model.account_id);
        let invitation = stored_invitation(model)?;
        let email = match &invitation.email {
            Some(email) => {
                Email::parse(email).map_err(|_| StoreError::Unexpected(format!("the invitation of {id}")))?
            }
            // Somebody else set it up meanwhile.
            None if Entity::find().one(&transaction.inner).await?.is_some() => return Ok(None),
            None => new.email,
        };
        let account =
            NewAccount { email, name: new.name, role: invitation.role, password_hash: Some(new.password_hash) };
        let by = Actor::account(id, account.email.as_str());
        let added = transaction.add_account(id, account, &by).await?;
        if let Added::Made(account) = &added {
            transaction.begin_session(account, new.session, "With a one-time link").await?;
            transaction.commit().await?;
        }
        Ok(Some(added))
    }

    /// Changes what somebody may do, or will once they use their invitation.
    pub async fn change_role(&self, id: AccountId, role: Role, by: &Actor) -> Result<TeamChange, StoreError> {
        let transaction = self.begin().await?;
        let owners = transaction.lock_owners().await?;
        let Some(account) = transaction.account_to_change(id).await? else {
            return transaction.change_invitation(id, role, by).await;
        };
        if account.role == role {
            return Ok(TeamChange::Done);
        }
        if account.active
            && let Err(refusal) = may_lose_owner(account.role, owners)
        {
            return Ok(TeamChange::Refused(refusal));
        }
        transaction.change_account(id, ActiveModel { role: Set(role.key().to_owned()), ..Default::default() }).await?;
        let text = format!("{}: {} is now {}", account.email, account.role.label(), role.label());
        transaction.record(by, ActivityKind::RoleChanged, None, text).await?;
        transaction.commit().await?;
        Ok(TeamChange::Done)
    }

    /// Ends somebody's access with all their sessions, or gives it back. An invitation is withdrawn.
    pub async fn set_account_active(&self, id: AccountId, active: bool, by: &Actor) -> Result<TeamChange, StoreError> {
        let transaction = self.begin().await?;
        let owners = transaction.lock_owners().await?;
        let Some(account) = transaction.account_to_change(id).await? else {
            return if active { Ok(TeamChange::NoSuchAccount) } else { transaction.end_invitation(id, by).await };
        };
        if account.active == active {
            return Ok(TeamChange::Done);
        }
        if !active && let Err(refusal) = may_lose_owner(account.role, owners) {
            return Ok(TeamChange::Refused(refusal));
        }
        let deactivated_at = (!active).then(|| transaction.now.as_millis());
        transaction
            .change_account(id, ActiveModel { deactivated_at: Set(deactivated_at), ..Default::default() })
            .await?;
        // When it is given back too: none that began in between comes to life.
        transaction.end_sessions(id, None).await?;
        transaction.end_api_tokens_of(id, by).await?;
        let kind = if active { ActivityKind::Reactivated } else { ActivityKind::Deactivated };
        transaction.record(by, kind, None, account.email).await?;
        transaction.commit().await?;
        Ok(TeamChange::Done)
    }

    /// Gives an account another password and ends its other sessions. False if the password was changed meanwhile.
    pub async fn change_password(
        &self,
        account: &Account,
        hash: &SecretString,
        session: TokenHash,
    ) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let now = transaction.account_to_change(account.id).await?;
        if now.is_none_or(|now| now.password_hash() != account.password_hash()) {
            return Ok(false);
        }
        let hash = Set(Some(hash.expose_secret().to_owned()));
        transaction.change_account(account.id, ActiveModel { password_hash: hash, ..Default::default() }).await?;
        transaction.end_sessions(account.id, Some(session)).await?;
        transaction.record(&account.actor(), ActivityKind::PasswordChanged, None, "").await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Finds the account of somebody whom Microsoft names, or makes it, and begins a session.
    pub async fn enter_staff(&self, member: StaffMember, session: TokenHash) -> Result<StaffEntry, StoreError> {
        let transaction = self.begin().await?;
        let same = Condition::all()
            .add(Column::MicrosoftTenant.eq(member.tenant.uuid()))
            .add(Column::MicrosoftObject.eq(&member.object));
        let found = Entity::find().filter(same).one(&transaction.inner).await?;
        let account = match (found, &member.email) {
            (Some(model), _) => Account::from_model(model)?,
            (None, None) => return Ok(StaffEntry::NoAccount),
            (None, Some(email)) => {
                let of_email = Entity::find().filter(Column::Email.eq(email.as_str())).one(&transaction.inner).await?;
                let account = match of_email {
                    Some(model) if model.microsoft_object.is_some() => return Ok(StaffEntry::SomebodyElse),
                    Some(model) => Account::from_model(model)?,
                    None => match transaction.make_staff(email, &member).await? {
                        Some(account) => account,
                        None => return Ok(StaffEntry::NoAccount),
                    },
                };
                let tie = ActiveModel {
                    microsoft_tenant: Set(Some(member.tenant.uuid())),
                    microsoft_object: Set(Some(member.object)),
                    ..Default::default()
                };
                transaction.change_account(account.id, tie).await?;
                account
            }
        };
        if !account.active {
            return Ok(StaffEntry::Deactivated);
        }
        transaction.begin_session(&account, session, "With Microsoft").await?;
        transaction.commit().await?;
        Ok(StaffEntry::Account(account))
    }

    /// Forgets links that nobody can use any more. For some weeks the page Team shows that they expired.
    pub async fn forget_old_invitations(&self) -> Result<(), StoreError> {
        let long_ago = self.clock.now().minus(INVITATION_LIVES * 4);
        invitation::Entity::delete_many()
            .filter(invitation::Column::ExpiresAt.lt(long_ago.as_millis()))
            .exec(&self.writer)
            .await?;
        Ok(())
    }
}

impl Transaction {
    async fn account_of(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let found = Entity::find().filter(Column::Email.eq(email.as_str())).one(&self.inner).await?;
        found.map(Account::from_model).transpose()
    }

    /// The account as it is until this transaction ends.
    pub(super) async fn account_to_change(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let mut find = Entity::find_by_id(id.uuid());
        if self.inner.get_database_backend() == DbBackend::Postgres {
            find = find.lock_exclusive();
        }
        find.one(&self.inner).await?.map(Account::from_model).transpose()
    }

    /// How many owners can sign in. Nobody else changes that until this transaction ends: two owners who demote each
    /// other do so one after the other.
    async fn lock_owners(&self) -> Result<u64, StoreError> {
        let mut find = Entity::find().filter(Column::Role.eq(Role::Owner.key())).order_by_asc(Column::Id);
        if self.inner.get_database_backend() == DbBackend::Postgres {
            find = find.lock_exclusive();
        }
        let owners = find.all(&self.inner).await?;
        Ok(owners.iter().filter(|owner| owner.deactivated_at.is_none()).count() as u64)
    }

    async fn change_account(&self, id: AccountId, changes: ActiveModel) -> Result<(), StoreError> {
        Entity::update_many().set(changes).filter(Column::Id.eq(id.uuid())).exec(&self.inner).await?;
        Ok(())
    }

    async fn add_account(&self, id: AccountId, new: NewAccount, by: &Actor) -> Result<Added, StoreError> {
        let model = Model {
            id: id.uuid(),
            email: new.email.to_string(),
            name: new.name,
            role: new.role.key().to_owned(),
            password_hash: new.password_hash.map(|hash| hash.expose_secret().to_owned()),
            microsoft_tenant: None,
            microsoft_object: None,
            created_at: self.now.as_millis(),
            last_sign_in_at: None,
            deactivated_at: None,
        };
        if let Err(error) = Entity::insert(model.clone().into_active_model()).exec_without_returning(&self.inner).await
        {
            return match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Ok(Added::EmailTaken),
                _ => Err(error.into()),
            };
        }
        // Whatever made it: a link for the same address has nothing left to make.
        invitation::Entity::delete_many()
            .filter(invitation::Column::Email.eq(new.email.as_str()))
            .filter(invitation::Column::UsedAt.is_null())
            .exec(&self.inner)
            .await?;
        let text = format!("{} as {}", new.email, new.role.label());
        self.record(by, ActivityKind::AccountMade, None, text).await?;
        Ok(Added::Made(Account::from_model(model)?))
    }

    /// An account for somebody of the MSP's tenant: of the role that they were invited to, or of the one that everybody
    /// gets who may come in. None if they may not.
    async fn make_staff(&self, email: &Email, member: &StaffMember) -> Result<Option<Account>, StoreError> {
        let mut invited = invitation::Entity::find()
            .filter(invitation::Column::Email.eq(email.as_str()))
            .filter(invitation::Column::UsedAt.is_null())
            .filter(invitation::Column::ExpiresAt.gt(self.now.as_millis()));
        if self.inner.get_database_backend() == DbBackend::Postgres {
            // Nobody withdraws it while it is used.
            invited = invited.lock_exclusive();
        }
        let invited = invited.one(&self.inner).await?;
        let (id, role) = match (invited, member.role_if_new) {
            (Some(model), _) => (AccountId::from_uuid(model.account_id), Some(stored_invitation(model)?.role)),
            (None, role) => (AccountId::mint(self.now), role),
        };
        let Some(role) = role else { return Ok(None) };
        let new = NewAccount { email: email.clone(), name: member.name.clone(), role, password_hash: None };
        let by = Actor::account(id, email.as_str());
        match self.add_account(id, new, &by).await? {
            Added::Made(account) => Ok(Some(account)),
            Added::EmailTaken => Err(StoreError::Unexpected(format!("the account {id} was made twice at once"))),
        }
    }

    async fn withdraw_invitation(&self, email: &str) -> Result<(), StoreError> {
        invitation::Entity::delete_many().filter(invitation::Column::Email.eq(email)).exec(&self.inner).await?;
        Ok(())
    }

    async fn open_invitation(&self, id: AccountId) -> Result<Option<(String, Role)>, StoreError> {
        let found = invitation::Entity::find()
            .filter(invitation::Column::AccountId.eq(id.uuid()))
            .filter(invitation::Column::Email.is_not_null())
            .filter(invitation::Column::UsedAt.is_null())
            .one(&self.inner)
            .await?;
        let Some(invitation) = found.map(stored_invitation).transpose()? else { return Ok(None) };
        Ok(invitation.email.map(|email| (email, invitation.role)))
    }

    async fn change_invitation(self, id: AccountId, role: Role, by: &Actor) -> Result<TeamChange, StoreError> {
        let Some((email, before)) = self.open_invitation(id).await? else { return Ok(TeamChange::NoSuchAccount) };
        let changed = invitation::Entity::update_many()
            .col_expr(invitation::Column::Role, Expr::val(role.key()))
            .filter(invitation::Column::Email.eq(email.as_str()))
            .filter(invitation::Column::UsedAt.is_null())
            .exec(&self.inner)
            .await?;
        if changed.rows_affected == 0 {
            // It was used in this moment.
            return Ok(TeamChange::NoSuchAccount);
        }
        let text = format!("{email} (invited): {} is now {}", before.label(), role.label());
        self.record(by, ActivityKind::RoleChanged, None, text).await?;
        self.commit().await?;
        Ok(TeamChange::Done)
    }

    async fn end_invitation(self, id: AccountId, by: &Actor) -> Result<TeamChange, StoreError> {
        let Some((email, _)) = self.open_invitation(id).await? else { return Ok(TeamChange::NoSuchAccount) };
        let ended = invitation::Entity::delete_many()
            .filter(invitation::Column::Email.eq(email.as_str()))
            .filter(invitation::Column::UsedAt.is_null())
            .exec(&self.inner)
            .await?;
        if ended.rows_affected == 0 {
            // It was used in this moment.
            return Ok(TeamChange::NoSuchAccount);
        }
        self.record(by, ActivityKind::Deactivated, None, format!("{email}: the invitation was withdrawn")).await?;
        self.commit().await?;
        Ok(TeamChange::Done)
    }
}

fn stored_invitation(model: invitation::Model) -> Result<StoredInvitation, StoreError> {
    let unexpected = || StoreError::Unexpected(format!("the invitation of {}", model.account_id));
    Ok(StoredInvitation {
        role: Role::from_key(&model.role).ok_or_else(unexpected)?,
        email: model.email,
        expires: Timestamp::from_millis(model.expires_at),
        used: model.used_at.is_some(),
    })
}
