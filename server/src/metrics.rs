//! What this process did, and how the database stands, as Prometheus reads it.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::{cell::RefCell, collections::HashMap, sync::OnceLock, time::Duration};

use app::domain::{DataSet, Problem, Timestamp, schedule::Round};
use metrics::{Counter, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::store::standing::Standing;

const REQUESTS: &str = "tenantry_http_requests_total";
const REQUEST_SECONDS: &str = "tenantry_http_request_duration_seconds";
const STREAMS: &str = "tenantry_event_streams";
const ATTEMPTS: &str = "tenantry_attempts_total";
const TOKENS: &str = "tenantry_tokens_total";
const ROUNDS: &str = "tenantry_sync_rounds_total";
const DATA_SETS: &str = "tenantry_sync_data_sets_total";
const CONNECTIONS: &str = "tenantry_connections";
const QUEUE: &str = "tenantry_sync_queue";
const QUEUE_AGE: &str = "tenantry_sync_queue_oldest_seconds";
const DATA_AGE: &str = "tenantry_data_oldest_seconds";

/// Upper ends of what a request takes, in seconds.
const SECONDS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// How long what requests took is kept one by one.
const TIDY_EVERY: Duration = Duration::from_secs(5);

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// How a sign-in at Microsoft stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptStep {
    /// Somebody was sent to Microsoft.
    Started,
    /// A company was connected.
    Connected,
    /// It ended otherwise.
    Failed,
}

/// Begins to count. What happened before is not known.
pub fn install() {
    handle();
}

fn handle() -> Option<&'static PrometheusHandle> {
    let install = || {
        let seconds = Matcher::Full(REQUEST_SECONDS.to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS);
        let handle = builder.and_then(PrometheusBuilder::install_recorder);
        describe();
        handle.inspect_err(|error| tracing::warn!(%error, "nothing is counted for /metrics")).ok()
    };
    RECORDER.get_or_init(install).as_ref()
}

fn describe() {
    describe_counter!(REQUESTS, "Requests that were answered.");
    describe_histogram!(REQUEST_SECONDS, "How long it took until an answer began.");
    describe_gauge!(STREAMS, "Pages that follow changes.");
    describe_counter!(ATTEMPTS, "Tries at connecting a company, by how far they came.");
    describe_counter!(TOKENS, "Requests for access tokens, by outcome.");
    describe_counter!(ROUNDS, "Readings of a tenant, or as much of one as a turn allows, by outcome.");
    describe_counter!(DATA_SETS, "Data sets that were asked for, by outcome.");
    describe_gauge!(CONNECTIONS, "Connected companies, by phase.");
    describe_gauge!(QUEUE, "Companies that are due and that nobody reads yet.");
    describe_gauge!(QUEUE_AGE, "How long the longest of them has been due.");
    describe_gauge!(
        DATA_AGE,
        "How long ago the data set was read that was not read for longest, of connections in order."
    );
}

/// A request was answered. `route` is a pattern and no path, and methods that nobody knows are one: there are few of them.
pub fn answered(method: &'static str, route: &'static str, status: u16, took: Duration) {
    ANSWERS.with_borrow_mut(|answers| {
        answers.entry((method, route, status)).or_insert_with(|| Answers::of(method, route, status)).count(took);
    });
}

/// Answers of a kind: looking their counters up by what they are called takes longer than counting.
struct Answers {
    requests: Counter,
    seconds: Histogram,
}

thread_local! {
    /// By method, route and status. Each thread has its own, and waits for no other.
    static ANSWERS: RefCell<HashMap<(&'static str, &'static str, u16), Answers>> = RefCell::default();
}

impl Answers {
    fn of(method: &'static str, route: &'static str, status: u16) -> Self {
        // Not before there is something to count with: it is kept.
        install();
        Self {
            requests: counter!(REQUESTS, "method" => method, "route" => route, "status" => status.to_string()),
            seconds: histogram!(REQUEST_SECONDS, "method" => method, "route" => route),
        }
    }

