//! What is read from tenants, as far as it is stored. Whoever's lease was taken over writes nothing.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use app::domain::{DataSet, LicenceUse, Problem, Timestamp};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    Condition, IntoActiveModel, PaginatorTrait as _,
    prelude::*,
    sea_query::{Expr, OnConflict},
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    connections::{Connection, held},
    entity::{connection, dataset_state, m365_domain, m365_licence, m365_user, secure_score, secure_score_control},
    to_i32,
};
use crate::microsoft::{
    Link,
    tenant_data::{ControlProfile, Licence, Organisation, SecureScore, TenantDomain, UserChange, UserKind, UserPatch},
};

/// How long a worker may be silent before another takes over. Every write renews it.
pub const LEASE: Duration = Duration::from_mins(1);

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// Where the users of a company stand.
#[derive(Clone, Debug)]
pub struct UsersState {
    /// Leads to what changed since the last complete round.
    pub delta_link: Option<Link>,
    /// The number of the last full round that began.
    pub generation: i64,
}

/// A way of reading users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsersRound {
    /// Everybody: whoever does not come is gone.
    Full {
        /// The number of this round.
        generation: i64,
    },
    /// What changed since the last complete round.
    Changes {
        /// The number of that round.
        generation: i64,
    },
}

impl UsersRound {
    const fn generation(self) -> i64 {
        match self {
            Self::Full { generation } | Self::Changes { generation } => generation,
        }
    }
}

impl Store {
    /// Keeps what the tenant calls itself.
    pub async fn put_organisation(&self, worker: &Connection, organisation: &Organisation) -> Result<(), StoreError> {
        let changes = connection::ActiveModel {
            tenant_name: Set(organisation.name.clone()),
            default_domain: Set(organisation.default_domain.clone()),
            ..Default::default()
        };
        let transaction = self.begin_write(worker).await?;
        finish(transaction, worker, DataSet::Organisation, Success::default(), changes).await
    }

    /// Replaces the licences. `licence_use` is what they come to.
    pub async fn put_licences(
        &self,
        worker: &Connection,
        licences: &[Licence],
        licence_use: LicenceUse,
    ) -> Result<(), StoreError> {
        let transaction = self.begin_write(worker).await?;
        m365_licence::Entity::delete_many()
            .filter(m365_licence::Column::CompanyId.eq(worker.company.uuid()))
            .exec(&transaction.inner)
            .await?;
        let rows: BTreeMap<Uuid, _> = licences
            .iter()
            .map(|licence| {
                let row = m365_licence::Model {
                    company_id: worker.company.uuid(),
                    sku_id: licence.sku_id,
                    part_number: licence.part_number.clone(),
                    for_users: licence.applies_to_users,
                    state: licence.state.key().to_owned(),
                    enabled: to_i32(licence.enabled),
                    warning: to_i32(licence.warning),
                    suspended: to_i32(licence.suspended),
                    locked_out: to_i32(licence.locked_out),
                    consumed: to_i32(licence.consumed),
                };
                (licence.sku_id, row.into_active_model())
            })
            .collect();
        insert(&transaction, rows.into_values().collect()).await?;
        let changes = connection::ActiveModel {
            licences_used: Set(Some(to_i32(licence_use.used))),
            licences_assignable: Set(Some(to_i32(licence_use.assignable))),
            ..Default::default()
        };
        finish(transaction, worker, DataSet::Licences, Success::default(), changes).await
    }

    /// Replaces the domains.
    pub async fn put_domains(&self, worker: &Connection, domains: &[TenantDomain]) -> Result<(), StoreError> {
        let transaction = self.begin_write(worker).await?;
        m365_domain::Entity::delete_many()
            .filter(m365_domain::Column::CompanyId.eq(worker.company.uuid()))
            .exec(&transaction.inner)
            .await?;
        let rows: BTreeMap<&str, _> = domains
            .iter()
            .map(|domain| {
                let row = m365_domain::Model {
                    company_id: worker.company.uuid(),
                    name: domain.name.clone(),
                    is_default: domain.is_default,
                    is_initial: domain.is_initial,
                    is_verified: domain.is_verified,
                    federated: domain.federated,
                    services: domain.services.join(" "),
                };
                (domain.name.as_str(), row.into_active_model())
            })
            .collect();
        insert(&transaction, rows.into_values().collect()).await?;
        finish(
            transaction,
            worker,
            DataSet::Domains,
            Success::default(),
            <connection::ActiveModel as Default>::default(),
        )
        .await
    }

