//! What changed that people see: within the process, and between processes through PostgreSQL.

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

/// What PostgreSQL passes on where it is not a company's id.
const PLATFORM: &str = "platform";

/// Something that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// A company's row.
    Company(CompanyId),
    /// What is wrong with our app registration.
    Platform,
}

/// A place to announce and to hear what changed.
#[derive(Clone)]
pub struct Announcements(broadcast::Sender<Announcement>);

impl Default for Announcements {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Announcements {
    /// Hears of every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Announcement> {
        self.0.subscribe()
    }

    /// Says that this changed. Nobody listening is fine.
    pub(super) fn publish(&self, changed: Announcement) {
        let _ = self.0.send(changed);
    }

    /// Says what another process announced.
    pub(super) fn pass_on(&self, payload: &str) {
        match payload.parse() {
            Ok(company) => self.publish(Announcement::Company(company)),
            Err(_) if payload == PLATFORM => self.publish(Announcement::Platform),
            // Of a newer version.
            Err(_) => {}
        }
    }
}

/// What an update of companies returns, to have PostgreSQL tell the other processes of each once it is committed: a
/// statement of its own would be one more way there and back.
pub(super) fn notify() -> ReturningClause {
    Query::returning().expr(Expr::cust(format!("pg_notify('{CHANNEL}', id::text)")))
}

/// Has PostgreSQL tell the other processes, once the transaction is committed.
pub(super) async fn tell(db: &impl ConnectionTrait, changed: &[Announcement]) -> Result<(), DbErr> {
    let payload = |changed: &Announcement| match changed {
        Announcement::Company(company) => company.to_string(),
        Announcement::Platform => PLATFORM.to_owned(),
    };
    let payloads: Vec<String> = changed.iter().map(payload).collect();
    let sql = "SELECT pg_notify($1, payload) FROM unnest(string_to_array($2, ',')) AS payload";
    let values = [CHANNEL.into(), payloads.join(",").into()];
    db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    Ok(())
}
