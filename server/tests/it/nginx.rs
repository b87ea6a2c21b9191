//! nginx in front of several servers, set up as `deploy/nginx.conf` has it.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::harness::PATIENCE;

/// It ends when this is dropped.
pub struct Nginx {
    master: Child,
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, it would leave its workers behind.
        drop(Command::new("kill").args(["-TERM", &self.master.id().to_string()]).status());
        drop(self.master.wait());
    }
}

impl Nginx {
    pub async fn start(port: u16, servers: &[u16]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config(port, servers)).unwrap();
        let master = Command::new("nginx")
            // Debian keeps it out of the PATH of those who are not root.
            .env("PATH", format!("{}:/usr/sbin:/usr/local/sbin", std::env::var("PATH").unwrap()))
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr", "-g", "daemon off; pid nginx.pid; worker_processes 1; error_log stderr crit;"])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx can be run; `make nginx` installs it");
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "nginx listens");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { master, _folder: folder }
    }
}

/// The file that we ship, with what is of this place: the servers, the port, and folders that anybody may write to.
fn config(port: u16, servers: &[u16]) -> String {
    let server = |port: &u16| format!("server 127.0.0.1:{port} max_fails=1 fail_timeout=2s;");
    let servers: Vec<_> = servers.iter().map(server).collect();
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|what| format!("{what}_temp_path {what};"));
    let mut config = include_str!("../../../deploy/nginx.conf").to_owned();
    for (from, to) in [
        ("server tenantry:8080 resolve max_fails=1 fail_timeout=2s;", servers.join(" ")),
        (
            "resolver 127.0.0.11 valid=5s;",
            format!("access_log off; proxy_max_temp_file_size 0; {}", temporary.join(" ")),
        ),
        ("listen 8080;", format!("listen 127.0.0.1:{port};")),
    ] {
        assert!(config.contains(from), "{from} is in nginx.conf");
        config = config.replace(from, &to);
    }
    config
}
