//! Tenants made for a test, and whether what is stored of them is what they are.

use std::collections::BTreeMap;

use app::domain::CompanyId;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, FromQueryResult as _, Statement};
use serde_json::{Value, json};
use server::{clock::Clock as _, store::options_for};
use uuid::Uuid;

use crate::harness::{App, Tenant};

/// How much of something a test does: a little, unless `SOAK` is set.
pub fn scale(quick: u32, soak: u32) -> u32 {
    if std::env::var_os("SOAK").is_some() { soak } else { quick }
}

/// Somebody, as far as it is compared.
#[derive(Debug, PartialEq, Eq, sea_orm::FromQueryResult)]
pub struct Person {
    pub display_name: Option<String>,
    pub user_principal_name: Option<String>,
    pub mail: Option<String>,
    pub guest: bool,
    pub enabled: bool,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub licences: String,
}

/// A data set that is not up to date.
#[derive(Debug, PartialEq, Eq, sea_orm::FromQueryResult)]
pub struct Trouble {
    pub data_set: String,
    pub problem: String,
}

impl App {
    /// A company, and a tenant of its domain.
    pub async fn new_tenant(&self, name: &str, users: u32) -> Tenant {
        let domain = format!("{}.test", name.to_lowercase());
        self.control("tenants", json!({ "name": name, "domain": domain, "users": users })).await;
        self.import(&format!("name,domain\n{name},{domain}\n")).await;
        let tenants: Vec<Tenant> = self.sandbox_says("tenants").await;
        tenants.into_iter().find(|tenant| tenant.name == name).unwrap()
    }

    async fn sandbox_says<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// The database, past the server.
    pub async fn database(&self) -> DatabaseConnection {
        Database::connect(options_for(self.config().database_url.expose())).await.unwrap()
    }

    /// Runs SQL with a company's id. Both databases write it with `$1`.
    pub async fn execute(&self, sql: &str, company: CompanyId) {
        let db = self.database().await;
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [company.uuid().into()]);
        db.execute_raw(statement).await.unwrap();
        db.close().await.unwrap();
    }

    /// Everybody who is stored.
    pub async fn stored(&self, company: CompanyId) -> BTreeMap<Uuid, Person> {
        let db = self.database().await;
        let sql = "SELECT * FROM m365_user WHERE company_id = $1";
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [company.uuid().into()]);
        let rows = db.query_all_raw(statement).await.unwrap();
        db.close().await.unwrap();
        let person = |row| (row_id(&row), Person::from_query_result(&row, "").unwrap());
        rows.into_iter().map(person).collect()
    }

    /// What is not up to date of a company.
    pub async fn troubles(&self, company: CompanyId) -> Vec<Trouble> {
        let db = self.database().await;
        let sql =
            "SELECT data_set, problem FROM dataset_state WHERE company_id = $1 AND problem IS NOT NULL ORDER BY 1";
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [company.uuid().into()]);
        let rows = db.query_all_raw(statement).await.unwrap();
        db.close().await.unwrap();
        rows.iter().map(|row| Trouble::from_query_result(row, "").unwrap()).collect()
    }

    /// Everybody in the tenant.
    async fn people(&self, tenant: &Tenant) -> BTreeMap<Uuid, Person> {
        let people: Vec<Value> = self.sandbox_says(&format!("tenants/{}/users", tenant.id)).await;
        let text = |person: &Value, name: &str| person[name].as_str().map(str::to_owned);
        let licences = |person: &Value| {
            let ids = person["assignedLicenses"].as_array().unwrap().iter();
            ids.map(|licence| licence["skuId"].as_str().unwrap().to_lowercase()).collect::<Vec<_>>().join(" ")
        };
        let person = |person: Value| {
            let id = person["id"].as_str().unwrap().parse().unwrap();
            (
                id,
                Person {
                    display_name: text(&person, "displayName"),
                    user_principal_name: text(&person, "userPrincipalName"),
                    mail: text(&person, "mail"),
                    guest: person["userType"] == "Guest",
                    enabled: person["accountEnabled"].as_bool().unwrap(),
                    department: text(&person, "department"),
                    job_title: text(&person, "jobTitle"),
                    licences: licences(&person),
                },
            )
        };
        people.into_iter().map(person).collect()
    }

    /// What is stored of the tenant's people is what the tenant is.
    pub async fn assert_in_step(&self, tenant: &Tenant) {
        let (stored, people) = (self.stored(self.company(&tenant.name).await).await, self.people(tenant).await);
        assert_eq!(stored.len(), people.len());
        for (id, person) in &people {
            assert_eq!(stored.get(id), Some(person), "{id}");
        }
    }

    /// What the sandbox counted: HTTP requests for paths of a tenant with this in them, without the parts of batches.
    pub async fn http_requests(&self, tenant: &Tenant, path: &str) -> u64 {
        let counts: Value = self.sandbox_says("requests").await;
        let requests = counts["requests"].as_array().unwrap().iter();
        requests
            .filter(|r| r["tenant"] == *tenant.id && r["path"].as_str().unwrap().contains(path))
            .map(|r| r["count"].as_u64().unwrap() - r["in_batch"].as_u64().unwrap_or(0))
            .sum()
    }

    /// How the sandbox's budgets were kept.
    pub async fn throttling(&self) -> Value {
        let mut counts: Value = self.sandbox_says("requests").await;
        counts["throttling"].take()
    }

    /// Reads the company now.
    pub async fn sync_now(&self, tenant: &Tenant) {
        let company = self.company(&tenant.name).await;
        self.post("connections/sync", json!({ "company": company })).await.error_for_status().unwrap();
    }

    /// Reads the company now, and waits until that is done.
    pub async fn synced(&self, tenant: &Tenant) {
        let before = self.row(&tenant.name).await.synced_at;
        self.sync_now(tenant).await;
        self.row_becomes(&tenant.name, |row| row.synced_at > before).await;
        self.idle(self.company(&tenant.name).await).await;
    }

    /// Whether the company is being read, or will be at once.
    pub async fn is_due(&self, company: CompanyId) -> bool {
        let db = self.database().await;
        let sql = "SELECT id FROM connection WHERE company_id = $1 AND (lease IS NOT NULL OR due_at <= $2)";
        let values = [company.uuid().into(), self.clock.now().as_millis().into()];
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let due = !db.query_all_raw(statement).await.unwrap().is_empty();
        db.close().await.unwrap();
        due
    }

    /// Waits until nobody reads the company.
    pub async fn idle(&self, company: CompanyId) {
        let db = self.database().await;
        let sql = "SELECT id FROM connection WHERE company_id = $1 AND lease IS NOT NULL";
        let wait = async {
            loop {
                let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [company.uuid().into()]);
                if db.query_all_raw(statement).await.unwrap().is_empty() {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, wait).await.expect("a round ends");
        db.close().await.unwrap();
    }
}

fn row_id(row: &sea_orm::QueryResult) -> Uuid {
    row.try_get("", "id").unwrap()
}
