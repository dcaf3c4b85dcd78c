//! Every registered route is behind its policy, for every kind of caller.

use axum::body::Body;
use http::StatusCode;
use support::{client, routes};
use web::route::Policy;

mod support;

#[tokio::test]
async fn a_route_lets_in_exactly_those_its_policy_names() {
    let client = client("https://mail.example.org");
    let routes = routes();
    assert_eq!(routes.rows().len(), 13);
    for row in routes.rows() {
        for caller in ["nobody", "person", "administrator"] {
            let request = client
                .request(row.method.clone(), &row.path.replace("{name}", "x"))
                .header("x-am", caller)
                .body(Body::empty())
                .unwrap();
            let status = client.send(request).await.status;
            let refused = match row.policy {
                Policy::Public | Policy::Carried | Policy::Machine => false,
                Policy::Person => caller != "person",
                Policy::Administrator => caller != "administrator",
            };
            assert_eq!(
                status == StatusCode::FORBIDDEN,
                refused,
                "{caller}: {} {} answered {status}",
                row.method,
                row.path
            );
        }
    }
}
