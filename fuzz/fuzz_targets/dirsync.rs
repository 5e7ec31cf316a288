//! Any bytes as the control in which a domain controller gives its cookie.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| budkavle::source::fuzz::dirsync(bytes));
