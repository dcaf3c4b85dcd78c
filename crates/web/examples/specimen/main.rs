//! Every part on one page, served with the real headers: `cargo run -p web --example specimen`.
//! For looking at the style sheet and for the browser checks.

use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::watch;
use web::client_addr::TrustedProxies;
use web::serve::{Limits, Listener, serve};
use web::site::Site;

mod pages;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = TcpListener::bind(std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:0"))?;
    let url = format!("http://{}", socket.local_addr()?);
    let router = pages::router(Arc::new(Site::new(&url, &[], &[])?))?;
    #[expect(clippy::print_stdout, reason = "the address to open")]
    {
        println!("{url}/specimen");
    }
    let listener = Listener { socket, tls: None };
    let (_running, stop) = watch::channel(false);
    serve(
        vec![listener],
        router,
        TrustedProxies::default(),
        Limits::default(),
        stop,
    )
    .await?;
    Ok(())
}
