//! A disk that is full or can't be written to, and a clock that is wrong, for one program: see `tests/faults.c`.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    harness::App,
    restart::{Program, ready},
};

/// "No space left on device".
pub const FULL: i64 = 28;

/// "Read-only file system".
pub const READ_ONLY: i64 = 30;

/// What is done to a program.
pub struct Faults {
    folder: TempDir,
    orders: File,
}

impl Faults {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(folder.path().join("faults.so"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults.c"))
            .arg("-ldl")
            .status();
        assert!(built.expect("there is a C compiler").success());
        let orders = File::create(folder.path().join("orders")).unwrap();
        orders.set_len(16).unwrap();
        Self { folder, orders }
    }

    /// Every write to the folder of data fails like this; or none, with 0.
    pub fn writes_fail(&self, error: i64) {
        self.orders.write_all_at(&error.to_ne_bytes(), 0).unwrap();
    }

    /// The clock is ahead by so much.
    pub fn clock_ahead(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.orders.write_all_at(&by.to_ne_bytes(), 8).unwrap();
    }

    /// The program, to which this is done.
    pub fn command(&self, app: &App) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command
            .envs(app.environment.iter().cloned())
            .env("LD_PRELOAD", self.folder.path().join("faults.so"))
            .env("FAULTS_FILE", self.folder.path().join("orders"))
            .env("FAULTS_FOLDER", app.data.path().canonicalize().unwrap())
            .stdin(Stdio::null());
        command
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts it.
    pub async fn start(&self, app: &App) -> Program {
        let log = File::create(self.log_file()).unwrap();
        let program = Program::run(self.command(app).stdout(log));
        ready(&app.url).await;
        program
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }
}
