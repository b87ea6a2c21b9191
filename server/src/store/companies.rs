//! Companies and their rows on the page.

use std::{collections::HashMap, ops::RangeInclusive};

use app::{
    api::companies::Gone,
    domain::{
        Access, Action, ActivityKind, CompanyId, CompanyRow, DataSet, Domain, Ending, Figures, Lack, LastTry,
        LicenceUse, Oddity, Problem, Progress, Status, Timestamp, company::derive_status, link::open_request,
    },
};
use sea_orm::{
    Condition, DbBackend, FromQueryResult, QueryOrder as _, QueryResult, QuerySelect as _, Statement, prelude::*,
    sea_query::Expr,
};

use super::{
    ROWS_A_STATEMENT, Store, StoreError, connections, entity::activity, entity::attempt, entity::company,
    entity::connection, entity::dataset_state, padded, to_u32,
};

/// A company as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Which one.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// Its primary domain.
    pub domain: Option<Domain>,
    /// Whether it was put away.
    pub archived: bool,
}

/// How a company stands: what decides what may be done.
#[derive(Clone, Debug)]
pub struct CompanyState {
    /// Which one.
    pub id: CompanyId,
    /// Its name.
    pub name: String,
    /// As in its row.
    pub status: Status,
}

impl From<CompanyRow> for CompanyState {
    fn from(row: CompanyRow) -> Self {
        Self { id: row.id, name: row.name, status: row.status }
    }
}

/// Which rows to load.
enum Which<'a> {
    All,
    Since(Timestamp),
    Ids(&'a [CompanyId]),
}

/// Which companies changed at or after `since`, with the number of each one's state. `deleted` is
/// [`ActivityKind::CompanyDeleted`]. Further columns can follow.
macro_rules! changed_companies {
    (since: $since:literal, deleted: $deleted:literal $(, further: $further:literal)?) => {
        concat!(
            "SELECT id, revision", $($further,)? " FROM company WHERE changed_at >= ", $since,
            " UNION ALL SELECT company_id, -1", $($further,)? " FROM activity WHERE kind = ", $deleted,
            " AND at >= ", $since, " AND company_id IS NOT NULL"
        )
    };
}
pub(super) use changed_companies;

/// What [`changed_companies`] tells of one.
pub(super) fn revision_of(row: &QueryResult) -> Result<(CompanyId, i64), DbErr> {
    Ok((CompanyId::from_uuid(row.try_get_by_index(0)?), row.try_get_by_index(1)?))
}

impl Store {
    /// The company with this id, unless it is archived.
    pub async fn company(&self, id: CompanyId) -> Result<Option<Company>, StoreError> {
        Ok(self.company_or_archived(id).await?.filter(|company| !company.archived))
    }

    /// The company with this id, archived or not.
    pub async fn company_or_archived(&self, id: CompanyId) -> Result<Option<Company>, StoreError> {
        let found = company::Entity::find_by_id(id.uuid()).one(&self.reader).await?;
        Ok(found.map(|company| Company {
            id: CompanyId::from_uuid(company.id),
            name: company.name,
            domain: company.domain.and_then(|domain| Domain::parse(&domain).ok()),
            archived: company.archived_at.is_some(),
        }))
    }

    /// How the company with this id stands, unless it is archived. It takes fewer questions than its row.
    pub async fn company_state(&self, id: CompanyId) -> Result<Option<CompanyState>, StoreError> {
        let found = company::Entity::find_by_id(id.uuid())
            .filter(company::Column::ArchivedAt.is_null())
            .find_also_related(connection::Entity)
            .one(&self.reader)
            .await?;
        let Some((company, connection)) = found else { return Ok(None) };
        let (few, now) = ([company.id], self.clock.now());
        let facts = connection.as_ref().map(connections::facts).transpose()?;
        let open_until = self.open_deadlines(Some(&few), now).await?.remove(&company.id);
        let link = self.latest_links(Some(&few)).await?.remove(&company.id);
        let lacks = match facts {
            Some(_) => self.lacks(Some(&few)).await?.remove(&company.id).unwrap_or_default(),
            None => Vec::new(),
        };
        let status = derive_status(facts.as_ref(), open_until, link.as_ref(), &lacks, now);
        Ok(Some(CompanyState { id, name: company.name, status }))
    }

    /// All rows of the page, by name.
    pub async fn company_rows(&self) -> Result<Vec<CompanyRow>, StoreError> {
        self.rows(Which::All).await
    }

