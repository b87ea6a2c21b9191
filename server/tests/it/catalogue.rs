//! Every answer of Microsoft that ends, limits or leaves a connection, and what becomes of the company.

use std::time::Duration;

use app::domain::{Action, DataSet, Lack, PlatformFault, Problem, ReconnectReason, Status};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use server::microsoft::errors::CATALOGUE;

use crate::{
    harness::{App, Engine, Setup, Tenant},
    on_both_databases,
    platform::banner,
};

/// What a refusal of a token comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The company needs a reconnect.
    Reconnect(ReconnectReason),
    /// Nothing changes.
    Stays,
    /// Our own app registration is to be mended, and no company is marked.
    Ours(PlatformFault),
    /// The same, if more than one tenant says so.
    OursIfOthersSaySo,
}

/// `error`, `suberror`, numbers, and what they come to, as they were agreed on, and not as the code has them.
fn table() -> Vec<(&'static str, &'static str, &'static [u32], Then)> {
    use ReconnectReason::{
        AppDisabled, AppRemoved, BlockedByPolicy, ConsentRemoved, MoreProofNeeded, Refused, SessionsRevoked,
        SignInExpired, TenantGone,
    };
    use Then::{Ours, OursIfOthersSaySo, Reconnect, Stays};
    vec![
        // The person at the popup. At the token endpoint nobody is there to decline.
        ("access_denied", "", &[65004], Reconnect(ConsentRemoved)),
        ("access_denied", "", &[90093, 90094, 90095, 16000, 50014, 50020, 50034], Reconnect(Refused)),
        ("invalid_grant", "", &[54005, 501_481, 700_005], Reconnect(SignInExpired)),
        // The grant is gone.
        ("invalid_grant", "consent_required", &[65001], Reconnect(ConsentRemoved)),
        ("unauthorized_client", "", &[700_016], Reconnect(AppRemoved)),
        ("invalid_client", "", &[7_000_229], Reconnect(AppRemoved)),
        ("invalid_grant", "bad_token", &[70000, 70008, 700_082], Reconnect(SignInExpired)),
        ("invalid_grant", "", &[70043], Reconnect(SignInExpired)),
        ("invalid_grant", "", &[50173, 50132, 50133, 50089], Reconnect(SessionsRevoked)),
        ("invalid_grant", "basic_action", &[50076, 50079, 50074], Reconnect(MoreProofNeeded)),
        ("interaction_required", "", &[50072, 50078, 50158], Reconnect(MoreProofNeeded)),
        // Something in the client's tenant stands in the way.
        ("unauthorized_client", "", &[7_000_112], Reconnect(AppDisabled)),
        ("access_denied", "", &[50105], Reconnect(AppDisabled)),
        ("invalid_grant", "message_only", &[53000, 53001, 53002], Reconnect(BlockedByPolicy)),
        ("access_denied", "", &[53003, 53004, 530_032, 530_034], Reconnect(BlockedByPolicy)),
        ("invalid_request", "", &[90002, 90038, 5_000_224], Reconnect(TenantGone)),
        // Ours.
        ("invalid_client", "", &[7_000_222], Ours(PlatformFault::SecretExpired)),
        ("invalid_client", "", &[7_000_215, 7_000_218], Ours(PlatformFault::SecretWrong)),
        ("invalid_client", "", &[700_027], Ours(PlatformFault::CertificateRefused)),
        ("invalid_client", "", &[70002, 700_025], Ours(PlatformFault::CredentialRefused)),
        ("invalid_request", "", &[50011, 50194, 700_054], OursIfOthersSaySo),
        ("invalid_scope", "", &[70011, 65005], OursIfOthersSaySo),
        // It passes by itself.
        ("temporarily_unavailable", "", &[90033, 90006, 90012], Stays),
        ("invalid_grant", "", &[90024, 90055, 50033, 50087], Stays),
        ("invalid_client", "", &[650_051], Stays),
        ("invalid_grant", "", &[50196], Stays),
        ("server_error", "", &[65001], Stays),
        // Numbers that nobody knows yet fall to what `error` and `suberror` say.
        ("invalid_grant", "", &[999_001], Reconnect(Refused)),
        ("invalid_grant", "bad_token", &[999_002], Reconnect(SignInExpired)),
        ("invalid_grant", "consent_required", &[999_003], Reconnect(ConsentRemoved)),
        ("interaction_required", "", &[999_004], Reconnect(MoreProofNeeded)),
        ("invalid_grant", "message_only", &[999_005], Reconnect(BlockedByPolicy)),
        ("unauthorized_client", "", &[999_006], Reconnect(Refused)),
        ("invalid_tenant", "", &[999_007], Reconnect(TenantGone)),
        ("invalid_client", "", &[999_008], OursIfOthersSaySo),
        ("invalid_request", "", &[999_009], OursIfOthersSaySo),
        ("a_word_of_next_year", "", &[999_010], Stays),
    ]
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    error: &'static str,
    suberror: &'static str,
    number: u32,
    then: Then,
}

