//! Any bytes as an LDIF file, in pieces of any size: an error or a sound directory, never a panic, whatever the size of the pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    budkavle::source::fuzz::ldif(bytes, usize::from(size) + 1);
});