    /// The first rows by name, and how many there are.
    pub async fn first_company_rows(&self, limit: u64) -> Result<(Vec<CompanyRow>, Progress), StoreError> {
        let in_use = || company::Entity::find().filter(company::Column::ArchivedAt.is_null());
        let total = in_use().count(&self.reader).await?;
        let connected = in_use()
            .inner_join(connection::Entity)
            .filter(connection::Column::Phase.eq(connections::ACTIVE))
            .count(&self.reader)
            .await?;
        // As the index `company_name` has it.
        let by_name = match self.engine() {
            DbBackend::Postgres => Expr::cust("lower(company.name) COLLATE \"C\""),
            _ => Expr::cust("lower(company.name)"),
        };
        let first: Vec<Uuid> = in_use()
            .select_only()
            .column(company::Column::Id)
            .order_by_asc(by_name)
            .order_by_asc(company::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&self.reader)
            .await?;
        let first: Vec<_> = first.into_iter().map(CompanyId::from_uuid).collect();
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let all = Progress { connected: count(connected), total: count(total) };
        Ok((self.company_rows_of(&first).await?, all))
    }

    /// The rows that changed at or after `since`, by name.
    pub async fn company_rows_since(&self, since: Timestamp) -> Result<Vec<CompanyRow>, StoreError> {
        self.rows(Which::Since(since)).await
    }

