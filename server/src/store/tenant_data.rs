//! What is read from tenants but for users, as far as it is stored. Whoever's lease was taken over writes nothing.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use app::domain::{DataSet, LicenceUse, Problem, Timestamp, schedule::Standing};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    IntoActiveModel,
    prelude::*,
    sea_query::{Expr, OnConflict},
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, Transaction,
    connections::{Connection, held},
    entity::{connection, dataset_state, m365_domain, m365_licence, secure_score, secure_score_control},
    to_i32, to_u32,
    users::Users,
};
use crate::microsoft::{
    Link,
    tenant_data::{ControlProfile, Licence, Organisation, SecureScore, TenantDomain},
};

/// How long a worker may be silent before another takes over. Every write renews it.
pub const LEASE: Duration = Duration::from_mins(1);

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// How far a data set is.
#[derive(Clone, Copy, Debug)]
pub struct SetState {
    /// When it is to be asked for.
    pub standing: Standing,
    /// How often it failed in a row.
    pub tries: u32,
    /// Microsoft's own date of what is stored.
    pub source_date: Option<Timestamp>,
    /// Why it could not be read at last.
    pub problem: Option<Problem>,
}

/// How far each data set of a company is, and where its users go on.
#[derive(Debug)]
pub struct DataSets {
    /// Each of them.
    pub states: BTreeMap<DataSet, SetState>,
    /// Where reading users goes on.
    pub users: Users,
}

/// That a data set could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub problem: Problem,
    /// When it is asked for again in this round. None: not any more.
    pub retry_at: Option<Timestamp>,
    /// How often it failed in a row.
    pub tries: u32,
}

/// What was read of a tenant at once. Each may be missing.
#[derive(Debug, Default)]
pub struct Findings {
    /// What it calls itself.
    pub organisation: Option<Organisation>,
    /// What was bought, and what that comes to.
    pub licences: Option<(Vec<Licence>, LicenceUse)>,
    /// Its domain names.
    pub domains: Option<Vec<TenantDomain>>,
    /// Days of Secure Score, and the measures that it counts.
    pub secure_score: Option<(Vec<SecureScore>, Vec<ControlProfile>)>,
    /// What could not be read. The data stay, as of their date.
    pub failed: Vec<(DataSet, Failure)>,
}

impl Store {
    /// How far each data set of the company is.
    pub async fn data_sets(&self, worker: &Connection) -> Result<DataSets, StoreError> {
        use dataset_state::{Column, Entity};

        let found = Entity::find().filter(Column::CompanyId.eq(worker.company.uuid())).all(&self.reader).await?;
        let mut states: BTreeMap<DataSet, SetState> = DataSet::ALL
            .into_iter()
            .map(|data_set| {
                let standing = Standing { as_of: None, retry_at: None, under_way: false };
                (data_set, SetState { standing, tries: 0, source_date: None, problem: None })
            })
            .collect();
        let mut users = Users::of(None, self.clock.now());
        for state in found {
            let Some(data_set) = DataSet::from_key(&state.data_set) else { continue };
            let standing = Standing {
                as_of: Some(Timestamp::from_millis(state.as_of)),
                retry_at: state.retry_at.map(Timestamp::from_millis),
                under_way: state.next_link.is_some(),
            };
            let source_date = state.source_date.map(Timestamp::from_millis);
            let problem = state.problem.as_deref().and_then(Problem::from_key);
            states.insert(data_set, SetState { standing, tries: to_u32(state.tries), source_date, problem });
            if data_set == DataSet::Users {
                users = Users::of(Some(state), self.clock.now());
            }
        }
        Ok(DataSets { states, users })
    }

