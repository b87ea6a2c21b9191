//! The server is killed at each step of the flow, and started again.

use std::{
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use app::domain::Status;
use reqwest::Url;
use serde_json::json;

use crate::{
    harness::{App, PATIENCE, Setup, Tenant, stranger},
    on_both_databases,
    person::{Person, location},
};

/// The real program, which dies when this is dropped.
pub struct Program(Child);

impl Program {
    pub async fn start(app: &App, output: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.envs(app.environment.iter().cloned()).stdout(output);
        let program = Self::run(&mut command);
        ready(&app.url).await;
        program
    }

    /// Starts it, and does not wait until it is ready.
    pub fn run(command: &mut Command) -> Self {
        Self(command.spawn().expect("the program starts"))
    }

    /// Ends it as an operator would, and waits until it is gone.
    pub fn terminate(&mut self) {
        let kill = format!("kill {}", self.0.id());
        Command::new("sh").args(["-c", &kill]).status().expect("it can be asked to end");
        self.0.wait().expect("it ends");
    }

    /// How much memory it has, in MB.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says so");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    }

    /// What it writes, if that is piped.
    pub fn output(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("its output is piped")
    }

    /// A worker without a server.
    pub fn worker(app: &App) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .arg("worker")
            .envs(app.environment.iter().cloned())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        Self(child)
    }

    /// Whether it goes on.
    pub fn lives(&mut self) -> bool {
        self.0.try_wait().expect("it can be asked").is_none()
    }

    /// SIGTERM, as an operator's program would send, and wait until it has ended.
    pub async fn stop(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(sent.expect("kill can be run").success());
        let ended = async {
            while self.lives() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
    }

    /// `kill -9`, and wait until it is gone.
    pub fn kill(mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }
}

/// Waits until the server at this address is ready.
pub async fn ready(url: &str) {
    let http = stranger();
    let ready = async {
        loop {
            match http.get(format!("{url}/readyz")).send().await {
                Ok(response) if response.status() == 200 => return,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("the program becomes ready");
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn start(app: &App) -> Program {
    Program::start(app, Stdio::null()).await
}

/// Kills the program once the sandbox has been asked for this path, while the answer is held back.
async fn killed_while_asking(app: &App, program: Program, path: &str, person: &Person, callback: &Url) {
    let before = app.times_asked(path).await;
    app.fault(json!({ "match": path, "delay_ms": 60_000 })).await;
    let asked = async {
        while app.times_asked(path).await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = person.open_only(callback) => panic!("the answer is held back"),
        done = tokio::time::timeout(PATIENCE, asked) => done.expect("the sandbox is asked"),
    }
    program.kill();
}

async fn assert_connected_once(app: &App, tenant: &Tenant) {
    let row = app.connected(&tenant.name).await;
    assert_eq!(row.figures.users, Some(tenant.users));
    let connected = app.rows().await.into_iter().filter(|row| row.tenant.is_some()).count();
    assert_eq!(connected, 1);
}

on_both_databases! {
    async fn killed_while_the_person_is_at_microsoft(engine) {
        let mut app = Setup::on(engine).start().await;
        app.stop().await;
        let tenant = app.tenants[0].clone();
        let person = Person::new(&app);

        let program = start(&app).await;
        let company = app.company(&tenant.name).await;
        let page = person.start(company).await;
        program.kill();

        let program = start(&app).await;
        assert!(matches!(app.row(&tenant.name).await.status, Status::SigningIn { .. }));
        let page = person.sign_in(&page, tenant.admin()).await;
        let consented = person.accept_only(&page).await;
        let authorize = location(&person.open_only(&consented).await).unwrap();
        program.kill();

        let _program = start(&app).await;
        assert_eq!(person.open(&authorize).await.heading(), format!("{} is connected", tenant.name));
        assert_connected_once(&app, &tenant).await;
    }

    async fn killed_while_the_answer_is_settled(engine) {
        let mut app = Setup::on(engine).start().await;
        app.stop().await;
        for (place, path) in ["/oauth2/v2.0/token", "/v1.0/organization", "/v1.0/me"].into_iter().enumerate() {
            let tenant = app.tenants[place].clone();
            let person = Person::new(&app);
            let program = start(&app).await;
            let company = app.company(&tenant.name).await;
            let callback = person.almost_connect(company, tenant.admin()).await;
            killed_while_asking(&app, program, path, &person, &callback).await;

            let program = start(&app).await;
            assert_eq!(app.row(&tenant.name).await.tenant, None, "nothing is half stored");
            assert_eq!(person.open(&callback).await.heading(), "This sign-in has already been used");
            // Nobody has to wait for what will not come.
            assert_eq!(person.connect_again(company).await.heading(), format!("{} is connected", tenant.name));
            let row = app.connected(&tenant.name).await;
            assert_eq!(row.figures.users, Some(tenant.users));
            drop(program);
        }
    }

    async fn killed_during_the_first_sync(engine) {
        let mut app = Setup::on(engine).start().await;
        app.stop().await;
        let tenant = app.tenants.iter().max_by_key(|tenant| tenant.users).unwrap().clone();
        let program = start(&app).await;
        app.fault(json!({ "match": "/v1.0/users", "delay_ms": 60_000 })).await;
        app.connect(&tenant).await;
        app.row_becomes(&tenant.name, |row| row.figures.licences.is_some()).await;
        program.kill();

        // The lease of the worker that died ends.
        app.clock.advance(Duration::from_mins(6));
        app.serve().await;
        assert_connected_once(&app, &tenant).await;
        app.stop().await;
    }
}