    /// Adds the days that Microsoft still knows to those that it has forgotten, and replaces the controls.
    pub async fn put_secure_scores(
        &self,
        worker: &Connection,
        scores: &[SecureScore],
        profiles: &[ControlProfile],
    ) -> Result<(), StoreError> {
        use secure_score::Column as Score;

        let company_id = worker.company.uuid();
        let transaction = self.begin_write(worker).await?;
        let mut days = BTreeMap::new();
        for score in scores {
            let day = i32::try_from(score.created.as_millis().div_euclid(DAY)).unwrap_or(i32::MAX);
            let comparisons: serde_json::Map<_, _> =
                score.comparatives.iter().map(|c| (c.basis.clone(), Json::from(c.average))).collect();
            let row = secure_score::Model {
                company_id,
                day,
                created_at: score.created.as_millis(),
                current: score.current,
                max: score.max,
                comparisons: Json::Object(comparisons),
            };
            days.entry(day).or_insert_with(|| row.into_active_model());
        }
        for rows in chunks(days.into_values().collect()) {
            let latest_wins = OnConflict::columns([Score::CompanyId, Score::Day])
                .update_columns([Score::CreatedAt, Score::Current, Score::Max, Score::Comparisons])
                .to_owned();
            secure_score::Entity::insert_many(rows)
                .on_conflict(latest_wins)
                .exec_without_returning(&transaction.inner)
                .await?;
        }
        let latest = scores.iter().max_by_key(|score| score.created);
        let reached: HashMap<&str, f64> = latest
            .map(|score| score.control_scores.iter().map(|c| (c.control.as_str(), c.score)).collect())
            .unwrap_or_default();
        secure_score_control::Entity::delete_many()
            .filter(secure_score_control::Column::CompanyId.eq(company_id))
            .exec(&transaction.inner)
            .await?;
        let controls: BTreeMap<&str, _> = profiles
            .iter()
            .filter(|profile| !profile.deprecated)
            .map(|profile| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let row = secure_score_control::Model {
                    company_id,
                    id: profile.id.clone(),
                    title: profile.title.clone().unwrap_or_else(|| profile.id.clone()),
                    category: text(&profile.category),
                    score: reached.get(profile.id.as_str()).copied(),
                    max: profile.max_score.unwrap_or_default(),
                    service: text(&profile.service),
                    user_impact: text(&profile.user_impact),
                    implementation_cost: text(&profile.implementation_cost),
                    remediation: text(&profile.remediation),
                    action_url: profile.action_url.clone(),
                    rank: profile.rank.unwrap_or(i32::MAX),
                };
                (profile.id.as_str(), row.into_active_model())
            })
            .collect();
        insert(&transaction, controls.into_values().collect()).await?;
        let changes = latest.map(|score| connection::ActiveModel {
            score_current: Set(Some(score.current)),
            score_max: Set(Some(score.max)),
            ..Default::default()
        });
        let success = Success { source_date: latest.map(|score| score.created), ..Success::default() };
        finish(transaction, worker, DataSet::SecureScore, success, changes.unwrap_or_default()).await
    }

    /// Where the company's users stand.
    pub async fn users_state(&self, worker: &Connection) -> Result<UsersState, StoreError> {
        let found = dataset_state::Entity::find_by_id((worker.company.uuid(), DataSet::Users.key().to_owned()))
            .one(&self.writer)
            .await?;
        Ok(UsersState {
            generation: found.as_ref().map_or(0, |state| state.generation),
            delta_link: found.and_then(|state| state.delta_link).map(Link::from_stored),
        })
    }

    /// Begins a full round of users. Its number is stored at once: what a round that breaks off has written is told
    /// apart from what the next one writes.
    pub async fn begin_full_round(&self, worker: &Connection) -> Result<UsersRound, StoreError> {
        use dataset_state::Column::{DeltaLink, Generation, LastTry};

        let generation = self.users_state(worker).await?.generation + 1;
        let transaction = self.begin_write(worker).await?;
        let row = dataset_state::ActiveModel {
            generation: Set(generation),
            delta_link: Set(None),
            ..state_row(worker, DataSet::Users, transaction.now)
        };
        upsert_state(&transaction, row, &[LastTry, Generation, DeltaLink]).await?;
        transaction.commit().await?;
        Ok(UsersRound::Full { generation })
    }

    /// Writes a page of users in one transaction.
    pub async fn put_users(
        &self,
        worker: &Connection,
        round: UsersRound,
        changes: Vec<UserChange>,
    ) -> Result<(), StoreError> {
        use m365_user::Column;

        let company_id = worker.company.uuid();
        let transaction = self.begin_write(worker).await?;
        let ids: Vec<Uuid> = changes
            .iter()
            .map(|change| match change {
                UserChange::Upsert(patch) => patch.id,
                UserChange::Removed { id } => *id,
            })
            .collect();
        let mut present = HashMap::new();
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            let mut wanted = Condition::all().add(Column::CompanyId.eq(company_id)).add(Column::Id.is_in(ids.to_vec()));
            // In a full round, what an earlier round said of somebody is not what is said now.
            if let UsersRound::Full { generation } = round {
                wanted = wanted.add(Column::Generation.eq(generation));
            }
            let found = m365_user::Entity::find().filter(wanted).all(&transaction.inner).await?;
            present.extend(found.into_iter().map(|user| (user.id, user)));
        }
        // The last word on somebody counts; `None` is gone.
        let mut after: BTreeMap<Uuid, Option<m365_user::Model>> = BTreeMap::new();
        for change in changes {
            match change {
                UserChange::Removed { id } => {
                    after.insert(id, None);
                }
                UserChange::Upsert(patch) => {
                    let before = match after.remove(&patch.id) {
                        Some(before) => before,
                        None => present.get(&patch.id).cloned(),
                    };
                    after.insert(patch.id, Some(patched(company_id, round.generation(), *patch, before)));
                }
            }
        }
        let gone: Vec<Uuid> = after.iter().filter(|(_, user)| user.is_none()).map(|(id, _)| *id).collect();
        for ids in gone.chunks(ROWS_A_STATEMENT) {
            m365_user::Entity::delete_many()
                .filter(Column::CompanyId.eq(company_id))
                .filter(Column::Id.is_in(ids.to_vec()))
                .exec(&transaction.inner)
                .await?;
        }
        let rows = after
            .into_iter()
            .filter_map(|(id, user)| user.filter(|user| present.get(&id) != Some(user)))
            .map(IntoActiveModel::into_active_model)
            .collect();
        for rows in chunks(rows) {
            let replace = OnConflict::columns([Column::CompanyId, Column::Id])
                .update_columns([
                    Column::DisplayName,
                    Column::GivenName,
                    Column::Surname,
                    Column::UserPrincipalName,
                    Column::Mail,
                    Column::Guest,
                    Column::Enabled,
                    Column::Department,
                    Column::JobTitle,
                    Column::Licences,
                    Column::Generation,
                ])
                .to_owned();
            m365_user::Entity::insert_many(rows)
                .on_conflict(replace)
                .exec_without_returning(&transaction.inner)
                .await?;
        }
        transaction.commit().await
    }

    /// Ends a round of users: after a full one, whoever did not come is gone.
    pub async fn finish_users(
        &self,
        worker: &Connection,
        round: UsersRound,
        delta_link: &Link,
    ) -> Result<(), StoreError> {
        use m365_user::{Column, Entity};

        let company_id = worker.company.uuid();
        let transaction = self.begin_write(worker).await?;
        if let UsersRound::Full { generation } = round {
            Entity::delete_many()
                .filter(Column::CompanyId.eq(company_id))
                .filter(Column::Generation.lt(generation))
                .exec(&transaction.inner)
                .await?;
        }
        let users = Entity::find().filter(Column::CompanyId.eq(company_id)).count(&transaction.inner).await?;
        let changes = connection::ActiveModel {
            users: Set(Some(i32::try_from(users).unwrap_or(i32::MAX))),
            ..Default::default()
        };
        let success = Success { delta_link: Some(delta_link), ..Success::default() };
        finish(transaction, worker, DataSet::Users, success, changes).await
    }

    /// Keeps that a data set could not be read. The data stay, as of their date.
    pub async fn put_problem(
        &self,
        worker: &Connection,
        data_set: DataSet,
        problem: Problem,
    ) -> Result<(), StoreError> {
        use dataset_state::{Column, Entity};

        let mut transaction = self.begin_write(worker).await?;
        let now = transaction.now;
        let before = Entity::find_by_id((worker.company.uuid(), data_set.key().to_owned()))
            .one(&transaction.inner)
            .await?
            .and_then(|state| state.problem.zip(state.problem_since));
        let since = before.filter(|(key, _)| key == problem.key()).map_or(now.as_millis(), |(_, since)| since);
        let row = dataset_state::ActiveModel {
            problem: Set(Some(problem.key().to_owned())),
            problem_since: Set(Some(since)),
            ..state_row(worker, data_set, now)
        };
        upsert_state(&transaction, row, &[Column::LastTry, Column::Problem, Column::ProblemSince]).await?;
        transaction.touch(worker.company).await?;
        transaction.commit().await
    }

    /// A transaction of a worker whose lease holds, and is renewed by this. On PostgreSQL it also locks the connection's
    /// row, so that nobody takes over before it is committed.
    async fn begin_write(&self, worker: &Connection) -> Result<Transaction, StoreError> {
        let transaction = self.begin().await?;
        let renewed = connection::Entity::update_many()
            .col_expr(connection::Column::LeaseUntil, Expr::val(transaction.now.plus(LEASE).as_millis()))
            .filter(held(worker))
            .exec(&transaction.inner)
            .await?;
        if renewed.rows_affected == 1 { Ok(transaction) } else { Err(StoreError::TakenOver) }
    }
}

