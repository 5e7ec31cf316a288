//! The imperative shell around the domain: gather, ask the domain, apply in one transaction. Each file reads like its sentence.
//!
//! * [`core`](mod@core): what all flows share: the store, what is held in memory, and the settings;
//! * [`sync`]: read a directory, judge the difference, commit it;
//! * [`undo`]: put back what a run changed; [`gone`]: remember what runs removed;
//! * [`alert`]: tell the AD-sync contacts when a directory's sync is in trouble, and when it is well again;
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
//! * [`deliver`]: send what is in the outbox; [`channels`]: by which ways, and who is told when one of them fails;
//! * [`preview`]: a notice as somebody gets it.

pub mod absence_sources;
pub mod absences;
pub mod alert;
pub mod assign;
pub mod assignments;
pub mod bounces;
pub mod channels;
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
pub mod lists;
pub mod login_page;
pub mod outage;
pub mod past;
pub mod preview;
pub mod subjects;
pub mod sync;
pub mod undo;
