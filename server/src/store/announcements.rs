//! Which companies' rows changed: within the process, and between processes through PostgreSQL.

use app::domain::CompanyId;
use sea_orm::{
    ConnectionTrait, DbErr, Statement,
    sea_query::{Expr, Query, ReturningClause},
};
use tokio::sync::broadcast;

/// The channel's name in PostgreSQL.
pub(super) const CHANNEL: &str = "tenantry_company";

/// How many announcements may wait for a slow listener. One that missed some is told so and looks for itself.
const BACKLOG: usize = 4_096;

/// A place to announce and to hear which companies' rows changed.
#[derive(Clone)]
pub struct Announcements(broadcast::Sender<CompanyId>);

impl Default for Announcements {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Announcements {
    /// Hears of every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<CompanyId> {
        self.0.subscribe()
    }

    /// Says that these rows changed. Nobody listening is fine.
    pub(super) fn publish(&self, companies: &[CompanyId]) {
        for company in companies {
            let _ = self.0.send(*company);
        }
    }
}

/// What an update of companies returns, to have PostgreSQL tell the other processes of each once it is committed: a
/// statement of its own would be one more way there and back.
pub(super) fn notify() -> ReturningClause {
    Query::returning().expr(Expr::cust(format!("pg_notify('{CHANNEL}', id::text)")))
}

/// Has PostgreSQL tell the other processes of these companies, once the transaction is committed.
pub(super) async fn tell(db: &impl ConnectionTrait, companies: &[CompanyId]) -> Result<(), DbErr> {
    let ids: Vec<String> = companies.iter().map(ToString::to_string).collect();
    let sql = "SELECT pg_notify($1, id) FROM unnest(string_to_array($2, ',')) AS id";
    let values = [CHANNEL.into(), ids.join(",").into()];
    db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    Ok(())
}
