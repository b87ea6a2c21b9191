//! What was read from tenants, as the pages and the files show it.

use std::time::Duration;

use app::domain::{
    CompanyDetails, CompanyId, DataSet, LicenceRow, ListPage, Problem, ScoreReport, ScoreRow, TenantDomainRow,
    UserKind, UserRow,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    harness::{App, Setup, Tenant},
    on_both_databases,
};

async fn list<Row: DeserializeOwned>(app: &App, what: &str, query: Value) -> ListPage<Row> {
    let answer = app.post(&format!("{what}/list"), json!({ "query": query })).await;
    answer.error_for_status().unwrap().json().await.unwrap()
}

/// All pages of a list, in order.
async fn all<Row: DeserializeOwned>(app: &App, what: &str, mut query: Value) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let page: ListPage<Row> = list(app, what, query.clone()).await;
        rows.extend(page.rows);
        let Some(next) = page.next else { return rows };
        query["after"] = json!(next);
        assert!(rows.len() < 100_000, "it goes on and on");
    }
}

async fn show(app: &App, company: CompanyId) -> CompanyDetails {
    let answer = app.post("companies/show", json!({ "company": company })).await;
    answer.error_for_status().unwrap().json().await.unwrap()
}

async fn csv(app: &App, path: &str) -> Vec<Vec<String>> {
    let answer = app.http.get(format!("{}/api/{path}", app.url)).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename="));
    let text = answer.text().await.unwrap();
    let mut lines = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    lines.records().map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The largest of the sandbox's tenants, and another, connected and read.
async fn two_connected(app: &App) -> (&Tenant, &Tenant) {
    let large = app.tenants.iter().max_by_key(|tenant| tenant.users).unwrap();
    let other = app.tenants.iter().find(|tenant| tenant.id != large.id && tenant.users > 20).unwrap();
    for tenant in [large, other] {
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
    }
    (large, other)
}

fn name(user: &UserRow) -> String {
    user.name.to_lowercase()
}

on_both_databases! {
    async fn a_company_tells_who_connected_it_and_how_old_everything_is(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        let company = app.company(&tenant.name).await;
        assert_eq!(show(&app, company).await.connection, None);
        app.connect(tenant).await;
        app.connected(&tenant.name).await;

        let details = show(&app, company).await;
        let connection = details.connection.unwrap();
        assert_eq!((details.row.id, connection.organisation), (company, tenant.name.clone()));
        assert_eq!(connection.connected_by, tenant.admin().email);
        assert_eq!(connection.tenant.to_string(), tenant.id);
        assert_eq!(connection.default_domain.as_deref(), Some(tenant.domain.as_str()));
        assert_eq!(connection.data_sets.iter().map(|status| status.data_set).collect::<Vec<_>>(), DataSet::ALL);
        assert!(connection.data_sets.iter().all(|status| status.as_of.is_some() && !status.stale));
        assert!(connection.data_sets[4].measured_at.is_some(), "Microsoft's own date");

        let unknown = app.post("companies/show", json!({ "company": "01890000-0000-7000-8000-000000000000" })).await;
        assert_eq!(unknown.status(), 404);
    }

    async fn what_failed_says_so_and_since_when_and_the_rest_is_fresh(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.fault(json!({ "match": "/v1.0/domains", "status": 403, "code": "Authorization_RequestDenied", "times": 99 })).await;
        app.fault(json!({ "match": "/v1.0/subscribedSkus", "status": 200, "cut_body": true, "times": 99 })).await;
        app.connect(tenant).await;
        // A permission that is missing may still come, for two minutes.
        app.clock.advance(Duration::from_mins(3));
        app.row_becomes(&tenant.name, |row| row.figures.users.is_some() && !row.first_sync).await;
        let connection = show(&app, app.company(&tenant.name).await).await.connection.unwrap();
        let status = |data_set| connection.data_sets.iter().find(|status| status.data_set == data_set).unwrap();
        assert_eq!(status(DataSet::Domains).problem.map(|(problem, _)| problem), Some(Problem::PermissionMissing));
        assert!(status(DataSet::Licences).problem.is_some());
        assert_eq!(status(DataSet::Licences).as_of, None);
        assert!(status(DataSet::Users).as_of.is_some() && status(DataSet::Users).problem.is_none());
    }

    async fn users_are_searched_sorted_filtered_and_paged(engine) {
        let app = Setup::on(engine).start().await;
        let (large, other) = two_connected(&app).await;
        let (company, sibling) = (app.company(&large.name).await, app.company(&other.name).await);

        let first: ListPage<UserRow> = list(&app, "users", json!({ "company": company })).await;
        assert_eq!((first.rows.len(), first.total), (50, Some(u64::from(large.users))));
        let everybody: Vec<UserRow> = all(&app, "users", json!({ "company": company })).await;
        assert_eq!(everybody.len(), large.users as usize);
        assert!(everybody.is_sorted_by_key(name) || engine == crate::harness::Engine::Postgres);
        assert!(everybody.iter().all(|user| user.origin.company == company && user.origin.as_of.is_some()));
        let mut ids: Vec<_> = everybody.iter().map(|user| user.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), everybody.len(), "each once");

        for sort in ["name", "address", "department", "title"] {
            for descending in [false, true] {
                let query = json!({ "company": company, "order": { "by": sort, "descending": descending } });
                let sorted: Vec<UserRow> = all(&app, "users", query).await;
                assert_eq!(sorted.len(), everybody.len(), "{sort} {descending}");
            }
        }
        let across: Vec<UserRow> = all(&app, "users", json!({ "order": { "by": "company" } })).await;
        assert_eq!(across.len(), (large.users + other.users) as usize);
        assert_eq!(across.chunk_by(|one, next| one.origin.company == next.origin.company).count(), 2);
        let by_department = app.post("users/list", json!({ "query": { "order": { "by": "department" } } })).await;
        assert_eq!(by_department.status(), 400, "there is no index for that");

        for (filter, wanted) in [
            (json!({ "kind": "guest" }), Box::new(|user: &UserRow| user.kind == UserKind::Guest) as Box<dyn Fn(&UserRow) -> bool>),
            (json!({ "kind": "member", "enabled": true }), Box::new(|user| user.kind == UserKind::Member && user.enabled)),
            (json!({ "enabled": false }), Box::new(|user| !user.enabled)),
            (json!({ "licensed": true }), Box::new(|user| !user.licences.is_empty())),
            (json!({ "licensed": false }), Box::new(|user| user.licences.is_empty())),
        ] {
            let found: Vec<UserRow> = all(&app, "users", json!({ "company": company, "filter": filter })).await;
            assert_eq!(found.len(), everybody.iter().filter(|user| wanted(user)).count(), "{filter}");
            let found: Vec<UserRow> = all(&app, "users", json!({ "filter": filter })).await;
            assert_eq!(found.len(), across.iter().filter(|user| wanted(user)).count(), "{filter}");
        }

        // By the beginning of each word, in any order, without regard to case; in one company and in all.
        let somebody = &everybody[everybody.len() / 2];
        let words: Vec<&str> = somebody.name.split_whitespace().collect();
        let search = format!("{} {}", words.last().unwrap().to_uppercase(), &words[0][..words[0].len().min(2)]);
        for query in [json!({ "search": search }), json!({ "search": search, "company": company })] {
            let found: Vec<UserRow> = all(&app, "users", query).await;
            assert!(found.iter().any(|user| user.id == somebody.id), "{search} finds {}", somebody.name);
            assert!(found.len() < everybody.len() / 2, "{search}: {}", found.len());
        }
        let found: Vec<UserRow> = all(&app, "users", json!({ "search": somebody.address })).await;
        assert_eq!(found.first().map(|user| user.id), Some(somebody.id), "{}", somebody.address);
        let found: Vec<UserRow> = all(&app, "users", json!({ "search": somebody.address, "company": sibling })).await;
        assert_eq!(found.len(), 0);
        let of_domain: Vec<UserRow> = all(&app, "users", json!({ "search": format!("@{}", other.domain) })).await;
        assert!(of_domain.len() > 10 && of_domain.iter().all(|user| user.origin.company == sibling));
        for nothing in ["zzyzx", "' OR 1=1 --", "\" OR name:*", "%", "_"] {
            let found = app.post("users/list", json!({ "query": { "search": nothing } })).await;
            assert_eq!(found.status(), 200, "{nothing}");
        }
        let forged = app.post("users/list", json!({ "query": { "after": "[1,2,3]" } })).await;
        assert_eq!(forged.status(), 400);
    }

    async fn the_search_follows_what_changes(engine) {
        let app = Setup::on(engine).start().await;
        let tenant = &app.tenants[0];
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        app.control(&format!("tenants/{}/change-users", tenant.id), json!({ "add": 5, "update": 3, "delete": 2 })).await;
        let company = app.company(&tenant.name).await;
        app.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
        app.row_becomes(&tenant.name, |row| row.figures.users == Some(tenant.users + 3)).await;
        // Everybody is found by their name, and nobody who is gone.
        let everybody: Vec<UserRow> = all(&app, "users", json!({ "company": company })).await;
        for user in &everybody {
            let found: Vec<UserRow> = all(&app, "users", json!({ "search": user.name, "company": company })).await;
            assert!(found.iter().any(|found| found.id == user.id), "{}", user.name);
        }
        let domain: Vec<UserRow> = all(&app, "users", json!({ "search": tenant.domain.split('.').next().unwrap() })).await;
        assert!(domain.len() <= everybody.len());
    }

    async fn licences_domains_and_scores_are_listed_of_one_company_and_of_all(engine) {
        let app = Setup::on(engine).start().await;
        let (large, other) = two_connected(&app).await;
        let company = app.company(&large.name).await;

        let all_licences: Vec<LicenceRow> = all(&app, "licences", json!({})).await;
        let own: Vec<LicenceRow> = all(&app, "licences", json!({ "company": company })).await;
        assert!(own.len() > 1 && all_licences.len() > own.len());
        assert!(own.iter().any(|licence| licence.product != licence.part_number), "they have names");
        for sort in ["product", "company", "used", "assignable", "free"] {
            let rows: Vec<LicenceRow> = all(&app, "licences", json!({ "order": { "by": sort, "descending": true } })).await;
            assert_eq!(rows.len(), all_licences.len(), "{sort}");
            if sort == "free" {
                assert!(rows.is_sorted_by(|one, next| one.free() >= next.free()));
            }
        }
        let used_up: Vec<LicenceRow> = all(&app, "licences", json!({ "filter": { "show": "used_up" } })).await;
        assert_eq!(used_up.len(), all_licences.iter().filter(|licence| licence.free() <= 0).count());
        let product = &own[0];
        let search = format!("{} {}", large.name, product.product);
        let found: Vec<LicenceRow> = all(&app, "licences", json!({ "search": search })).await;
        assert!(found.contains(product), "{search}");

        let domains: Vec<TenantDomainRow> = all(&app, "domains", json!({ "company": company })).await;
        assert!(domains.iter().any(|domain| domain.name == large.domain && domain.is_default && domain.is_verified));
        let own: Vec<TenantDomainRow> = all(&app, "domains", json!({ "filter": { "show": "own" } })).await;
        assert!(own.iter().all(|domain| !domain.name.ends_with(".onmicrosoft.com")));
        let found: Vec<TenantDomainRow> = all(&app, "domains", json!({ "search": other.domain })).await;
        assert!(found.iter().any(|domain| domain.name == other.domain));

        let scores: Vec<ScoreRow> = all(&app, "secure-score", json!({})).await;
        assert_eq!(scores.len(), 2);
        let report = app.post("secure-score/show", json!({ "company": company })).await;
        let report: ScoreReport = report.error_for_status().unwrap().json().await.unwrap();
        assert!(report.days.len() > 30 && report.days.is_sorted_by_key(|day| day.measured_at));
        assert_eq!(report.days.last().map(|day| day.points), scores.iter().find(|row| row.origin.company == company).unwrap().points);
        assert!(report.controls.len() > 5 && report.controls.is_sorted_by(|one, next| one.gain() >= next.gain()));
        assert!(report.controls.iter().all(|control| !control.remediation.contains('<')), "text, not HTML");
        assert!(!report.comparisons.is_empty());
    }

    async fn each_list_is_to_be_had_as_a_file(engine) {
        let app = Setup::on(engine).start().await;
        let (large, other) = two_connected(&app).await;
        let lines = csv(&app, "users.csv").await;
        assert_eq!(lines.len(), (large.users + other.users) as usize + 1, "over more than one page of the export");
        assert_eq!(lines[0][..3], ["company", "name", "sign_in"]);
        let company = app.company(&other.name).await;
        let guests = csv(&app, &format!("users.csv?company={company}&type=guest&sort=address&search=")).await;
        assert!(guests[1..].iter().all(|line| line[0] == other.name && line[3] == "guest"));
        for (file, header) in [("licences.csv", "product"), ("domains.csv", "domain"), ("secure-score.csv", "percent")] {
            let lines = csv(&app, file).await;
            assert!(lines.len() > 2 && lines[0][1] == header, "{file}");
        }
        for nonsense in ["users.csv?sort=size", "users.csv?sort=department", "licences.csv?show=all", "domains.csv?x=1"] {
            let answer = app.http.get(format!("{}/api/{nonsense}", app.url)).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{nonsense}");
        }
    }

    async fn old_data_are_called_stale(engine) {
        let mut app = Setup::on(engine).setting("TENANTRY_SYNC_EVERY", "10m").start().await;
        let tenant = &app.tenants[0].clone();
        app.connect(tenant).await;
        app.connected(&tenant.name).await;
        let company = app.company(&tenant.name).await;
        app.idle(company).await;
        // Not by refusing tokens: one that is at hand would still read.
        app.fault(json!({ "match": "/v1.0/", "status": 503, "times": 1000 })).await;
        app.clock.advance(Duration::from_mins(21));
        let details = show(&app, company).await;
        assert!(details.connection.unwrap().data_sets.iter().all(|status| status.stale));
        let users: ListPage<UserRow> = list(&app, "users", json!({})).await;
        assert!(users.rows.iter().all(|user| user.origin.stale));
        app.stop().await;
    }
}