    fn count(&self, took: Duration) {
        self.requests.increment(1);
        self.seconds.record(took);
    }
}

/// A page that follows changes, until this is dropped.
#[derive(Debug)]
pub struct Stream(());

impl Stream {
    /// It begins to.
    pub fn open() -> Self {
        gauge!(STREAMS).increment(1);
        Self(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        gauge!(STREAMS).decrement(1);
    }
}

/// A try at connecting a company came this far.
pub fn attempt(step: AttemptStep) {
    let outcome = match step {
        AttemptStep::Started => "started",
        AttemptStep::Connected => "connected",
        AttemptStep::Failed => "failed",
    };
    counter!(ATTEMPTS, "outcome" => outcome).increment(1);
}

/// Microsoft was asked for an access token.
pub fn token(issued: bool) {
    counter!(TOKENS, "outcome" => if issued { "issued" } else { "refused" }).increment(1);
}

/// A round ended.
pub fn round(round: &Round) {
    let outcome = match round {
        Round::Read { problems, .. } if problems.is_empty() => "read",
        Round::Read { .. } => "read in part",
        Round::NotYet => "not yet",
        Round::NoGrant(_) => "no grant",
        Round::Unavailable { .. } => "unavailable",
        Round::AppRegistration => "app registration",
    };
    counter!(ROUNDS, "outcome" => outcome).increment(1);
}

/// A data set was read, or was not.
pub fn data_set(data_set: DataSet, problem: Option<Problem>) {
    let outcome = problem.map_or("read", Problem::key);
    counter!(DATA_SETS, "data_set" => data_set.key(), "outcome" => outcome).increment(1);
}

/// Puts what was counted where it takes no more room, until `stop`: whether or not somebody reads it.
pub async fn tidy(stop: CancellationToken) {
    let Some(handle) = handle() else { return };
    let mut tick = tokio::time::interval(TIDY_EVERY);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        handle.run_upkeep();
    }
}

/// All of it as text, with how the database stands now; without that, where it is not known.
pub fn render(standing: Option<&Standing>, now: Timestamp) -> String {
    let Some(handle) = handle() else { return String::new() };
    if let Some(standing) = standing {
        stands(standing, now);
    }
    handle.run_upkeep();
    let text = handle.render();
    if standing.is_some() { text } else { without_standing(&text) }
}

fn stands(standing: &Standing, now: Timestamp) {
    let secs = |since: Option<Timestamp>| since.map_or(0.0, |since| now.since(since).as_secs_f64());
    for (phase, count) in standing.connections {
        gauge!(CONNECTIONS, "phase" => phase).set(count);
    }
    gauge!(QUEUE).set(standing.due);
    gauge!(QUEUE_AGE).set(secs(standing.longest_due));
    for data_set in DataSet::ALL.map(DataSet::key) {
        let as_of = standing.oldest_data.iter().find(|(there, _)| there == data_set).map(|(_, as_of)| *as_of);
        gauge!(DATA_AGE, "data_set" => data_set).set(secs(as_of));
    }
}

/// Leaves out how the database stood when it was asked last.
fn without_standing(text: &str) -> String {
    let is_of_it = |line: &str| {
        let name = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")).unwrap_or(line);
        let name = name.split([' ', '{']).next().unwrap_or_default();
        [CONNECTIONS, QUEUE, QUEUE_AGE, DATA_AGE].contains(&name)
    };
    text.split_inclusive('\n').filter(|line| !is_of_it(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_the_database_stood_is_left_out_whole() {
        let text = "# HELP tenantry_tokens_total Requests.\n# TYPE tenantry_tokens_total counter\n\
                    tenantry_tokens_total{outcome=\"issued\"} 1\n\n\
                    # HELP tenantry_sync_queue Companies.\n# TYPE tenantry_sync_queue gauge\ntenantry_sync_queue 0\n\
                    tenantry_connections{phase=\"active\"} 2\n";
        let rest = text.split("# HELP tenantry_sync_queue").next();
        assert_eq!(Some(without_standing(text).as_str()), rest);
    }
}