    /// Keeps what was read at once: all of it in one transaction.
    pub async fn put_findings(&self, worker: &Connection, findings: &Findings) -> Result<(), StoreError> {
        let mut transaction = self.begin_write_with(worker, |now| figures(findings, now)).await?;
        let mut read = Vec::new();
        if findings.organisation.is_some() {
            read.push((DataSet::Organisation, Success::default()));
        }
        if let Some((licences, _)) = &findings.licences {
            put_licences(&transaction, worker, licences).await?;
            read.push((DataSet::Licences, Success::default()));
        }
        if let Some(domains) = &findings.domains {
            put_domains(&transaction, worker, domains).await?;
            read.push((DataSet::Domains, Success::default()));
        }
        if let Some((scores, profiles)) = &findings.secure_score {
            let latest = latest(scores);
            put_scores(&transaction, worker, scores).await?;
            put_controls(&transaction, worker, latest, profiles).await?;
            let source_date = latest.map(|score| score.created);
            read.push((DataSet::SecureScore, Success { source_date, ..Success::default() }));
        }
        succeed(&transaction, worker, read).await?;
        for (data_set, failure) in &findings.failed {
            fail(&transaction, worker, *data_set, *failure).await?;
        }
        transaction.touch(worker.company).await?;
        transaction.commit().await
    }

    /// Says that the worker is still at it.
    pub async fn renew_lease(&self, worker: &Connection) -> Result<(), StoreError> {
        let transaction = self.begin_write(worker).await?;
        transaction.commit().await
    }

    /// A transaction of a worker whose lease holds, and is renewed by this. On PostgreSQL it also locks the connection's
    /// row, so that nobody takes over before it is committed.
    pub(super) async fn begin_write(&self, worker: &Connection) -> Result<Transaction, StoreError> {
        self.begin_write_with(worker, |_| <connection::ActiveModel as Default>::default()).await
    }

    /// The same, and writes down what is known already of the connection, as of now.
    async fn begin_write_with(
        &self,
        worker: &Connection,
        figures: impl FnOnce(Timestamp) -> connection::ActiveModel + Send,
    ) -> Result<Transaction, StoreError> {
        let transaction = self.begin_as_worker().await?;
        let renewed = connection::Entity::update_many()
            .set(figures(transaction.now))
            .col_expr(connection::Column::LeaseUntil, Expr::val(transaction.now.plus(LEASE).as_millis()))
            .filter(held(worker))
            .exec(&transaction.inner)
            .await?;
        if renewed.rows_affected == 1 { Ok(transaction) } else { Err(StoreError::TakenOver) }
    }
}

/// What the row on the page shows of what was read.
fn figures(findings: &Findings, now: Timestamp) -> connection::ActiveModel {
    let mut figures = <connection::ActiveModel as Default>::default();
    if let Some(organisation) = &findings.organisation {
        figures.tenant_name = Set(organisation.name.clone());
        figures.default_domain = Set(organisation.default_domain.clone());
    }
    if let Some((_, in_use)) = &findings.licences {
        figures.licences_used = Set(Some(to_i32(in_use.used)));
        figures.licences_assignable = Set(Some(to_i32(in_use.assignable)));
    }
    if let Some(latest) = findings.secure_score.as_ref().and_then(|(scores, _)| latest(scores)) {
        figures.score_current = Set(Some(latest.current));
        figures.score_max = Set(Some(latest.max));
    }
    let anything = findings.organisation.is_some()
        || findings.licences.is_some()
        || findings.domains.is_some()
        || findings.secure_score.is_some();
    if anything {
        figures.synced_at = Set(Some(now.as_millis()));
    }
    figures
}

fn latest(scores: &[SecureScore]) -> Option<&SecureScore> {
    scores.iter().max_by_key(|score| score.created)
}