/// What is kept of a data set that was read.
#[derive(Default)]
struct Success<'a> {
    source_date: Option<Timestamp>,
    delta_link: Option<&'a Link>,
}

async fn finish(
    mut transaction: Transaction,
    worker: &Connection,
    data_set: DataSet,
    success: Success<'_>,
    mut changes: connection::ActiveModel,
) -> Result<(), StoreError> {
    use dataset_state::Column;

    let now = transaction.now;
    let row = dataset_state::ActiveModel {
        last_success: Set(Some(now.as_millis())),
        source_date: Set(success.source_date.map(Timestamp::as_millis)),
        problem: Set(None),
        problem_since: Set(None),
        delta_link: Set(success.delta_link.map(|link| link.as_str().to_owned())),
        ..state_row(worker, data_set, now)
    };
    let columns = [
        Column::LastTry,
        Column::LastSuccess,
        Column::SourceDate,
        Column::Problem,
        Column::ProblemSince,
        Column::DeltaLink,
    ];
    upsert_state(&transaction, row, &columns).await?;
    changes.synced_at = Set(Some(now.as_millis()));
    connection::Entity::update_many()
        .set(changes)
        .filter(connection::Column::Id.eq(worker.id.uuid()))
        .exec(&transaction.inner)
        .await?;
    transaction.touch(worker.company).await?;
    transaction.commit().await
}

