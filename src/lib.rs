//! Budkavle keeps a map of who answers for whom, taken from Active Directory, and tells the right people when something breaks.
//!
//! The flow goes one way, and every arrow is a value that can be printed:
//!
//! ```text
//!  source            domain              domain            store             domain             store        channel
//!  ldap | ldif  →  entries → objects  →  delta → guard  →  commit   →   contacts → notices  →  outbox   →   smtp | web | …
//!                  (+ quarantined)       Checked | Held    generation    (each with a reason)   (same        (+ delivery log)
//!                                                                                               transaction)
//! ```
//!
//! * The store commits a directory only as a [`domain::guard::CheckedDelta`], which only the guard can build.
//! * Recomputing contacts takes no delta: it reads what is committed, and so can run at any time.
//! * A notice is put into the outbox in the transaction that changes what it speaks of, and is recorded as sent only after the other
//!   side has accepted it.
//!
//! The modules in reading order: [`domain`] knows and decides, without clock, network or disk; [`source`] reads directories,
//! [`store`] keeps everything, [`channel`] sends; [`flow`] leads from one to the next; [`http`] answers on the socket; [`config`] says what is
//! wanted; [`runtime`] wires it all and keeps it alive; [`cli`] is what people type. [`tls`] is shared by whoever speaks TLS, [`kerberos`] by whoever
//! signs in with a keytab. Who may import
//! whom is checked by a test (`tests/local/layout.rs`).

pub mod channel;
pub mod cli;
pub mod config;
pub mod domain;
pub mod flow;
pub mod http;
pub mod kerberos;
pub mod runtime;
pub mod source;
pub mod store;
pub mod tls;
