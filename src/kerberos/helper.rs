//! The helper process: gets the ticket and speaks SASL GSSAPI (RFC 4752) for its parent, frame by frame, until that closes the pipe.

use std::io::{self, Read, Write};

use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error as GssError;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL, OidSet};

use super::{FAILED, Failure, MAX_FRAME, TOKEN};

/// The bit for "no security layer" (RFC 4752 §3.3). TLS protects the connection; Active Directory takes no second layer in it.
const NO_LAYER: u8 = 1;

/// Signs `principal` in to `service`, reading frames from `input` and writing them to `output`.
///
/// # Errors
/// When a pipe breaks. A refusal goes to the parent in a frame.
pub fn run(principal: &str, service: &str, mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let Some(binding) = frame(&mut input)? else { return Ok(()) };
    let mut client = match Client::new(principal, service, binding) {
        Ok(client) => client,
        Err(failure) => return send(&mut output, FAILED, &failure.to_bytes()),
    };
    let mut challenge = None;
    loop {
        match client.answer(challenge.as_deref()) {
            Ok(token) => send(&mut output, TOKEN, &token)?,
            Err(failure) => return send(&mut output, FAILED, &failure.to_bytes()),
        }
        challenge = frame(&mut input)?;
        if challenge.is_none() {
            return Ok(());
        }
    }
}

struct Client {
    context: ClientCtx,
    binding: Vec<u8>,
    established: bool,
}

impl Client {
    fn new(principal: &str, service: &str, binding: Vec<u8>) -> Result<Client, Failure> {
        let mechanisms = OidSet::singleton(GSS_MECH_KRB5).map_err(failure)?;
        let who = Name::new(principal.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)).map_err(failure)?;
        let service = Name::new(service.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)).map_err(failure)?;
        let credentials =
            Cred::acquire(Some(&who), None, CredUsage::Initiate, Some(&mechanisms)).map_err(failure)?;
        // The server has to prove itself, too.
        let flags = CtxFlags::GSS_C_MUTUAL_FLAG | CtxFlags::GSS_C_SEQUENCE_FLAG;
        let context = ClientCtx::new(Some(credentials), service, flags, Some(GSS_MECH_KRB5));
        Ok(Client { context, binding, established: false })
    }

    fn answer(&mut self, challenge: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
        if !self.established {
            let binding = Some(self.binding.as_slice()).filter(|binding| !binding.is_empty());
            let token = self.context.step(challenge, binding).map_err(failure)?;
            self.established = self.context.is_complete();
            // Without a token an empty answer asks for the security layers.
            return Ok(token.map(|token| token.to_vec()).unwrap_or_default());
        }
        let offered = self.context.unwrap(challenge.unwrap_or_default()).map_err(failure)?;
        if offered.len() != 4 || offered.first().is_none_or(|layers| layers & NO_LAYER == 0) {
            return Err(Failure {
                code: 0,
                text: "the server wants a security layer of its own inside TLS (Samba: \"ldap server require strong auth = \
                       allow_sasl_over_tls\" lets it go without)"
                    .into(),
            });
        }
        let chosen = [NO_LAYER, 0, 0, 0];
        self.context.wrap(false, &chosen).map(|token| token.to_vec()).map_err(failure)
    }
}

fn failure(error: GssError) -> Failure {
    let text = error.to_string();
    // The words of the mechanism stand in parentheses behind the general ones.
    let specific = text.rsplit_once(" (").and_then(|(_, words)| words.strip_suffix(')'));
    Failure { code: error.minor.cast_signed(), text: specific.unwrap_or(&text).into() }
}

/// The next frame; None at the end.
fn frame(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if let Err(error) = input.read_exact(&mut length) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

fn send(output: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    output.write_all(&[&[kind][..], &length.to_be_bytes(), bytes].concat())?;
    output.flush()
}
