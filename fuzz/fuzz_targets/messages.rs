//! Any bytes as what a directory server sends: messages, entries, objects.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| budkavle::source::fuzz::messages(bytes));
