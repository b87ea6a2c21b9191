//! Many users of many companies, past the sync. The benchmark fills its databases with them too.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr};

const FIRST: [&str; 40] = [
    "Anna", "Ben", "Chloé", "David", "Emma", "Frank", "Grace", "Hugo", "Ida", "Jürgen", "Kim", "Lea", "Max", "Nina",
    "Oscar", "Paula", "Quentin", "Rosa", "Sam", "Tina", "Uma", "Victor", "Wendy", "Xaver", "Yara", "Zoë", "Arthur",
    "Bella", "Carl", "Dora", "Erik", "Fiona", "Georg", "Hanna", "Ivan", "Julia", "Karl", "Laura", "Mark", "Nora",
];
const LAST: [&str; 50] = [
    "Abel", "Baker", "Cole", "Dunn", "Evans", "Fischer", "Grant", "Hall", "Irwin", "Jones", "Klein", "Lopez", "Müller",
    "Nolan", "Owens", "Price", "Quinn", "Reyes", "Smith", "Turner", "Unger", "Vogel", "Weber", "Xu", "Young", "Zimmer",
    "Adams", "Brown", "Clark", "Davis", "Ellis", "Foster", "Green", "Hughes", "Ingram", "James", "King", "Lewis",
    "Moore", "Nash", "Olsen", "Parker", "Ramos", "Scott", "Taylor", "Usher", "Vance", "Walker", "Yates", "Zhang",
];
const TITLE: [&str; 12] = [
    "Specialist",
    "Account Manager",
    "Sales Director",
    "Engineer",
    "Accountant",
    "Recruiter",
    "Support Agent",
    "Counsel",
    "Analyst",
    "Assistant",
    "Team Lead",
    "Technician",
];
const DEPARTMENT: [&str; 6] = ["Sales", "Finance", "Engineering", "Human Resources", "Support", "Legal"];

/// Fills an empty database with this many companies of so many users each. The company of number `n` has the id `n`.
pub async fn fill(db: &DatabaseConnection, companies: usize, users: usize) -> Result<(), DbErr> {
    // Written by the database itself: a million rows over a connection would take the test's time.
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    let uuid = |text: &str| {
        if sqlite {
            format!("unhex(printf('%032x', {text}))")
        } else {
            format!("CAST(lpad(to_hex({text}), 32, '0') AS uuid)")
        }
    };
    let series = |from: usize, to: usize| {
        if sqlite {
            format!(
                "(WITH RECURSIVE s(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM s WHERE n < {to}) SELECT n FROM s)"
            )
        } else {
            format!("(SELECT generate_series({from}, {to}) AS n)")
        }
    };
    let pick = |list: &[&str], place: &str| {
        let cases: Vec<_> = list.iter().enumerate().map(|(n, item)| format!(" WHEN {n} THEN '{item}'")).collect();
        let cases = cases.concat();
        let array = list.iter().map(|item| format!("'{item}'")).collect::<Vec<_>>().join(",");
        let count = list.len();
        if sqlite {
            format!("(CASE ({place}) % {count}{cases} END)")
        } else {
            format!("(ARRAY[{array}])[({place}) % {count} + 1]")
        }
    };
    let companies_sql = format!(
        "INSERT INTO company (id, name, created_at, revision, changed_at) \
         SELECT {}, 'Company ' || n, 0, 1, 0 FROM {} AS s",
        uuid("n"),
        series(1, companies)
    );
    db.execute_unprepared(&companies_sql).await?;
    let (first, last) = (pick(&FIRST, "n * 7 + n / 40"), pick(&LAST, "n * 13 + n / 50"));
    let step = 100_000;
    for from in (0..companies * users).step_by(step) {
        let to = (from + step).min(companies * users) - 1;
        let statement = format!(
            "INSERT INTO m365_user (company_id, id, display_name, user_principal_name, mail, guest, enabled, department, \
             job_title, licences, generation) \
             SELECT {}, {}, {first} || ' ' || {last}, \
             lower({first}) || '.' || lower({last}) || n || '@company' || (n / {users} + 1) || '.test', NULL, \
             n % 20 = 0, n % 50 <> 0, {}, {}, '', 1 FROM {} AS s",
            uuid(&format!("n / {users} + 1")),
            uuid("n + 1000000"),
            pick(&DEPARTMENT, "n"),
            pick(&TITLE, "n / 7"),
            series(from, to)
        );
        db.execute_unprepared(&statement).await?;
    }
    // As a database is that has not just been filled.
    db.execute_unprepared(if sqlite { "ANALYZE" } else { "VACUUM ANALYZE" }).await?;
    Ok(())
}
