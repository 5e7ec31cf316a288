//! Kerberos for signing in with a keytab: the client's side of SASL GSSAPI (RFC 4752), in a process of its own.
//!
//! MIT's library finds the keytab by an environment variable, blocks while it waits for a KDC, and is written in C. A child process can be
//! given variables, can be ended in the middle of a call, and takes nobody with it when it crashes. The child is this same program
//! ([`helper`], the hidden command [`COMMAND`]); the two exchange frames on its standard input and output. Its tickets live in its memory
//! and go with it.

pub mod error;
#[cfg(feature = "gssapi")]
pub mod helper;
pub mod keytab;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

pub use error::{Failure, Fault, KerberosError};

/// The hidden command that makes this program the helper.
pub const COMMAND: &str = "kerberos-sign-in";
/// No frame is longer; a ticket with thousands of groups in it has some 64 KB.
pub const MAX_FRAME: usize = 1 << 20;
/// The kind of a frame from the child that goes to the server.
pub const TOKEN: u8 = 0;
/// The kind of a frame from the child that ends it all: a code of the library in 4 bytes, and its words.
pub const FAILED: u8 = 1;

/// Whether this build can do Kerberos at all.
#[must_use]
pub const fn is_built_in() -> bool {
    cfg!(feature = "gssapi")
}

/// Who signs in where.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The file with the keys.
    pub keytab: &'a Path,
    /// Whose keys: `name@REALM`.
    pub principal: &'a str,
    /// The server's full name, as it stands in its service's principal.
    pub host: &'a str,
    /// What binds the sign-in to the TLS connection (RFC 5929), when there is something.
    pub binding: Option<&'a [u8]>,
}

/// A sign-in under way. Dropping it ends the child.
pub struct Initiator {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    limit: Duration,
}

impl Initiator {
    /// Gets a ticket for the server's `ldap` service, and the first token for it. Each step may take `limit`.
    ///
    /// # Errors
    /// When there is no ticket, with the reason in words.
    pub async fn start(order: &Order<'_>, limit: Duration) -> Result<(Initiator, Vec<u8>), KerberosError> {
        // Not by its name: an upgrade may have put another program there.
        Initiator::start_program(Path::new("/proc/self/exe"), order, limit).await
    }

