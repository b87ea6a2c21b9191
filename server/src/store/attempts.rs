//! Attempts: one try each at connecting a company.

use app::domain::{
    Access, AccountId, ActivityKind, AttemptFailure, AttemptId, CompanyId, Ending, LinkId, Right, Step, Surface,
    Timestamp,
    attempt::{DEADLINE, LATE_ANSWER, SETTLE_WITHIN, State},
};
use sea_orm::{
    ActiveValue::Set, Condition, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, prelude::*, sea_query::Expr,
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    accounts::Account,
    activity::Actor,
    entity::{
        account,
        attempt::{ActiveModel, Column, Entity, Model},
        connection,
    },
};

const CONSENT: &str = "consent";
const SIGN_IN: &str = "sign_in";
const CLAIMED: &str = "claimed";
pub(super) const ENDED: &str = "ended";

/// How long an ended attempt is kept: its row says for that long why it failed.
const KEPT: std::time::Duration = std::time::Duration::from_hours(24 * 7);

/// An attempt that begins.
#[derive(Debug)]
pub struct NewAttempt {
    /// Which one.
    pub id: AttemptId,
    /// The company that is to be connected.
    pub company: CompanyId,
    /// SHA-256 of the cookie that names the browser.
    pub browser_hash: [u8; 32],
    /// SHA-256 of `state`.
    pub state_hash: [u8; 32],
    /// The PKCE verifier, sealed for the attempt's id.
    pub sealed_verifier: Vec<u8>,
    /// The nonce that the ID token must carry.
    pub nonce: String,
    /// The path segment at Microsoft that the attempt is made at.
    pub authority: String,
    /// The access that is asked for.
    pub access: Access,
    /// Where the person signs in.
    pub surface: Surface,
    /// What it waits for first.
    pub step: Step,
    /// The link that it begins with.
    pub link: Option<LinkId>,
    /// Whether the company was connected when this was decided.
    pub renews: bool,
}

/// An attempt as it is stored.
#[derive(Debug)]
pub struct Attempt {
    /// Which one.
    pub id: AttemptId,
    /// The company that is to be connected.
    pub company: CompanyId,
    /// SHA-256 of the cookie that names the browser.
    pub browser_hash: Vec<u8>,
    /// The PKCE verifier, sealed for the attempt's id.
    pub sealed_verifier: Vec<u8>,
    /// The nonce that the ID token must carry.
    pub nonce: String,
    /// The path segment at Microsoft that the attempt is made at.
    pub authority: String,
    /// The access that is asked for.
    pub access: Access,
    /// Where the person signs in.
    pub surface: Surface,
    /// What it is doing.
    pub state: State,
    /// When it began.
    pub begun: Timestamp,
    /// The link that it began with.
    pub link: Option<LinkId>,
}

const fn step_key(step: Step) -> &'static str {
    match step {
        Step::Consent => CONSENT,
        Step::SignIn => SIGN_IN,
    }
}

impl Attempt {
    fn from_model(model: Model) -> Result<Self, StoreError> {
        let unexpected = || StoreError::Unexpected(format!("attempt {}", model.id));
        let state = match model.state.as_str() {
            CONSENT => State::Open(Step::Consent),
            SIGN_IN => State::Open(Step::SignIn),
            CLAIMED => State::Claimed { at: Timestamp::from_millis(model.claimed_at.ok_or_else(unexpected)?) },
            ENDED => {
                let ending = model.ending.as_deref().ok_or_else(unexpected)?;
                State::Ended(serde_json::from_str(ending).map_err(|_| unexpected())?)
            }
            _ => return Err(unexpected()),
        };
        let surface = match model.surface.as_str() {
            "popup" => Surface::Popup,
            "tab" => Surface::Tab,
            "link" => Surface::Link,
            _ => return Err(unexpected()),
        };
        Ok(Self {
            access: Access::from_key(&model.access).ok_or_else(unexpected)?,
            id: AttemptId::from_uuid(model.id),
            company: CompanyId::from_uuid(model.company_id),
            browser_hash: model.browser_hash,
            sealed_verifier: model.sealed_verifier,
            nonce: model.nonce,
            authority: model.authority,
            surface,
            state,
            begun: Timestamp::from_millis(model.begun_at),
            link: model.link_id.map(LinkId::from_uuid),
        })
    }
}