    /// These rows, by name.
    pub async fn company_rows_of(&self, ids: &[CompanyId]) -> Result<Vec<CompanyRow>, StoreError> {
        let mut rows = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            rows.extend(self.rows(Which::Ids(ids)).await?);
        }
        Ok(rows)
    }

    /// Those whose tenant's id is within these bounds, unless they are archived.
    pub async fn companies_of_tenants(&self, ids: RangeInclusive<Uuid>) -> Result<Vec<CompanyId>, StoreError> {
        let found: Vec<Uuid> = connection::Entity::find()
            .select_only()
            .column(connection::Column::CompanyId)
            .filter(connection::Column::TenantId.between(*ids.start(), *ids.end()))
            .filter(connections::of_company_in_use())
            .into_tuple()
            .all(&self.reader)
            .await?;
        Ok(found.into_iter().map(CompanyId::from_uuid).collect())
    }

    /// Those that left the list at or after `since`, and are not back.
    pub async fn companies_gone_since(&self, since: Timestamp) -> Result<Vec<Gone>, StoreError> {
        let mut gone = self.archived(Condition::all().add(company::Column::ChangedAt.gte(since.as_millis()))).await?;
        let deleted: Vec<Option<Uuid>> = activity::Entity::find()
            .select_only()
            .column(activity::Column::CompanyId)
            .filter(activity::Column::Kind.eq(ActivityKind::CompanyDeleted.key()))
            .filter(activity::Column::At.gte(since.as_millis()))
            .into_tuple()
            .all(&self.reader)
            .await?;
        let for_ever = |id| Gone { id: CompanyId::from_uuid(id), revision: i64::MAX };
        gone.extend(deleted.into_iter().flatten().map(for_ever));
        Ok(gone)
    }

    /// Those of these that are put away.
    pub async fn companies_gone_of(&self, ids: &[CompanyId]) -> Result<Vec<Gone>, StoreError> {
        let mut gone = Vec::new();
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            let these = company::Column::Id.is_in(ids.iter().map(|id| id.uuid()));
            gone.extend(self.archived(Condition::all().add(these)).await?);
        }
        Ok(gone)
    }

    /// Which companies changed at or after `since`, and the number of each one's state: those that are put away too, and
    /// -1 for one that was deleted.
    pub async fn company_revisions_since(&self, since: Timestamp) -> Result<Vec<(CompanyId, i64)>, StoreError> {
        let values = [since.as_millis().into(), ActivityKind::CompanyDeleted.key().into()];
        let sql = changed_companies!(since: "$1", deleted: "$2");
        let found = self.query_often(Statement::from_sql_and_values(self.engine(), sql, values)).await?;
        Ok(found.iter().map(revision_of).collect::<Result<_, _>>()?)
    }

    async fn archived(&self, which: Condition) -> Result<Vec<Gone>, StoreError> {
        let found: Vec<(Uuid, i64)> = company::Entity::find()
            .select_only()
            .columns([company::Column::Id, company::Column::Revision])
            .filter(company::Column::ArchivedAt.is_not_null())
            .filter(which)
            .into_tuple()
            .all(&self.reader)
            .await?;
        Ok(found.into_iter().map(|(id, revision)| Gone { id: CompanyId::from_uuid(id), revision }).collect())
    }

    async fn rows(&self, which: Which<'_>) -> Result<Vec<CompanyRow>, StoreError> {
        // The companies first: what is read after them may be newer than their revision, and must not be older.
        let wanted = Condition::all().add(company::Column::ArchivedAt.is_null()).add_option(match which {
            Which::All => None,
            Which::Since(since) => Some(company::Column::ChangedAt.gte(since.as_millis())),
            Which::Ids(ids) => Some(company::Column::Id.is_in(padded(ids.iter().map(|id| id.uuid()).collect()))),
        });
        let companies = company::Entity::find()
            .filter(wanted)
            .find_also_related(connection::Entity)
            .order_by_asc(company::Column::Name)
            .order_by_asc(company::Column::Id)
            .all(&self.reader)
            .await?;
        // For a few rows, only what belongs to them is read besides; for many, all of it at once.
        let are_all = matches!(which, Which::All);
        let few: Option<Vec<Uuid>> = (companies.len() <= ROWS_A_STATEMENT && !are_all)
            .then(|| padded(companies.iter().map(|(company, _)| company.id).collect()));
        let (few, now) = (few.as_deref(), self.clock.now());
        let besides = async {
            futures::try_join!(
                self.open_deadlines(few, now),
                self.lacks(few),
                self.users_so_far(few),
                self.last_failures(few),
                self.latest_links(few),
                self.kept_data(few),
                self.oddities(&companies, are_all, few),
            )
        };
        // At once, for while tenants are read each of them waits a while. In a box, for together they are large.
        let besides = Box::pin(besides).await?;
        let (open_until, mut lacks, so_far, mut failures, mut links, mut kept, mut oddities) = besides;

        companies
            .into_iter()
            .map(|(company, connection)| {
                let facts = connection.as_ref().map(connections::facts).transpose()?;
                let lacks = lacks.remove(&company.id).unwrap_or_default();
                let link = links.remove(&company.id);
                let status =
                    derive_status(facts.as_ref(), open_until.get(&company.id).copied(), link.as_ref(), &lacks, now);
                let last_try = failures.remove(&company.id).filter(|failed| {
                    !status.in_flux() && connection.as_ref().is_none_or(|c| c.connected_at < failed.at.as_millis())
                });
                let link = link.filter(|link| link.is_live(now) || status.allows(Action::GenerateLink));
                let kept = kept.remove(&company.id).filter(|_| connection.is_none());
                let (figures, synced_at) = match (&connection, &kept) {
                    (Some(connection), _) => (figures(connection), connection.synced_at),
                    (None, Some(kept)) => (kept.figures, kept.synced_at),
                    (None, None) => (Figures::default(), None),
                };
                let odd = oddities.remove(&company.id).and_then(|found| found.first().map(Oddity::in_row));
                Ok(CompanyRow {
                    id: CompanyId::from_uuid(company.id),
                    name: company.name,
                    domain: company.domain,
                    tenant: connection.as_ref().map(|connection| connection.tenant_name.clone()),
                    in_words: status.in_words(),
                    status,
                    figures,
                    synced_at: synced_at.map(Timestamp::from_millis),
                    users_so_far: so_far.get(&company.id).copied(),
                    first_sync: connection.as_ref().is_some_and(|c| c.last_round_at.is_none()),
                    last_try,
                    link,
                    link_requested_at: open_request(company.link_requested_at.map(Timestamp::from_millis), now),
                    external_id: company.external_id,
                    contact: company.contact,
                    email: company.contact_email,
                    tags: company.tags,
                    access: connection.as_ref().and_then(|connection| Access::from_key(&connection.access)),
                    oddity: odd,
                    revision: company.revision,
                })
            })
            .collect()
    }

    /// The latest deadline of each company's open attempts.
    async fn open_deadlines(
        &self,
        few: Option<&[Uuid]>,
        now: Timestamp,
    ) -> Result<HashMap<Uuid, Timestamp>, StoreError> {
        #[derive(FromQueryResult)]
        struct Open {
            company_id: Uuid,
            deadline_at: i64,
        }
        let open: Vec<Open> = attempt::Entity::find()
            .select_only()
            .columns([attempt::Column::CompanyId, attempt::Column::DeadlineAt])
            .filter(attempt::Column::State.ne(super::attempts::ENDED))
            .filter(attempt::Column::DeadlineAt.gt(now.as_millis()))
            .filter(Condition::all().add_option(few.map(|ids| attempt::Column::CompanyId.is_in(ids.iter().copied()))))
            .into_model()
            .all(&self.reader)
            .await?;
        let mut latest = HashMap::new();
        for Open { company_id, deadline_at } in open {
            let deadline = Timestamp::from_millis(deadline_at);
            latest.entry(company_id).and_modify(|until| deadline.max(*until).clone_into(until)).or_insert(deadline);
        }
        Ok(latest)
    }

    /// What each company's connection can't read.
    async fn lacks(&self, few: Option<&[Uuid]>) -> Result<HashMap<Uuid, Vec<Lack>>, StoreError> {
        #[derive(FromQueryResult)]
        struct Found {
            company_id: Uuid,
            data_set: String,
            problem: String,
        }
        let limiting = Problem::ALL.into_iter().filter(|problem| problem.limits()).map(Problem::key);
        let found: Vec<Found> = dataset_state::Entity::find()
            .select_only()
            .columns([dataset_state::Column::CompanyId, dataset_state::Column::DataSet, dataset_state::Column::Problem])
            .filter(dataset_state::Column::Problem.is_in(limiting))
            .filter(
                Condition::all().add_option(few.map(|ids| dataset_state::Column::CompanyId.is_in(ids.iter().copied()))),
            )
            .into_model()
            .all(&self.reader)
            .await?;
        let mut lacks: HashMap<Uuid, Vec<Lack>> = HashMap::new();
        for Found { company_id, data_set, problem } in found {
            if let (Some(data_set), Some(problem)) = (DataSet::from_key(&data_set), Problem::from_key(&problem)) {
                lacks.entry(company_id).or_default().push(Lack { data_set, problem });
            }
        }
        for lacks in lacks.values_mut() {
            lacks.sort_by_key(|lack| lack.data_set);
        }
        Ok(lacks)
    }

    /// How many users were seen so far, where all of a company's are being read.
    async fn users_so_far(&self, few: Option<&[Uuid]>) -> Result<HashMap<Uuid, u32>, StoreError> {
        use dataset_state::Column;

        let found: Vec<(Uuid, i32)> = dataset_state::Entity::find()
            .select_only()
            .columns([Column::CompanyId, Column::UsersSoFar])
            .filter(Column::UsersSoFar.is_not_null())
            .filter(Condition::all().add_option(few.map(|ids| Column::CompanyId.is_in(ids.iter().copied()))))
            .into_tuple()
            .all(&self.reader)
            .await?;
        Ok(found.into_iter().map(|(company, users)| (company, to_u32(users))).collect())
    }

    /// How each company's last attempt ended, where it failed.
    async fn last_failures(&self, few: Option<&[Uuid]>) -> Result<HashMap<Uuid, LastTry>, StoreError> {
        #[derive(FromQueryResult)]
        #[expect(clippy::struct_field_names, reason = "they are the names of columns")]
        struct Ended {
            company_id: Uuid,
            ending: Option<String>,
            ended_at: Option<i64>,
        }
        let ended: Vec<Ended> = attempt::Entity::find()
            .select_only()
            .columns([attempt::Column::CompanyId, attempt::Column::Ending, attempt::Column::EndedAt])
            .filter(attempt::Column::State.eq(super::attempts::ENDED))
            .filter(Condition::all().add_option(few.map(|ids| attempt::Column::CompanyId.is_in(ids.iter().copied()))))
            .order_by_asc(attempt::Column::EndedAt)
            .into_model()
            .all(&self.reader)
            .await?;
        let mut last = HashMap::new();
        for Ended { company_id, ending, ended_at } in ended {
            match ending.as_deref().map(serde_json::from_str) {
                Some(Ok(Ending::Failed(failure))) => {
                    let at = Timestamp::from_millis(ended_at.unwrap_or_default());
                    last.insert(company_id, LastTry::new(&failure, at));
                }
                _ => drop(last.remove(&company_id)),
            }
        }
        Ok(last)
    }
}

fn figures(connection: &connection::Model) -> Figures {
    figures_of(
        connection.users,
        connection.licences_used.zip(connection.licences_assignable),
        connection.score_current.zip(connection.score_max),
    )
}

pub(super) fn figures_of(users: Option<i32>, licences: Option<(i32, i32)>, score: Option<(f64, f64)>) -> Figures {
    let in_use = |(used, assignable)| LicenceUse { used: to_u32(used), assignable: to_u32(assignable) };
    Figures {
        users: users.map(to_u32),
        licences: licences.map(in_use),
        secure_score: score.and_then(|(current, max)| Figures::percent(current, max)),
    }
}