async fn put_licences(transaction: &Transaction, worker: &Connection, licences: &[Licence]) -> Result<(), StoreError> {
    use m365_licence::{Column, Entity, Model};

    let company_id = worker.company.uuid();
    let after: BTreeMap<Uuid, Model> = licences
        .iter()
        .map(|licence| {
            let row = Model {
                company_id,
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
            (licence.sku_id, row)
        })
        .collect();
    let present = Entity::find().filter(Column::CompanyId.eq(company_id)).all(&transaction.inner).await?;
    let present: BTreeMap<_, _> = present.into_iter().map(|row| (row.sku_id, row)).collect();
    if present == after {
        return Ok(());
    }
    if !present.is_empty() {
        Entity::delete_many().filter(Column::CompanyId.eq(company_id)).exec(&transaction.inner).await?;
    }
    insert(transaction, after.into_values().map(IntoActiveModel::into_active_model).collect()).await
}

async fn put_domains(
    transaction: &Transaction,
    worker: &Connection,
    domains: &[TenantDomain],
) -> Result<(), StoreError> {
    use m365_domain::{Column, Entity, Model};

    let company_id = worker.company.uuid();
    let after: BTreeMap<String, Model> = domains
        .iter()
        .map(|domain| {
            let row = Model {
                company_id,
                name: domain.name.clone(),
                is_default: domain.is_default,
                is_initial: domain.is_initial,
                is_verified: domain.is_verified,
                federated: domain.federated,
                services: domain.services.join(" "),
            };
            (domain.name.clone(), row)
        })
        .collect();
    let present = Entity::find().filter(Column::CompanyId.eq(company_id)).all(&transaction.inner).await?;
    let present: BTreeMap<_, _> = present.into_iter().map(|row| (row.name.clone(), row)).collect();
    if present == after {
        return Ok(());
    }
    if !present.is_empty() {
        Entity::delete_many().filter(Column::CompanyId.eq(company_id)).exec(&transaction.inner).await?;
    }
    insert(transaction, after.into_values().map(IntoActiveModel::into_active_model).collect()).await
}

/// Adds the days that Microsoft still knows to those that it has forgotten.
async fn put_scores(transaction: &Transaction, worker: &Connection, scores: &[SecureScore]) -> Result<(), StoreError> {
    use secure_score::{Column, Entity, Model};

    let company_id = worker.company.uuid();
    let mut days = BTreeMap::new();
    for score in scores {
        let day = i32::try_from(score.created.as_millis().div_euclid(DAY)).unwrap_or(i32::MAX);
        let comparisons: serde_json::Map<_, _> =
            score.comparatives.iter().map(|c| (c.basis.clone(), Json::from(c.average))).collect();
        days.entry(day).or_insert_with(|| Model {
            company_id,
            day,
            created_at: score.created.as_millis(),
            current: score.current,
            max: score.max,
            comparisons: Json::Object(comparisons),
        });
    }
    if days.is_empty() {
        return Ok(());
    }
    let present = Entity::find()
        .filter(Column::CompanyId.eq(company_id))
        .filter(Column::Day.is_in(days.keys().copied()))
        .all(&transaction.inner)
        .await?;
    for row in present {
        if days.get(&row.day) == Some(&row) {
            days.remove(&row.day);
        }
    }
    for rows in chunks(days.into_values().map(IntoActiveModel::into_active_model).collect()) {
        let latest_wins = OnConflict::columns([Column::CompanyId, Column::Day])
            .update_columns([Column::CreatedAt, Column::Current, Column::Max, Column::Comparisons])
            .to_owned();
        Entity::insert_many(rows).on_conflict(latest_wins).exec_without_returning(&transaction.inner).await?;
    }
    Ok(())
}

/// Replaces the measures, with the points that were reached at last.
async fn put_controls(
    transaction: &Transaction,
    worker: &Connection,
    latest: Option<&SecureScore>,
    profiles: &[ControlProfile],
) -> Result<(), StoreError> {
    use secure_score_control::{Column, Entity, Model};

    let company_id = worker.company.uuid();
    let reached: HashMap<&str, f64> = latest
        .map(|score| score.control_scores.iter().map(|c| (c.control.as_str(), c.score)).collect())
        .unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let after: BTreeMap<String, Model> = profiles
        .iter()
        .filter(|profile| !profile.deprecated)
        .map(|profile| {
            let row = Model {
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
            (profile.id.clone(), row)
        })
        .collect();
    let present = Entity::find().filter(Column::CompanyId.eq(company_id)).all(&transaction.inner).await?;
    let present: BTreeMap<_, _> = present.into_iter().map(|row| (row.id.clone(), row)).collect();
    if present == after {
        return Ok(());
    }
    if !present.is_empty() {
        Entity::delete_many().filter(Column::CompanyId.eq(company_id)).exec(&transaction.inner).await?;
    }
    insert(transaction, after.into_values().map(IntoActiveModel::into_active_model).collect()).await
}

/// What is kept of a data set that was read.
#[derive(Default)]
pub(super) struct Success<'a> {
    pub(super) source_date: Option<Timestamp>,
    pub(super) delta_link: Option<&'a Link>,
    pub(super) generation: i64,
    /// As of when the data are, unless they are as of now.
    pub(super) as_of: Option<Timestamp>,
}

/// Where a walk through pages goes on.
const WALK: [dataset_state::Column; 5] = [
    dataset_state::Column::NextLink,
    dataset_state::Column::WalkAt,
    dataset_state::Column::WalkPages,
    dataset_state::Column::WalkMark,
    dataset_state::Column::UsersSoFar,
];

/// Data sets were read to their end.
pub(super) async fn succeed(
    transaction: &Transaction,
    worker: &Connection,
    read: Vec<(DataSet, Success<'_>)>,
) -> Result<(), StoreError> {
    use dataset_state::Column;

    let now = transaction.now;
    let rows = read.into_iter().map(|(data_set, success)| dataset_state::ActiveModel {
        last_success: Set(Some(now.as_millis())),
        source_date: Set(success.source_date.map(Timestamp::as_millis)),
        problem: Set(None),
        problem_since: Set(None),
        delta_link: Set(success.delta_link.map(|link| link.as_str().to_owned())),
        generation: Set(success.generation),
        retry_at: Set(None),
        tries: Set(0),
        as_of: Set(success.as_of.unwrap_or(now).as_millis()),
        ..without_walk(worker, data_set, now)
    });
    let columns = [
        Column::LastTry,
        Column::LastSuccess,
        Column::SourceDate,
        Column::Problem,
        Column::ProblemSince,
        Column::DeltaLink,
        Column::Generation,
        Column::RetryAt,
        Column::Tries,
        Column::AsOf,
    ];
    upsert_states(transaction, rows.collect(), &[&columns[..], &WALK].concat()).await
}

/// A data set could not be read. Since when is kept as long as it is the same problem. A walk that is not to be gone on with
/// begins anew when the data set is wanted again.
async fn fail(
    transaction: &Transaction,
    worker: &Connection,
    data_set: DataSet,
    failure: Failure,
) -> Result<(), StoreError> {
    use dataset_state::{Column, Entity};

    let now = transaction.now;
    let key = failure.problem.key();
    let before = Entity::find_by_id((worker.company.uuid(), data_set.key().to_owned()))
        .one(&transaction.inner)
        .await?
        .and_then(|state| state.problem.zip(state.problem_since));
    let since = before.filter(|(before, _)| before == key).map_or(now.as_millis(), |(_, since)| since);
    let row = dataset_state::ActiveModel {
        problem: Set(Some(key.to_owned())),
        problem_since: Set(Some(since)),
        retry_at: Set(failure.retry_at.map(Timestamp::as_millis)),
        tries: Set(to_i32(failure.tries)),
        as_of: Set(now.as_millis()),
        ..without_walk(worker, data_set, now)
    };
    let mut columns =
        vec![Column::LastTry, Column::Problem, Column::ProblemSince, Column::RetryAt, Column::Tries, Column::AsOf];
    if failure.retry_at.is_none() {
        columns.extend(WALK);
    }
    upsert_states(transaction, vec![row], &columns).await
}

/// A data set whose walk, if there was one, goes on nowhere.
fn without_walk(worker: &Connection, data_set: DataSet, now: Timestamp) -> dataset_state::ActiveModel {
    dataset_state::ActiveModel {
        next_link: Set(None),
        walk_at: Set(None),
        walk_pages: Set(0),
        walk_mark: Set(None),
        users_so_far: Set(None),
        ..state_row(worker, data_set, now)
    }
}

pub(super) fn state_row(worker: &Connection, data_set: DataSet, now: Timestamp) -> dataset_state::ActiveModel {
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
        retry_at: NotSet,
        tries: NotSet,
        as_of: NotSet,
        next_link: NotSet,
        walk_at: NotSet,
        walk_pages: NotSet,
        walk_mark: NotSet,
        users_so_far: NotSet,
    }
}

pub(super) async fn upsert_states(
    transaction: &Transaction,
    rows: Vec<dataset_state::ActiveModel>,
    columns: &[dataset_state::Column],
) -> Result<(), StoreError> {
    use dataset_state::{Column, Entity};

    if rows.is_empty() {
        return Ok(());
    }
    let update =
        OnConflict::columns([Column::CompanyId, Column::DataSet]).update_columns(columns.iter().copied()).to_owned();
    Entity::insert_many(rows).on_conflict(update).exec_without_returning(&transaction.inner).await?;
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
