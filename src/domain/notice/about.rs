//! Notices in a few words, for lists.

use super::{Facts, OutageWord};
use crate::domain::alert::Trouble;

impl Facts {
    /// What it is about, in a few words.
    pub fn about(&self) -> String {
        match self {
            Facts::Outage { outage, earlier, units } => {
                OutageWord::from((outage, *earlier, units.as_slice())).summary()
            }
            Facts::OutageTold(word) => OutageWord::from((**word).clone()).summary(),
            Facts::OutageWord(word) => word.summary(),
            Facts::SyncTrouble(t) => match t.trouble {
                Trouble::Held => format!("sync of {} waits for approval", t.directory),
                Trouble::Failing => format!("sync of {} is failing", t.directory),
                Trouble::Stale => format!("data of {} is getting old", t.directory),
            },
            Facts::SyncRecovered { directory, .. } => format!("sync of {directory} is well again"),
            Facts::StoreRebuilt { .. } => "the store was rebuilt".to_owned(),
            Facts::Test { .. } => "test message".to_owned(),
            Facts::Coverage(facts) => match facts.gaps.as_slice() {
                [] => format!("{} is covered", facts.period),
                gaps => {
                    format!("{} isn't covered in {} places", facts.period, gaps.len() + facts.more as usize)
                }
            },
            Facts::ContactNews(_) => "other contacts".to_owned(),
            Facts::ContactSummary(facts) => format!("other contacts of {} units", facts.units),
            Facts::Duties(_) => "what they are contact for".to_owned(),
            Facts::Ending { directory, due } => format!("something that {directory} needs: {}", due.stage()),
            Facts::ChannelBroken { channel, .. } => format!("the channel {channel} works for nobody"),
            Facts::ChannelWorks { channel, .. } => format!("the channel {channel} works again"),
            Facts::Lasting { lasting, more } => {
                format!("{} small things that last", lasting.len() + *more as usize)
            }
            Facts::Quarantine(facts) => {
                format!("many more objects of {} are set aside", facts.directory)
            }
            Facts::QuarantineOver { directory, .. } => {
                format!("not so many objects of {directory} are set aside any more")
            }
            Facts::Subscribe { .. } => "whether they want to be told of outages".to_owned(),
            Facts::Climbed(climbed) => format!("nobody has it: {}", climbed.facts.about()),
            Facts::Undelivered(facts) => match facts.messages.len() + facts.more as usize {
                1 => "a message that was given up".to_owned(),
                count => format!("{count} messages that were given up"),
            },
        }
    }
}
