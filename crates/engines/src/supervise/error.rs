//! Why a configuration did not come into force.

use crate::accounts::AccountsError;
use crate::addresses::AddressError;
use crate::certs::CertificateError;
use crate::check::DescriptionError;
use crate::files::FileError;
use crate::prepare::PrepareError;
use crate::processes::Engine;
use crate::programs::ProgramsError;
use crate::validate::Refused;

/// Why a configuration did not come into force. What ran before goes on unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum EnginesError {
    /// Not installed, or no renderer for the release.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// The description cannot be rendered.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// An account does not exist.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The directories are not fit.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A configuration file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// An engine refused the configuration.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// An engine accepted the configuration but did not run with it.
    #[error("{engine} does not run: {words}")]
    NotRunning {
        /// Which one.
        engine: Engine,
        /// What it said.
        words: String,
    },
    /// Somebody else listens where an engine should.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A running engine did not take up its configuration.
    #[error("{engine} did not reload: {words}")]
    Reload {
        /// Which one.
        engine: Engine,
        /// What it said.
        words: String,
    },
    /// Each engine failed for a reason of its own.
    #[error("{0}; {1}")]
    Both(Box<EnginesError>, Box<EnginesError>),
    /// Left-over engines could not be ended.
    #[error("left-over engines: {0}")]
    LeftOver(std::io::Error),
    /// A change that needs a new start.
    #[error("other directories, or mail transport switched on or off, need a restart")]
    OtherInstance,
    /// The engines have been stopped, or no such engine runs in this instance.
    #[error("{0} is not supervised")]
    NotSupervised(Engine),
}
