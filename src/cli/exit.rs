//! How a command ends.

use std::future::Future;
use std::process::{ExitCode, Termination};

use super::print::Out;

/// The exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed.
    Failed,
    /// 2: wrong usage or configuration.
    Usage,
    /// 3: held for approval.
    Held,
    /// 4: the daemon isn't running.
    NotRunning,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Held => 3,
            Exit::NotRunning => 4,
        })
    }
}

/// Why a command couldn't do it.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Trouble {
    /// The exit code.
    pub exit: Exit,
    /// A full sentence, or several lines.
    pub text: String,
}

impl Trouble {
    /// It failed.
    pub fn failed(text: impl ToString) -> Trouble {
        Trouble { exit: Exit::Failed, text: text.to_string() }
    }

    /// What was asked makes no sense.
    pub fn usage(text: impl ToString) -> Trouble {
        Trouble { exit: Exit::Usage, text: text.to_string() }
    }

    /// Says so on stderr, as JSON where that is wanted.
    pub fn tell(&self, out: &Out) -> Exit {
        out.trouble(&self.text);
        self.exit
    }
}

/// Runs `work` on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime
        .map_err(|e| Trouble::failed(format!("the system refuses what is needed to run: {e}")))?
        .block_on(work))
}
