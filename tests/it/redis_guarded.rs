//! A Redis as a careful operator runs it: TLS with a CA of its own, and a user who may do what the service needs and no more.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use tempfile::TempDir;

use crate::redis_server::{RedisServer, free_port};

const PASSWORD: &str = "p@ss/w:rd#1";

/// The server. It has a plain port besides, for the test's own commands.
pub(crate) struct GuardedRedis {
    server: RedisServer,
    tls_port: u16,
    papers: TempDir,
}

impl GuardedRedis {
    pub(crate) async fn start() -> Self {
        let papers = tempfile::tempdir().unwrap();
        certify(papers.path());
        let port = AtomicU16::new(0);
        let server = RedisServer::start_set(|| {
            port.store(free_port(), Ordering::SeqCst);
            settings(papers.path(), port.load(Ordering::SeqCst))
        })
        .await;
        for rule in acl_of_the_readme() {
            let rule = rule.replace("<password>", PASSWORD);
            let words: Vec<_> = ["ACL", "SETUSER"]
                .into_iter()
                .chain(rule.split_whitespace().skip(1))
                .collect();
            let () = server.cli(&words).await;
        }
        Self {
            server,
            tls_port: port.into_inner(),
            papers,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.url_as("warmer", "p%40ss%2Fw%3Ard%231", &self.ca())
    }

    pub(crate) fn url_as(&self, user: &str, password: &str, ca: &Path) -> String {
        format!(
            "rediss://{user}:{password}@localhost:{}/3?ca={}",
            self.tls_port,
            ca.display()
        )
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.papers.path().join("ca.crt")
    }

    /// The CA of nobody we know.
    pub(crate) fn strange_ca(&self) -> PathBuf {
        self.papers.path().join("strange.crt")
    }

    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    pub(crate) fn server(&self) -> &RedisServer {
        &self.server
    }

    pub(crate) async fn flush(&self) {
        let () = self.server.cli(&["FLUSHALL"]).await;
    }
}

/// The lines a reader of the README copies, so that it is tested that they suffice.
fn acl_of_the_readme() -> Vec<String> {
    let readme = include_str!("../../README.md");
    let lines = readme
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("user warmer "));
    let lines: Vec<_> = lines.map(str::to_owned).collect();
    assert!(!lines.is_empty(), "the README has the service's ACL");
    lines
}

/// A CA, a certificate for localhost signed by it, and a CA that signed nothing.
fn certify(papers: &Path) {
    let openssl = |arguments: &str| {
        let done = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(papers)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let done = done.expect("openssl is not installed: `make test` installs it");
        assert!(done.success(), "openssl {arguments}");
    };
    for name in ["ca", "strange"] {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} \
             -addext basicConstraints=critical,CA:TRUE -keyout {name}.key -out {name}.crt"
        ));
    }
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout redis.key -out redis.csr",
    );
    std::fs::write(
        papers.join("names.cnf"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    openssl(
        "x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names.cnf -out redis.crt",
    );
}

fn settings(papers: &Path, port: u16) -> Vec<String> {
    let (port, paper) = (port.to_string(), |name: &str| {
        papers.join(name).display().to_string()
    });
    let settings = [
        ("--tls-port", port),
        ("--tls-cert-file", paper("redis.crt")),
        ("--tls-key-file", paper("redis.key")),
        ("--tls-ca-cert-file", paper("ca.crt")),
        ("--tls-auth-clients", "no".to_owned()),
    ];
    let pairs = settings.into_iter();
    pairs
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
}
