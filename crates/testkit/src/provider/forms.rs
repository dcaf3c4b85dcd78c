//! Going through a provider's own pages, up to the redirect that leaves it.

use super::ProviderError;
use crate::browser::{Form, Page, Tab};
use url::Url;

/// More pages than any provider has between the question and the answer.
const MOST_PAGES: usize = 8;

/// Where an authorization request wants its answer.
fn answer_goes_to(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let mut pairs = url.query_pairs();
    let (_, redirect) = pairs.find(|(name, _)| name == "redirect_uri")?;
    Url::parse(&redirect).ok()
}

/// Opens `url`, stopping before the client is reached.
pub(super) async fn open(tab: &mut Tab, url: &str) -> Result<Page, ProviderError> {
    let client = answer_goes_to(url).map(|back| back.origin().ascii_serialization());
    tab.stop_before(&client.unwrap_or_default());
    Ok(tab.open(url).await?)
}

/// The pages one after the other, each form filled by `fill`.
pub(super) async fn walk(
    tab: &mut Tab,
    url: &str,
    mut fill: impl FnMut(&Page) -> Result<Form, ProviderError>,
) -> Result<Url, ProviderError> {
    let mut page = open(tab, url).await?;
    for _ in 0..MOST_PAGES {
        if let Some(answer) = page.location()? {
            return Ok(answer);
        }
        page = tab.submit(fill(&page)?).await?;
    }
    Err(stuck(&page))
}

pub(super) fn stuck(page: &Page) -> ProviderError {
    ProviderError::Refused {
        asked: format!("the page at {}", page.url()),
        answer: page.text(),
    }
}
