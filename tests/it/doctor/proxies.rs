//! What may stand between Shopify and the service.

use std::process::{Command, Stdio};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use shopify_warmer::tasks::Tasks;

use crate::{command_line::Running, harness::until, redis_server::free_port};

/// A proxy that gets in the way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proxy {
    /// To another name.
    Redirects,
    /// Behind a password.
    Locks,
    /// With a page of its own.
    AnswersItself,
    /// As nginx does by default.
    TakesOneMegabyte,
    /// It knows only what it was told of.
    LosesWebhooks,
}

impl Proxy {
    /// Starts it before the service; where it listens.
    pub(super) async fn start(self, service: &str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = service.to_owned();
        let answer = move |request: Request| {
            let service = service.clone();
            async move { self.answer(request, &service).await }
        };
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable());
        Tasks::default()
            .tracker
            .spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn answer(self, request: Request, service: &str) -> Response {
        let is_webhook = request.uri().path().starts_with("/webhooks");
        match self {
            Self::Redirects => {
                let to = [(header::LOCATION, "https://www.example.com/")];
                (StatusCode::MOVED_PERMANENTLY, to).into_response()
            }
            Self::Locks => {
                let with = [(header::WWW_AUTHENTICATE, "Basic realm=\"staging\"")];
                (StatusCode::UNAUTHORIZED, with).into_response()
            }
            Self::AnswersItself => "Welcome!".into_response(),
            Self::TakesOneMegabyte => {
                match axum::body::to_bytes(request.into_body(), 1024 * 1024).await {
                    Ok(body) if is_webhook => passed_on(service, "/webhooks/shopify", body).await,
                    Ok(body) => passed_on(service, "/healthz", body).await,
                    Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
                }
            }
            Self::LosesWebhooks if is_webhook => {
                drop(axum::body::to_bytes(request.into_body(), usize::MAX).await);
                StatusCode::NOT_FOUND.into_response()
            }
            Self::LosesWebhooks => passed_on(service, "/healthz", Bytes::new()).await,
        }
    }
}

async fn passed_on(service: &str, path: &str, body: Bytes) -> Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = match path {
        "/healthz" => http.get(format!("{service}{path}")),
        _ => http.post(format!("{service}{path}")).body(body),
    };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, Body::from(answer.bytes().await.unwrap())).into_response()
}

/// A server whose certificate nobody vouches for.
pub(super) async fn self_signed() -> (Running, String) {
    let papers = tempfile::tempdir().unwrap();
    let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
                -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem";
    let status = openssl(make, papers.path()).status().unwrap();
    assert!(status.success());
    let port = free_port();
    let serve =
        format!("s_server -accept 127.0.0.1:{port} -cert cert.pem -key key.pem -www -quiet");
    let server = Running(openssl(&serve, papers.path()).spawn().unwrap());
    until("the server listens", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .ok()
            .map(drop)
    })
    .await;
    (server, format!("https://localhost:{port}"))
}

fn openssl(arguments: &str, papers: &std::path::Path) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split_whitespace())
        .current_dir(papers)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
