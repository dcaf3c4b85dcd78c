//! A private instance of both engines, a stand-in for Gatepost's sockets and a line client.
pub mod gatepost;
pub mod instance;
pub mod wire;

/// Tries until `attempt` gives a value; panics with `what` after 15 s.
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(15);
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "never came: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}
