//! Secure Score: of all companies, and everything that is known of one.

use app::domain::{
    CompanyId, ListPage, ScoreReport, ScoreRow, Timestamp,
    secure_score::{Comparison, Control, Points, ScoreDay, ScoreQuery, ScoreSort, TREND_DAYS, comparison_label},
};
use sea_orm::{QueryOrder as _, QueryResult, QuerySelect as _, prelude::*};

use super::{Keys, Kind, ListError, Listing, Sql, Store, StoreError, Way, containing, origin};
use crate::{
    plain_text::plain_text,
    store::entity::{secure_score, secure_score_control},
};

const SELECT: &str = "SELECT c.id AS company_id, c.name AS company_name, k.score_current AS current, \
    k.score_max AS max, s.source_date AS measured_at";

const FROM: &str = " FROM connection k JOIN company c ON c.id = k.company_id \
    LEFT JOIN dataset_state s ON s.company_id = k.company_id AND s.data_set = 'secure_score' \
    WHERE c.archived_at IS NULL";

/// Millionths, so that a cursor holds it exactly. What has no score comes last, whichever way it is sorted.
const LOWEST_FIRST: &str = "CASE WHEN k.score_max > 0 \
    THEN CAST(round(1000000 * k.score_current / k.score_max) AS BIGINT) ELSE 9000000000 END";
const HIGHEST_FIRST: &str = "CASE WHEN k.score_max > 0 \
    THEN CAST(round(1000000 * k.score_current / k.score_max) AS BIGINT) ELSE -1 END";

impl Store {
    /// A page of the scores of all connected companies.
    pub async fn list_scores(&self, query: &ScoreQuery, limit: u32) -> Result<ListPage<ScoreRow>, ListError> {
        let listing = Listing { select: SELECT, from: from(query), keys: keys(query), way: Way::Any };
        self.list_page(listing, query.after.as_ref(), limit, score).await
    }

    /// How many connected companies a query finds.
    pub async fn count_scores(&self, query: &ScoreQuery) -> Result<u64, StoreError> {
        let from = from(query);
        self.count(Sql { text: format!("SELECT count(*){}", from.text), values: from.values }).await
    }

    /// What is known of a company's score, but how old it is.
    pub async fn score_report(&self, company: CompanyId) -> Result<ScoreReport, StoreError> {
        let mut days = secure_score::Entity::find()
            .filter(secure_score::Column::CompanyId.eq(company.uuid()))
            .order_by_desc(secure_score::Column::Day)
            .limit(u64::from(TREND_DAYS))
            .all(&self.reader)
            .await?;
        days.reverse();
        let comparisons = days.last().and_then(|day| day.comparisons.as_object().cloned()).unwrap_or_default();
        let mut comparisons: Vec<_> = comparisons
            .into_iter()
            .filter_map(|(basis, percent)| {
                Some(Comparison { with: comparison_label(&basis).to_owned(), percent: percent.as_f64()? })
            })
            .collect();
        comparisons.sort_by(|one, other| one.with.cmp(&other.with));
        let controls = secure_score_control::Entity::find()
            .filter(secure_score_control::Column::CompanyId.eq(company.uuid()))
            .order_by_asc(secure_score_control::Column::Rank)
            .order_by_asc(secure_score_control::Column::Id)
            .all(&self.reader)
            .await?;
        let mut controls: Vec<Control> = controls.into_iter().map(control).collect();
        // Of those that bring the same, Microsoft's order stays.
        controls.sort_by(|one, other| other.gain().total_cmp(&one.gain()));
        let days = days
            .into_iter()
            .map(|day| ScoreDay {
                measured_at: Timestamp::from_millis(day.created_at),
                points: Points { current: day.current, max: day.max },
            })
            .collect();
        Ok(ScoreReport { days, comparisons, controls, status: None })
    }
}

fn from(query: &ScoreQuery) -> Sql {
    let mut sql = Sql::new(FROM);
    if let Some(company) = query.company {
        let company = sql.bind(company.uuid());
        sql.push(&format!(" AND c.id = {company}"));
    }
    let found = containing(&query.search, &["c.name"], &mut sql);
    sql.push(&found);
    sql
}

fn keys(query: &ScoreQuery) -> Keys {
    let descending = query.order.descending;
    let score = (if descending { HIGHEST_FIRST } else { LOWEST_FIRST }, Kind::Number);
    let (name, id) = (("lower(c.name)", Kind::Text), ("c.id", Kind::Id));
    let columns = match query.order.by {
        ScoreSort::Score => vec![score, name, id],
        ScoreSort::Company => vec![name, id],
    };
    Keys::new(columns, descending)
}

fn score(row: &QueryResult) -> Result<ScoreRow, StoreError> {
    let points = row.try_get::<Option<f64>>("", "current")?.zip(row.try_get::<Option<f64>>("", "max")?);
    Ok(ScoreRow {
        origin: origin(row)?,
        points: points.map(|(current, max)| Points { current, max }),
        measured_at: row.try_get::<Option<i64>>("", "measured_at")?.map(Timestamp::from_millis),
    })
}

fn control(row: secure_score_control::Model) -> Control {
    Control {
        title: plain_text(&row.title),
        category: row.category,
        service: row.service,
        points: Points { current: row.score.unwrap_or_default(), max: row.max },
        user_impact: row.user_impact,
        cost: row.implementation_cost,
        remediation: plain_text(&row.remediation),
        // Microsoft's data, but they came over the net: nothing that a browser would run.
        link: row.action_url.filter(|url| url.starts_with("https://")),
    }
}