impl Store {
    /// Stores an attempt that begins now. False, and nothing is stored, if the company or the link is not any more as it
    /// was when this was decided: Microsoft was asked meanwhile, which takes its time.
    pub async fn begin_attempt(&self, new: NewAttempt, by: &Actor) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if !transaction.may_begin(&new).await? {
            return Ok(false);
        }
        let now = transaction.now;
        let model = Model {
            id: new.id.uuid(),
            company_id: new.company.uuid(),
            browser_hash: new.browser_hash.to_vec(),
            state_hash: new.state_hash.to_vec(),
            sealed_verifier: new.sealed_verifier,
            nonce: new.nonce,
            authority: new.authority,
            access: new.access.key().to_owned(),
            surface: match new.surface {
                Surface::Popup => "popup",
                Surface::Tab => "tab",
                Surface::Link => "link",
            }
            .to_owned(),
            state: step_key(new.step).to_owned(),
            ending: None,
            begun_at: now.as_millis(),
            deadline_at: now.plus(DEADLINE).as_millis(),
            claimed_at: None,
            ended_at: None,
            lapsed: false,
            made_by: by.account_id().map(AccountId::uuid),
            link_id: new.link.map(LinkId::uuid),
        };
        Entity::insert(model.into_active_model()).exec_without_returning(&transaction.inner).await?;
        transaction.record(by, ActivityKind::AttemptBegun, Some(new.company), "").await?;
        transaction.touch(new.company).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The attempt with this `state`.
    pub async fn attempt_by_state(&self, state_hash: [u8; 32]) -> Result<Option<Attempt>, StoreError> {
        // By the writer: the answer may come faster than another connection sees what was just stored.
        let found = Entity::find().filter(Column::StateHash.eq(state_hash.as_slice())).one(&self.writer).await?;
        found.map(Attempt::from_model).transpose()
    }

