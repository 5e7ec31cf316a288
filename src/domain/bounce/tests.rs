//! Examples of mails, real and forged.