fn rows(wanted: impl Fn(Then) -> bool) -> Vec<Row> {
    let rows = table().into_iter().flat_map(|(error, suberror, numbers, then)| {
        numbers.iter().map(move |&number| Row { error, suberror, number, then })
    });
    rows.filter(|row| wanted(row.then)).collect()
}

/// So many companies that are connected and at rest.
async fn connected(app: &App, tenants: usize) -> Vec<Tenant> {
    let tenants = app.tenants[..tenants].to_vec();
    for tenant in &tenants {
        app.connect(tenant).await;
    }
    for tenant in &tenants {
        app.connected(&tenant.name).await;
        app.idle(app.company(&tenant.name).await).await;
    }
    tenants
}

/// Lets a sync of the company meet faults, and waits until it is over.
async fn sync_with(app: &App, tenant: &Tenant, faults: impl IntoIterator<Item = Value>, path: &str) {
    let before = app.http_requests(tenant, path).await;
    for mut fault in faults {
        fault["tenant"] = tenant.id.as_str().into();
        app.fault(fault).await;
    }
    // A token that is as new as the wish is good enough.
    app.clock.advance(Duration::from_secs(1));
    app.sync_now(tenant).await;
    let asked = async {
        while app.http_requests(tenant, path).await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, asked).await.expect("Microsoft is asked");
    app.idle(app.company(&tenant.name).await).await;
}

fn refusal(row: Row) -> Value {
    let Row { error, suberror, number, .. } = row;
    json!({ "match": "/oauth2/v2.0/token", "code": number, "error": error, "suberror": suberror })
}

async fn refuse(app: &App, tenant: &Tenant, row: Row) -> Status {
    sync_with(app, tenant, [refusal(row)], "/oauth2/v2.0/token").await;
    app.row(&tenant.name).await.status
}

/// The next sync goes through, and all is well.
async fn mends(app: &App, tenant: &Tenant) {
    app.clock.advance(Duration::from_secs(1));
    app.synced(tenant).await;
    app.connected(&tenant.name).await;
}

#[test]
fn no_number_of_the_catalogue_is_without_its_row() {
    let known: Vec<(u32, &str)> = rows(|_| true).into_iter().map(|row| (row.number, row.error)).collect();
    for entry in CATALOGUE {
        let covered = known.iter().any(|(number, error)| {
            *number == entry.number && (entry.errors.is_empty() || entry.errors.contains(error))
        });
        assert!(covered, "AADSTS{} has no row here", entry.number);
    }
}

async fn all_that_end_a_grant(engine: Engine, access: &'static str) {
    let app = Setup::on(engine).access(access).start().await;
    let tenants = connected(&app, 4).await;
    let (app, rows) = (&app, rows(|then| matches!(then, Then::Reconnect(_))));
    let shares = tenants.iter().enumerate().map(|(place, tenant)| {
        let share: Vec<Row> = rows.iter().skip(place).step_by(tenants.len()).copied().collect();
        async move {
            for row in share {
                let figures = app.row(&tenant.name).await.figures;
                let status = refuse(app, tenant, row).await;
                let Status::NeedsReconnect { reason, .. } = &status else { panic!("{row:?}: {status:?}") };
                assert_eq!(Then::Reconnect(*reason), row.then, "{row:?}");
                assert!(status.allows(Action::Reconnect) && status.allows(Action::GenerateLink), "{row:?}");
                assert_eq!(app.row(&tenant.name).await.figures, figures, "the data stay");
                mends(app, tenant).await;
            }
        }
    });
    stream::iter(shares).for_each_concurrent(None, |share| share).await;
    assert_eq!(banner(app).await, None);
}

