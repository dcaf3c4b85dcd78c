//! The files browsers fetch beside pages: one style sheet, one module, one sprite, one icon. Each
//! is embedded and served under a name with its hash, so that caches may keep it for ever.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::LazyLock;

use crate::error::Failure;

/// The route of all assets.
pub const ROUTE: &str = "/assets/{name}";

/// An embedded file.
#[derive(Debug)]
pub struct Asset {
    path: String,
    etag: String,
    kind: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    /// Its URL path, with the hash of its content.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

macro_rules! assets {
    ($($(#[$doc:meta])* $name:ident: $stem:literal, $ext:literal, $kind:literal;)*) => {
        $($(#[$doc])* pub static $name: LazyLock<Asset> = LazyLock::new(|| {
            let file = include_bytes!(concat!("../assets/", $stem, ".", $ext));
            asset($stem, $ext, $kind, file)
        });)*

        /// All of them.
        #[must_use]
        pub fn all() -> Vec<&'static Asset> {
            vec![$(&*$name),*]
        }
    };
}

assets! {
    /// The style sheet.
    STYLE: "gatepost", "css", "text/css; charset=utf-8";
    /// The browser module.
    SCRIPT: "gatepost", "js", "text/javascript; charset=utf-8";
    /// The sprite of all icons.
    ICONS: "icons", "svg", "image/svg+xml";
    /// The icon of browser tabs.
    FAVICON: "favicon", "svg", "image/svg+xml";
}

fn asset(stem: &str, ext: &str, kind: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let hash: String = digest
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Asset {
        path: format!("/assets/{stem}.{hash}.{ext}"),
        etag: format!("\"{hash}\""),
        kind,
        bytes,
    }
}

/// Answers with an asset, or 304 to a browser that has it.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let named = |asset: &&Asset| asset.path.strip_prefix("/assets/") == Some(name.as_str());
    let Some(asset) = all().into_iter().find(named) else {
        return Failure::not_found().into_response();
    };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|tags| tags.contains(&asset.etag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
    };
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, forever);
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
