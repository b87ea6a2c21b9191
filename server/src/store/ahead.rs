//! Times that lie further ahead than anybody puts them: a clock was wrong when they were written. What waits for them would
//! wait for as long as that clock was ahead.

use std::time::Duration;

use app::domain::Timestamp;
use sea_orm::{ConnectionTrait as _, Statement};

use super::{Store, StoreError, tenant_data::LEASE};

/// More than any lease but that of a round lasts.
const OTHER_LEASES: Duration = Duration::from_mins(10);

/// More than a notice takes until it is told.
const NOTICES_SETTLE: Duration = Duration::from_hours(2);

/// More than passes between two tries to send a mail to a client.
const CLIENT_MAILS: Duration = Duration::from_hours(3);

/// What was done later than this from now was not.
const SOON: Duration = Duration::from_mins(5);

impl Store {
    /// Brings back to now what lies too far ahead. `furthest` is the longest that a connection may have to wait for its next
    /// round. Answers how much it was.
    pub async fn bring_back(&self, furthest: Duration) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut brought = 0;
        for (table, column, judged_by, limit) in [
            // First, for a round does not read what was read since it began.
            ("dataset_state", "as_of", "as_of", SOON),
            ("dataset_state", "last_success", "last_success", SOON),
            ("dataset_state", "last_try", "last_try", SOON),
            ("dataset_state", "retry_at", "retry_at", furthest),
            // Whoever asks what changed would be told for as long.
            ("company", "changed_at", "changed_at", SOON),
            ("connection", "round_at", "round_at", SOON),
            ("connection", "lease_until", "lease_until", LEASE * 2),
            ("connection", "due_at", "due_at", furthest),
            ("connection", "full_due_at", "full_due_at", furthest),
            ("attempt", "deadline_at", "begun_at", SOON),
            ("mail", "lease_until", "lease_until", OTHER_LEASES),
            ("campaign_mail", "lease_until", "lease_until", OTHER_LEASES),
            ("webhook_delivery", "lease_until", "lease_until", OTHER_LEASES),
            ("disconnection", "busy_until", "busy_until", OTHER_LEASES),
            ("platform_fault", "next_try_at", "next_try_at", OTHER_LEASES),
            ("notice", "settles_at", "settles_at", NOTICES_SETTLE),
            ("mail_line", "made_at", "made_at", SOON),
            // A next try may be a day ahead. One that follows from what is yet to happen is not meant so. What it follows
            // from comes last, for the others are judged by it.
            ("mail", "due_at", "made_at", SOON),
            ("mail", "due_at", "tried_at", SOON),
            ("mail", "tried_at", "tried_at", SOON),
            ("mail", "made_at", "made_at", SOON),
            ("webhook_delivery", "due_at", "made_at", SOON),
            ("webhook_delivery", "due_at", "tried_at", SOON),
            ("webhook_delivery", "tried_at", "tried_at", SOON),
            ("webhook_delivery", "made_at", "made_at", SOON),
            ("disconnection", "check_at", "at", SOON),
            ("disconnection", "check_at", "checked_at", SOON),
            ("disconnection", "checked_at", "checked_at", SOON),
            // Reminders wait for days.
            ("campaign_mail", "due_at", "CASE WHEN reminds_of IS NULL THEN due_at END", CLIENT_MAILS),
            // Whoever mistyped a password would wait for as long.
            ("sign_in_throttle", "last_at", "last_at", SOON),
        ] {
            brought += self.bring_back_column(table, column, judged_by, now, limit).await?;
        }
        Ok(brought)
    }

    async fn bring_back_column(
        &self,
        table: &str,
        column: &str,
        judged_by: &str,
        now: Timestamp,
        limit: Duration,
    ) -> Result<u64, StoreError> {
        let latest = now.plus(limit).as_millis();
        // Looked for without the write lock: as a rule there is nothing.
        let look = format!("SELECT 1 FROM {table} WHERE {judged_by} > $1 AND {column} > $2 LIMIT 1");
        let values = || [latest.into(), now.as_millis().into()];
        let look = Statement::from_sql_and_values(self.engine(), look, values());
        if self.reader.query_one_raw(look).await?.is_none() {
            return Ok(0);
        }
        let change = format!("UPDATE {table} SET {column} = $2 WHERE {judged_by} > $1 AND {column} > $2");
        let change = Statement::from_sql_and_values(self.engine(), change, values());
        Ok(self.writer.execute_raw(change).await?.rows_affected())
    }
}
