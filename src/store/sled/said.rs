//! What sled says when it can't.

use std::io::ErrorKind;

use super::super::jobs::trouble::Trouble;

impl From<sled::Error> for Trouble {
    fn from(e: sled::Error) -> Self {
        match e {
            sled::Error::Io(e) if e.to_string().contains("could not acquire lock") => {
                Trouble::InUse(String::new())
            }
            // A file that is shorter than its own references, or says nonsense, is damage; the rest is the disk's or the rights'.
            sled::Error::Io(e)
                if matches!(
                    e.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput
                ) =>
            {
                Trouble::Damaged(format!("the engine met {e}"))
            }
            sled::Error::Io(e) => Trouble::io("read or written", &e),
            sled::Error::Corruption { at, .. } => Trouble::Damaged(match at {
                Some(at) => format!("the engine met corruption at {at}"),
                None => "the engine met corruption".into(),
            }),
            other => Trouble::Damaged(format!("the engine said: {other}")),
        }
    }
}
