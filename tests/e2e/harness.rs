//! Proves that the servers of the other tests are what they are taken for.

mod budkavle;
mod postfix;
mod samba;
mod world;
