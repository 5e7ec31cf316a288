//! The imperative shell around the domain: gather, ask the domain, apply in one transaction. Each file reads like its sentence.
//!
//! * [`core`](mod@core): what all flows share: the store, what is held in memory, and the settings;
//! * [`sync`]: read a directory, judge the difference, commit it;
//! * [`undo`]: put back what a run changed; [`gone`]: remember what runs removed;
//! * [`alert`]: tell the AD-sync contacts when a directory's sync is in trouble, and when it is well again; [`lasting`]: what is too small for that,
//!   once a day; [`ping`]: a sign of life after each good run;
//! * [`contacts`]: tell who is contact now, and who no longer; [`duties`]: what each is contact for; [`coverage`]: where nobody will be;
//! * [`outage`]: open, update and resolve outages, and tell the outage contacts; [`intake`]: the same by what others tell;
//! * [`assign`]: who holds which role, and who is away; [`absences`]: absences that are changed, and many at once;
//! * [`absence_sources`]: absences that calendars say, looked at by a schedule;
//! * [`assignments`]: all of them given out and taken as a list; [`subjects`]: what somebody answers for that is no unit;
//! * [`past`]: how all of it was at a time in the past;
//! * [`entitled`]: what is given out of it; [`login_page`]: what is said to everybody;
//! * [`lists`]: who holds a role by a list that somebody else keeps;
//! * [`kept`]: what is looked at elsewhere by a schedule, whatever it is;
//! * [`directories`]: which directories there are, and which is being read;
//! * [`bounces`]: note which messages came back, and whom nothing is sent to any more;
//! * [`climb`]: take a notice that nobody has taken on to the next;
//! * [`subscribers`]: who outside wants to be told of outages;
//! * [`silence`]: tell nothing for a while of what is known already;
//! * [`pages`]: what is behind the links in messages;
//! * [`links`]: what a message has that others of the same notice haven't;
//! * [`deliver`]: send what is in the outbox; [`channels`]: by which ways, and who is told when one of them fails;
//! * [`preview`]: a notice as somebody gets it.

pub mod absence_sources;
pub mod absences;
pub mod alert;
pub mod assign;
pub mod assignments;
pub mod bounces;
pub mod channels;
pub mod climb;
pub mod contacts;
pub mod core;
pub mod coverage;
pub mod deliver;
pub mod directories;
pub mod duties;
pub mod entitled;
pub mod gone;
pub mod intake;
pub mod kept;
pub mod lasting;
pub mod links;
pub mod lists;
pub mod login_page;
pub mod outage;
pub mod pages;
pub mod past;
pub mod ping;
pub mod preview;
pub mod silence;
mod spread;
pub mod subjects;
pub mod subscribers;
pub mod sync;
#[cfg(test)]
pub(crate) mod testing;
pub mod undo;