/// A store with this many companies of so many users, past the sync.
mod many {
    use std::sync::Arc;

    use app::domain::{
        CompanyId, Order,
        user::{UserFilter, UserQuery, UserSort},
    };
    use sea_orm::Database;
    use server::{
        clock::SystemClock,
        store::{Store, options_for},
    };
    use tempfile::TempDir;

    use crate::{harness::Engine, many_users, on_both_databases, postgres};

    struct Many {
        store: Store,
        _folder: TempDir,
    }

    async fn filled(engine: Engine, companies: usize, users: usize) -> Many {
        let folder = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.path().join("db").display()),
            Engine::Postgres => postgres::new_database().await,
        };
        let store = Store::open(&url, Arc::new(SystemClock)).await.unwrap();
        many_users::fill(&Database::connect(options_for(url.as_str())).await.unwrap(), companies, users).await.unwrap();
        Many { store, _folder: folder }
    }

    fn query(search: &str) -> UserQuery {
        UserQuery { search: search.to_owned(), ..UserQuery::default() }
    }

    on_both_databases! {
        async fn a_page_of_users_is_read_from_an_index(engine) {
            let Many { store, .. } = &filled(engine, 600, 100).await;
            let company = Some(CompanyId::from_uuid(uuid::Uuid::from_u128(77)));
            let filtered = |filter| UserQuery { filter, ..UserQuery::default() };
            let kind = Some(app::domain::UserKind::Guest);
            // SQLite does not name the index.
            let words = if engine == Engine::Sqlite { "m365_user_words VIRTUAL TABLE INDEX" } else { "m365_user_words" };
            for (query, index) in [
                (UserQuery::default(), "m365_user_name"),
                (UserQuery { order: Order { by: UserSort::Name, descending: true }, ..UserQuery::default() }, "m365_user_name"),
                (UserQuery { order: Order { by: UserSort::Company, descending: false }, ..UserQuery::default() }, "company_name"),
                (UserQuery { order: Order { by: UserSort::Company, descending: true }, ..UserQuery::default() }, "company_name"),
                (filtered(UserFilter { kind, ..UserFilter::default() }), "m365_user_guest"),
                (filtered(UserFilter { enabled: Some(false), ..UserFilter::default() }), "m365_user_blocked"),
                (UserQuery { company, ..UserQuery::default() }, "m365_user"),
                (UserQuery { company, ..query("a") }, "m365_user"),
                (query("specialist"), "m365_user_name"),
                (query("anna müller"), words),
            ] {
                let first = store.list_users(&query, 50).await.unwrap();
                assert!(!first.rows.is_empty(), "{query:?}");
                for after in [None, first.next] {
                    let query = UserQuery { after, ..query.clone() };
                    let plan = store.explain_users(&query, 50).await.unwrap();
                    assert!(plan.contains(index), "{query:?}:\n{plan}");
                    // What many have may be looked for in all of so few users, where walking along the index found too little.
                    let is_common = query.search == "specialist";
                    assert!(is_common || !plan.contains("Seq Scan on m365_user"), "{query:?}:\n{plan}");
                    // What a search found is sorted, and each company's own; all users never are.
                    let sorts_all = plan.contains("USE TEMP B-TREE FOR ORDER BY") || plan.contains("->  Sort");
                    assert!(!sorts_all || query.company.is_some() || !query.search.is_empty(), "{query:?}:\n{plan}");
                }
            }
        }
    }
}
