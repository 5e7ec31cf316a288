//! Proves that the servers of the other tests are what they are taken for.

mod budkavle;
mod forest;
mod kerberos;
mod openldap;
mod postfix;
mod restore;
mod rights;
mod samba;
mod world;
