//! `gatepost mailbox method`

use app::mailboxes::{DEFAULT_PASSWORD_GRACE_DAYS, MethodSwitch};
use model::address::Address;
use model::time::{Clock as _, DAY, SystemClock};

use crate::administration::Request;
use crate::administration::mailboxes::{MailboxDetails, MailboxRequest};
use crate::commands::device::last_use;
use crate::commands::office::Office;
use crate::commands::output;
use crate::commands::values::{self, End};

/// Which mailbox, and to what.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost mailbox method bob@example.org provider example-sso --keep-password-until 30d
  gatepost mailbox method bob@example.org local")]
pub(in crate::commands) struct Arguments {
    /// Its address.
    #[arg(value_parser = values::address)]
    address: Address,
    #[command(subcommand)]
    to: To,
}

#[derive(Debug, clap::Subcommand)]
enum To {
    /// By the local password; one that lies dormant works again.
    Local,
    /// By a provider; the local password stays, dormant.
    Provider {
        /// The provider.
        #[arg(value_name = "SLUG")]
        provider: String,
        /// The only person who may take the mailbox, as the provider calls them.
        #[arg(long, value_name = "SUBJECT")]
        subject: Option<String>,
        /// How long mail programs may still use the password: a day, 30d, or no [default: 14d]
        #[arg(long, value_name = "DAY", value_parser = values::end_or_no)]
        keep_password_until: Option<End>,
    },
}

impl Arguments {
    /// The request. Before a switch to a provider, says which mail programs use the password.
    pub(super) async fn request(self, office: &mut Office) -> anyhow::Result<MailboxRequest> {
        let Self { address, to } = self;
        let switch = match to {
            To::Local => MethodSwitch::Local,
            To::Provider {
                provider,
                subject,
                keep_password_until,
            } => {
                tell_uses(office, &address).await?;
                let grace = DAY * u32::try_from(DEFAULT_PASSWORD_GRACE_DAYS)?;
                let usual = End(Some(SystemClock.now().plus(grace)));
                MethodSwitch::Provider {
                    provider,
                    expected_subject: subject,
                    keep_password_until: keep_password_until.unwrap_or(usual).0,
                }
            }
        };
        Ok(MailboxRequest::Method { address, switch })
    }
}

async fn tell_uses(office: &mut Office, address: &Address) -> anyhow::Result<()> {
    let request = Request::Mailbox(MailboxRequest::Show(address.clone()));
    let mailbox: MailboxDetails = serde_json::from_value(office.ask(request).await?)?;
    if mailbox.password_uses.is_empty() {
        return Ok(());
    }
    output::problem("note: mail programs used the password in the last 30 days:");
    for last in &mailbox.password_uses {
        output::problem(&format!("  {}", last_use(last)));
    }
    Ok(())
}