    async fn start_program(
        program: &Path,
        order: &Order<'_>,
        limit: Duration,
    ) -> Result<(Initiator, Vec<u8>), KerberosError> {
        let mut keytab = std::ffi::OsString::from("FILE:");
        keytab.push(order.keytab);
        let started = Command::new(program)
            .arg0("budkavle")
            .arg(COMMAND)
            .arg(format!("--principal={}", order.principal))
            // Without a realm: the KDCs say whose the server is. Not as a host-based name, which would be looked up in DNS.
            .arg(format!("--service=ldap/{}@", order.host))
            .env("KRB5_CLIENT_KTNAME", keytab)
            .env("KRB5CCNAME", "MEMORY:")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child =
            started.map_err(|error| KerberosError::Helper(format!("it can't be started: {error}")))?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(KerberosError::Helper("it has no pipes".to_owned()));
        };
        let mut initiator = Initiator { child, to, from, limit };
        let token = initiator.step(order.binding.unwrap_or_default()).await?;
        Ok((initiator, token))
    }

    /// What to answer to the server's challenge.
    ///
    /// # Errors
    /// When the server isn't who it says it is, offers no connection without a security layer, or the library fails.
    pub async fn step(&mut self, challenge: &[u8]) -> Result<Vec<u8>, KerberosError> {
        let limit = self.limit;
        match timeout(limit, self.exchange(challenge)).await {
            Ok(done) => done,
            Err(_) => Err(KerberosError::Late(limit)),
        }
    }

    async fn exchange(&mut self, challenge: &[u8]) -> Result<Vec<u8>, KerberosError> {
        let sent = async {
            let length = u32::try_from(challenge.len()).map_err(std::io::Error::other)?;
            self.to.write_all(&length.to_be_bytes()).await?;
            self.to.write_all(challenge).await?;
            self.to.flush().await
        };
        // A child that has ended has perhaps said why.
        let _ = sent.await;
        match self.frame().await {
            Ok((TOKEN, token)) => Ok(token),
            Ok((FAILED, words)) => Err(Failure::parse(&words).into()),
            Ok(_) => Err(KerberosError::Helper("it answered what can't be understood".to_owned())),
            Err(error) => {
                let ended = self.child.wait().await.map(|status| status.to_string());
                Err(KerberosError::Helper(format!("{error} ({})", ended.unwrap_or_default())))
            }
        }
    }

    async fn frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let kind = self.from.read_u8().await?;
        let length = usize::try_from(self.from.read_u32().await?).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(std::io::Error::other("it answered too much"));
        }
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).await?;
        Ok((kind, bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    /// A helper that does as this script says.
    fn helper(script: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("helper");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
        (folder, program)
    }

    async fn start(script: &str, limit: Duration) -> Result<(Initiator, Vec<u8>), KerberosError> {
        let (_folder, program) = helper(script);
        let order = Order {
            keytab: Path::new("/etc/budkavle/keytab"),
            principal: "reader@EXAMPLE.ORG",
            host: "dc1.example.org",
            binding: Some(b"tls"),
        };
        Initiator::start_program(&program, &order, limit).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn tokens_go_to_and_fro() {
        // Frames of 3 bytes in ("tls", "abc"), and their echo out.
        let echo = r#"printf '\0\0\0\0\3'; head -c 7 | tail -c 3"#;
        let (mut initiator, first) = start(&format!("{echo}; {echo}; cat >/dev/null"), LONG).await.unwrap();
        assert_eq!(first, b"tls");
        assert_eq!(initiator.step(b"abc").await.unwrap(), b"abc");
    }

    #[tokio::test]
    async fn it_is_told_who_and_where_by_arguments_and_variables() {
        let script = r#"text="$* $KRB5_CLIENT_KTNAME $KRB5CCNAME"; printf '\0\0\0\0'; printf "\\$(printf %o ${#text})"; printf %s "$text"; cat >/dev/null"#;
        let (_, told) = start(script, LONG).await.unwrap();
        assert_eq!(
            String::from_utf8(told).unwrap(),
            "kerberos-sign-in --principal=reader@EXAMPLE.ORG --service=ldap/dc1.example.org@ FILE:/etc/budkavle/keytab MEMORY:"
        );
    }

    #[tokio::test]
    async fn a_helper_that_fails_hangs_or_talks_nonsense_is_an_error() {
        let failure = r#"printf '\1\0\0\0\013\377\377\377\377no ticket'; printf x"#;
        let nonsense = r"printf '\7\0\0\0\0'";
        let too_much = r"printf '\0\377\377\377\377'";
        for (script, limit, words) in [
            (failure, LONG, "no tick"),
            (nonsense, LONG, "can't be understood"),
            (too_much, LONG, "too much"),
            ("exit 7", LONG, "exit status: 7"),
            ("exec sleep 600", Duration::from_millis(50), "within 0.05 s"),
        ] {
            let error = start(script, limit).await.err().unwrap().to_string();
            assert!(error.contains(words), "{script}: {error}");
        }
    }

    #[tokio::test]
    async fn the_child_ends_with_the_sign_in() {
        let (initiator, pid) =
            start(r#"pid=$$; printf '\0\0\0\0'; printf "\\$(printf %o ${#pid})"; printf %s $pid; exec cat >/dev/null"#, LONG)
                .await
                .unwrap();
        let process = format!("/proc/{}/stat", String::from_utf8(pid).unwrap());
        drop(initiator);
        let gone = async {
            // A killed child is a zombie until the runtime has asked for its status.
            while std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z ")) {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, gone).await.expect("the child has ended");
    }
}