on_both_databases! {
    async fn what_ends_a_grant_needs_a_reconnect_with_the_reason(engine) {
        all_that_end_a_grant(engine, "application").await;
    }

    async fn what_ends_a_grant_needs_a_reconnect_with_delegated_access_too(engine) {
        all_that_end_a_grant(engine, "delegated").await;
    }

    async fn what_passes_by_itself_changes_nothing(engine) {
        let app = Setup::on(engine).start().await;
        let tenants = connected(&app, 1).await;
        let tenant = &tenants[0];
        for row in rows(|then| then == Then::Stays) {
            assert_eq!(refuse(&app, tenant, row).await, Status::Connected, "{row:?}");
            assert_eq!(banner(&app).await, None, "{row:?}");
            // Longer than any pause that Microsoft asks for.
            app.clock.advance(Duration::from_mins(40));
            mends(&app, tenant).await;
        }
        for fault in [
            json!({ "status": 429, "retry_after": 5 }),
            json!({ "status": 500 }),
            json!({ "status": 503 }),
            json!({ "status": 200, "code": 90033, "malformed_body": true }),
        ] {
            let mut order = fault.clone();
            order["match"] = "/oauth2/v2.0/token".into();
            sync_with(&app, tenant, [order], "/oauth2/v2.0/token").await;
            assert_eq!(app.row(&tenant.name).await.status, Status::Connected, "{fault}");
            app.clock.advance(Duration::from_mins(40));
            mends(&app, tenant).await;
        }
    }

    async fn what_is_ours_marks_no_company_and_says_what_to_mend(engine) {
        let app = Setup::on(engine).start().await;
        let tenants = connected(&app, 2).await;
        // Nobody is tried again before it is said.
        app.clock.stop();
        for row in rows(|_| true) {
            let Then::Ours(fault) = row.then else { continue };
            assert_eq!(refuse(&app, &tenants[0], row).await, Status::Connected, "{row:?}");
            let notice = banner(&app).await.unwrap_or_else(|| panic!("{row:?}"));
            assert_eq!(notice.title, fault.title(), "{row:?}");
            assert!(notice.advice.contains(fault.advice()), "{row:?}");
            assert!(notice.details.unwrap().contains(&format!("AADSTS{}", row.number)), "{row:?}");
            mends(&app, &tenants[0]).await;
            assert_eq!(banner(&app).await, None, "{row:?}");
        }
        for row in rows(|then| then == Then::OursIfOthersSaySo) {
            assert_eq!(refuse(&app, &tenants[0], row).await, Status::Connected, "{row:?}");
            assert_eq!(banner(&app).await, None, "one tenant alone may be odd: {row:?}");
            assert_eq!(refuse(&app, &tenants[1], row).await, Status::Connected, "{row:?}");
            assert_eq!(banner(&app).await.map(|notice| notice.title), Some(PlatformFault::Settings.title().to_owned()));
            mends(&app, &tenants[1]).await;
            assert_eq!(banner(&app).await, None, "{row:?}");
            mends(&app, &tenants[0]).await;
        }
    }

    async fn what_graph_says_of_one_data_set_is_that_data_sets(engine) {
        let app = Setup::on(engine).start().await;
        let tenants = connected(&app, 1).await;
        let tenant = &tenants[0];
        let company = app.company(&tenant.name).await;
        // A permission that is missing right after connecting may still come.
        app.clock.advance(Duration::from_mins(3));
        let premium = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
        for (fault, problem) in [
            (json!({ "status": 403, "code": "Authorization_RequestDenied" }), Problem::PermissionMissing),
            (json!({ "status": 403, "code": "Forbidden" }), Problem::PermissionMissing),
            (json!({ "status": 403, "code": premium }), Problem::NotAvailable),
            (json!({ "status": 400, "code": "Request_NonPremiumTenant" }), Problem::NotAvailable),
            (json!({ "status": 404 }), Problem::NotAvailable),
            (json!({ "status": 400, "code": "BadRequest" }), Problem::Unreadable),
            (json!({ "status": 429, "retry_after": 600 }), Problem::Temporary),
            (json!({ "status": 503 }), Problem::Temporary),
            (json!({ "status": 504 }), Problem::Temporary),
        ] {
            let mut order = fault.clone();
            order["match"] = "/v1.0/domains".into();
            sync_with(&app, tenant, [order], "/v1.0/$batch").await;
            let status = app.row(&tenant.name).await.status;
            if problem.limits() {
                let lacks = vec![Lack { data_set: DataSet::Domains, problem }];
                assert_eq!(status, Status::Limited { lacks }, "{fault}");
            } else {
                assert_eq!(status, Status::Connected, "{fault}");
            }
            assert_eq!(app.troubles(company).await.len(), 1, "{fault}");
            app.clock.advance(Duration::from_mins(11));
            mends(&app, tenant).await;
        }
        for code in ["syncStateNotFound", "resyncRequired"] {
            let order = json!({ "match": "/v1.0/users/delta", "status": 410, "code": code });
            sync_with(&app, tenant, [order], "/v1.0/users/delta").await;
            assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
            assert_eq!(app.troubles(company).await, []);
        }
    }

    async fn a_new_grant_that_part_of_graph_refuses_at_first_is_read_with_all_the_same(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenant = &app.tenants[0];
            app.fault(json!({ "match": "/v1.0/users/delta", "status": 401, "times": 3 })).await;
            app.connect(tenant).await;
            app.row_becomes(&tenant.name, |row| row.status == Status::Connected).await;
            let connected = async {
                while app.row(&tenant.name).await.figures.users.is_none() {
                    app.clock.advance(Duration::from_secs(10));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            tokio::time::timeout(crate::harness::PATIENCE, connected).await.expect("users are read");
            assert_eq!(app.connected(&tenant.name).await.figures.users, Some(tenant.users));
        }
    }

    async fn a_token_that_graph_refuses_twice_needs_a_reconnect_and_once_does_not(engine) {
        for access in ["application", "delegated"] {
            let app = Setup::on(engine).access(access).start().await;
            let tenants = connected(&app, 1).await;
            let tenant = &tenants[0];
            let faults = |status: u16, times: u32| {
                ["/v1.0/$batch", "/v1.0/users/delta"]
                    .map(|path| json!({ "match": path, "status": status, "times": times }))
            };
            let refused = |times| faults(401, times);
            // Not all of Graph has taken a new grant yet: it is asked again.
            sync_with(&app, tenant, refused(2), "/v1.0/$batch").await;
            assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
            app.clock.advance(Duration::from_mins(3));
            mends(&app, tenant).await;
            sync_with(&app, tenant, refused(1), "/v1.0/$batch").await;
            assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
            app.clock.advance(Duration::from_mins(1));
            mends(&app, tenant).await;
            // What failed in another way before says nothing of the token.
            sync_with(&app, tenant, faults(503, 1), "/v1.0/$batch").await;
            // Here alone: what failed may be due by itself before the wish comes, and users only after it, with the next token.
            let [refused_together, _] = refused(1);
            sync_with(&app, tenant, [refused_together], "/v1.0/$batch").await;
            assert_eq!(app.row(&tenant.name).await.status, Status::Connected);
            app.clock.advance(Duration::from_mins(1));
            mends(&app, tenant).await;
            // Enough for the round and its repetition; what is left is for a round that does not come.
            sync_with(&app, tenant, refused(2), "/v1.0/$batch").await;
            app.clock.advance(Duration::from_mins(1));
            let row = app.row_becomes(&tenant.name, |row| row.status != Status::Connected).await;
            assert!(matches!(row.status, Status::NeedsReconnect { reason: ReconnectReason::Refused, .. }), "{row:?}");
        }
    }
}