fn state_row(worker: &Connection, data_set: DataSet, now: Timestamp) -> dataset_state::ActiveModel {
    dataset_state::ActiveModel {
        company_id: Set(worker.company.uuid()),
        data_set: Set(data_set.key().to_owned()),
        last_try: Set(now.as_millis()),
        last_success: NotSet,
        source_date: NotSet,
        problem: NotSet,
        problem_since: NotSet,
        delta_link: NotSet,
        generation: NotSet,
    }
}

async fn upsert_state(
    transaction: &Transaction,
    row: dataset_state::ActiveModel,
    columns: &[dataset_state::Column],
) -> Result<(), StoreError> {
    use dataset_state::{Column, Entity};

    let update =
        OnConflict::columns([Column::CompanyId, Column::DataSet]).update_columns(columns.iter().copied()).to_owned();
    Entity::insert(row).on_conflict(update).exec_without_returning(&transaction.inner).await?;
    Ok(())
}

async fn insert<A>(transaction: &Transaction, rows: Vec<A>) -> Result<(), StoreError>
where
    A: ActiveModelTrait + Send,
{
    for rows in chunks(rows) {
        A::Entity::insert_many(rows).exec_without_returning(&transaction.inner).await?;
    }
    Ok(())
}

/// In portions that one statement takes.
fn chunks<A>(rows: Vec<A>) -> impl Iterator<Item = Vec<A>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<A> = rows.by_ref().take(ROWS_A_STATEMENT).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

fn patched(company_id: Uuid, generation: i64, patch: UserPatch, before: Option<m365_user::Model>) -> m365_user::Model {
    let before = before.unwrap_or_else(|| m365_user::Model {
        company_id,
        id: patch.id,
        display_name: None,
        given_name: None,
        surname: None,
        user_principal_name: None,
        mail: None,
        guest: false,
        enabled: true,
        department: None,
        job_title: None,
        licences: String::new(),
        generation,
    });
    let join = |ids: Vec<Uuid>| ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(" ");
    m365_user::Model {
        company_id,
        id: patch.id,
        display_name: patch.display_name.over(before.display_name),
        given_name: patch.given_name.over(before.given_name),
        surname: patch.surname.over(before.surname),
        user_principal_name: patch.user_principal_name.over(before.user_principal_name),
        mail: patch.mail.over(before.mail),
        guest: patch.kind.value().map_or(before.guest, |kind| kind == UserKind::Guest),
        enabled: patch.account_enabled.over(Some(before.enabled)).unwrap_or(true),
        department: patch.department.over(before.department),
        job_title: patch.job_title.over(before.job_title),
        licences: patch.licences.value().map_or(before.licences, join),
        generation,
    }
}