    /// The attempt with this id.
    pub async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        Entity::find_by_id(id.uuid()).one(&self.writer).await?.map(Attempt::from_model).transpose()
    }

    /// The open attempts that this browser began.
    pub async fn open_attempts_of_browser(&self, browser_hash: [u8; 32]) -> Result<Vec<Attempt>, StoreError> {
        let found = Entity::find()
            .filter(Column::BrowserHash.eq(browser_hash.as_slice()))
            .filter(Column::State.is_in([CONSENT, SIGN_IN]))
            .all(&self.writer)
            .await?;
        found.into_iter().map(Attempt::from_model).collect()
    }

    /// Consent was given: the attempt waits for the sign-in now, at this authority. False if it did not wait for
    /// consent any more.
    pub async fn attempt_consented(&self, id: AttemptId, authority: &str) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::State, Expr::val(SIGN_IN))
            .col_expr(Column::Authority, Expr::val(authority))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::State.eq(CONSENT))
            .exec(&self.writer)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Takes the answer to an attempt. Of several that try, one gets `true`.
    pub async fn claim_attempt(&self, id: AttemptId) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::State, Expr::val(CLAIMED))
            .col_expr(Column::ClaimedAt, Expr::val(self.clock.now().as_millis()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::State.eq(SIGN_IN))
            .exec(&self.writer)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Ends an attempt whose answer was claimed and came to nothing.
    pub async fn fail_attempt(&self, attempt: &Attempt, failure: &AttemptFailure) -> Result<(), StoreError> {
        self.end_one(attempt, &[CLAIMED], failure).await
    }

    /// Ends an attempt that is still open, because of an answer that can't be taken. One whose answer is being settled
    /// is left alone.
    pub async fn reject_attempt(&self, attempt: &Attempt, failure: &AttemptFailure) -> Result<(), StoreError> {
        self.end_one(attempt, &[CONSENT, SIGN_IN], failure).await
    }

    async fn end_one(&self, attempt: &Attempt, from: &[&str], failure: &AttemptFailure) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        // The company before its attempts, as all lock them.
        transaction.lock_company(attempt.company).await?;
        let which =
            Condition::all().add(Column::Id.eq(attempt.id.uuid())).add(Column::State.is_in(from.iter().copied()));
        if fail(&transaction, which, failure).await? > 0 {
            transaction.touch(attempt.company).await?;
        }
        transaction.commit().await
    }

    /// Ends the company's open attempts by the wish of a person. One whose answer is being settled is not open.
    pub async fn cancel_attempts(&self, company: CompanyId, by: &Actor) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        // Even if none is open: the page that asked believes that one is.
        transaction.touch(company).await?;
        cancel_of_company(&transaction, company, by).await?;
        transaction.commit().await
    }

    /// Tells the rows whose attempt passed its deadline, ends what an interrupted server left, and forgets what is
    /// old.
    pub async fn sweep_attempts(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let lapsed = Condition::all()
            .add(Column::State.ne(ENDED))
            .add(Column::Lapsed.eq(false))
            .add(Column::DeadlineAt.lte(now.as_millis()));
        let stuck = Condition::all()
            .add(Column::State.eq(CLAIMED))
            .add(Column::ClaimedAt.lte(now.minus(SETTLE_WITHIN).as_millis()));
        // Looked for without the write lock: as a rule there is nothing.
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::CompanyId)
            .filter(Condition::any().add(lapsed.clone()).add(stuck.clone()))
            .distinct()
            .order_by_asc(Column::CompanyId)
            .into_tuple()
            .all(&self.reader)
            .await?;
        if found.is_empty() {
            return Ok(());
        }
        // One company after the other, and the company before its attempts, as whoever settles one locks them.
        for company in found {
            let of_company = |which: &Condition| which.clone().add(Column::CompanyId.eq(company));
            let mut transaction = self.begin().await?;
            transaction.touch(CompanyId::from_uuid(company)).await?;
            fail(&transaction, of_company(&stuck), &AttemptFailure::Interrupted).await?;
            Entity::update_many()
                .col_expr(Column::Lapsed, Expr::val(true))
                .filter(of_company(&lapsed))
                .exec(&transaction.inner)
                .await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Forgets attempts that no answer can come to any more. Rows may have told of those that failed.
    pub async fn forget_old_attempts(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let old = Condition::any().add(Column::EndedAt.lte(now.minus(KEPT).as_millis())).add(
            Condition::all()
                .add(Column::State.is_in([CONSENT, SIGN_IN]))
                .add(Column::BegunAt.lte(now.minus(LATE_ANSWER + KEPT).as_millis())),
        );
        let found: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::CompanyId)
            .filter(old.clone())
            .distinct()
            .order_by_asc(Column::CompanyId)
            .into_tuple()
            .all(&self.reader)
            .await?;
        for company in found {
            let mut transaction = self.begin().await?;
            transaction.touch(CompanyId::from_uuid(company)).await?;
            Entity::delete_many()
                .filter(old.clone().add(Column::CompanyId.eq(company)))
                .exec(&transaction.inner)
                .await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}

impl Transaction {
    /// Whether things are as they were when it was decided that this attempt begins. Locks the company.
    async fn may_begin(&self, new: &NewAttempt) -> Result<bool, StoreError> {
        let company = self.lock_company(new.company).await?;
        if company.is_none_or(|company| company.archived_at.is_some()) {
            return Ok(false);
        }
        let connection = connection::Entity::find().filter(connection::Column::CompanyId.eq(new.company.uuid()));
        if connection.one(&self.inner).await?.is_some() != new.renews {
            return Ok(false);
        }
        match new.link {
            Some(link) => self.link_may_begin(link).await,
            None => Ok(true),
        }
    }

    /// Whether whoever began this attempt on our page may still connect companies.
    pub(super) async fn may_still_connect(&self, id: AttemptId) -> Result<bool, StoreError> {
        let Some(attempt) = Entity::find_by_id(id.uuid()).one(&self.inner).await? else { return Ok(false) };
        let Some(by) = attempt.made_by else { return Ok(false) };
        let account = account::Entity::find_by_id(by).one(&self.inner).await?.map(Account::from_model).transpose()?;
        Ok(account.is_some_and(|account| account.active && account.role.may(Right::Connect)))
    }
}

/// Ends an attempt that is being settled with success, and all others of the company. Answers who began it, or none if
/// the attempt is not the caller's any more.
pub(super) async fn succeed(
    transaction: &Transaction,
    id: AttemptId,
    company: CompanyId,
) -> Result<Option<Actor>, StoreError> {
    let claimed = Condition::all().add(Column::Id.eq(id.uuid())).add(Column::State.eq(CLAIMED));
    let ended = end(transaction, claimed, &Ending::Connected).await?;
    let Some(attempt) = ended.into_iter().next() else { return Ok(None) };
    end(transaction, Condition::all().add(Column::CompanyId.eq(company.uuid())), &Ending::Overtaken).await?;
    who_began(transaction, &attempt).await.map(Some)
}

/// What an attempt brought turned out not to work, after it had ended with success.
pub(super) async fn fail_late(
    transaction: &Transaction,
    id: AttemptId,
    failure: &AttemptFailure,
) -> Result<(), StoreError> {
    let changes = ActiveModel {
        ending: Set(Some(in_json(&Ending::Failed(failure.clone()))?)),
        ended_at: Set(Some(transaction.now.as_millis())),
        ..Default::default()
    };
    let attempts =
        Entity::update_many().set(changes).filter(Column::Id.eq(id.uuid())).exec_with_returning(&transaction.inner);
    for attempt in attempts.await? {
        let by = who_began(transaction, &attempt).await?;
        let company = CompanyId::from_uuid(attempt.company_id);
        transaction.record(&by, ActivityKind::AttemptFailed, Some(company), failure.title()).await?;
    }
    Ok(())
}

fn in_json(ending: &Ending) -> Result<String, StoreError> {
    serde_json::to_string(ending).map_err(|error| StoreError::Unexpected(error.to_string()))
}

/// Ends an attempt whose answer was claimed, and whose link died meanwhile.
pub(super) async fn give_up(transaction: &Transaction, id: AttemptId) -> Result<(), StoreError> {
    end(transaction, Condition::all().add(Column::Id.eq(id.uuid())), &Ending::Cancelled).await?;
    Ok(())
}

/// Ends all attempts of a company, also one that is being settled: it finds out by itself, and nothing is stored.
pub(super) async fn cancel_all(transaction: &Transaction, company: CompanyId) -> Result<(), StoreError> {
    end(transaction, Condition::all().add(Column::CompanyId.eq(company.uuid())), &Ending::Cancelled).await?;
    Ok(())
}

/// Ends the company's open attempts. What is being settled finds out by itself.
pub(super) async fn cancel_of_company(
    transaction: &Transaction,
    company: CompanyId,
    by: &Actor,
) -> Result<(), StoreError> {
    let open = Condition::all().add(Column::CompanyId.eq(company.uuid())).add(Column::State.is_in([CONSENT, SIGN_IN]));
    if !end(transaction, open, &Ending::Cancelled).await?.is_empty() {
        transaction.record(by, ActivityKind::AttemptCancelled, Some(company), "").await?;
    }
    Ok(())
}

/// Ends the open attempts of these companies. Answers which of them had one.
pub(super) async fn cancel_of_companies(
    transaction: &Transaction,
    companies: &[CompanyId],
) -> Result<Vec<CompanyId>, StoreError> {
    let mut cancelled = Vec::new();
    for companies in companies.chunks(ROWS_A_STATEMENT) {
        let theirs = Column::CompanyId.is_in(companies.iter().map(|company| company.uuid()));
        let open = Condition::all().add(theirs).add(Column::State.is_in([CONSENT, SIGN_IN]));
        let ended = end(transaction, open, &Ending::Cancelled).await?;
        cancelled.extend(ended.into_iter().map(|attempt| CompanyId::from_uuid(attempt.company_id)));
    }
    Ok(cancelled)
}

/// Ends what began with a link that is withdrawn. What is being settled finds out by itself.
pub(super) async fn cancel_of_link(transaction: &Transaction, link: LinkId) -> Result<(), StoreError> {
    cancel_of_links(transaction, &[link]).await
}

/// The same, for a few hundred links.
pub(super) async fn cancel_of_links(transaction: &Transaction, links: &[LinkId]) -> Result<(), StoreError> {
    let with_these = Column::LinkId.is_in(links.iter().map(|link| link.uuid()));
    let open = Condition::all().add(with_these).add(Column::State.is_in([CONSENT, SIGN_IN]));
    end(transaction, open, &Ending::Cancelled).await?;
    Ok(())
}

async fn who_began(transaction: &Transaction, attempt: &Model) -> Result<Actor, StoreError> {
    if attempt.link_id.is_some() { Ok(Actor::link_holder()) } else { transaction.actor(attempt.made_by).await }
}

/// Ends attempts with a failure, each in the name of who began it. Answers how many.
async fn fail(transaction: &Transaction, which: Condition, failure: &AttemptFailure) -> Result<usize, StoreError> {
    let ended = end(transaction, which, &Ending::Failed(failure.clone())).await?;
    for attempt in &ended {
        let by = who_began(transaction, attempt).await?;
        let company = CompanyId::from_uuid(attempt.company_id);
        transaction.record(&by, ActivityKind::AttemptFailed, Some(company), failure.title()).await?;
    }
    Ok(ended.len())
}

async fn end(transaction: &Transaction, which: Condition, ending: &Ending) -> Result<Vec<Model>, StoreError> {
    let json = in_json(ending)?;
    // Nothing secret outlives the attempt.
    let changes = ActiveModel {
        state: Set(ENDED.to_owned()),
        ending: Set(Some(json)),
        ended_at: Set(Some(transaction.now.as_millis())),
        sealed_verifier: Set(Vec::new()),
        ..Default::default()
    };
    let ended = Entity::update_many()
        .set(changes)
        .filter(which)
        .filter(Column::State.ne(ENDED))
        .exec_with_returning(&transaction.inner)
        .await?;
    Ok(ended)
}
