//! What people and units are called.

#[rustfmt::skip]
pub const GIVEN: &[&str] = &[
    "Agnes", "Anders", "Anna", "Arvid", "Astrid", "Åke", "Åse", "Bengt", "Birgitta", "Bjørn", "Björn",
    "Britt", "Carl-Johan", "Dagný", "Eero", "Einar", "Elin", "Elżbieta", "Emma", "Erik", "Eva", "Fatima",
    "Freja", "Gro", "Guðrún", "Gunnar", "Håkon", "Hanna", "Helga", "Henrik", "Ida", "Inger", "Jens",
    "Johanna", "Jón", "Jörgen", "Kaisa", "Karin", "Kjell", "Klara", "Knut", "Kåre", "Lars", "Lena", "Liv",
    "Märta", "Magnus", "Maja", "Maria", "Mikkel", "Mohammed", "Niels", "Ólafur", "Olle", "Oskar", "Päivi",
    "Per", "Piotr", "Ragnhild", "Sara", "Signe", "Sigríður", "Sofía", "Stig", "Svein", "Tove", "Tuomas",
    "Ulla", "Väinö", "Vera", "Yngve", "Zofia", "Örjan",
];

#[rustfmt::skip]
pub const SURNAMES: &[&str] = &[
    "Aalto", "Andersson", "Åberg", "Ågren", "Åkesson", "Bakke", "Berg", "Bergström", "Björk", "Blomqvist",
    "Bø", "Carlsen", "Dahl", "Ek", "Ekström", "Eriksson", "Fjeld", "Forsberg", "Fossum", "Friðriksson",
    "Gullbrandsen", "Hagen", "Hämäläinen", "Hansen", "Haugen", "Hedström", "Holm", "Høiby", "Isaksen",
    "Jensen", "Johansson", "Jónsdóttir", "Järvinen", "Kowalska", "Kjær", "Korhonen", "Kvist", "Larsen",
    "Lind", "Lindström", "Lund", "Løvås", "Magnúsdóttir", "Mäkinen", "Moen", "Møller", "Nguyen", "Nilsen",
    "Nyström", "Næss", "Ólafsson", "Olsen", "Öst", "Palm", "Pedersen", "Quist", "Rasmussen", "Rød", "Sætre",
    "Sjögren", "Skog", "Solberg", "Strand", "Ström", "Svensson", "Sørensen", "Thorvaldsen", "Tønnesen",
    "Ulvestad", "Vik", "Virtanen", "von Essen", "Wallin", "Westergård", "Wójcik", "Yıldız", "Zetterlund",
    "Ødegaard", "Östlund", "Øvrebø",
];

#[rustfmt::skip]
pub const TITLES: &[&str] = &[
    "Undersköterska", "Sjuksköterska", "Lärare", "Förskollärare", "Handläggare", "Kock", "Vaktmästare",
    "Ingenjör", "Bibliotekarie", "Ekonom", "Systemförvaltare", "Socialsekreterare", "Rektor",
    "Miljöinspektör", "Arkivarie",
];

/// The units right below the topmost.
#[rustfmt::skip]
pub const DEPARTMENTS: &[&str] = &[
    "IT-avdelningen", "Socialförvaltningen", "Barn- och utbildningsförvaltningen", "Tekniska förvaltningen",
    "Kultur & fritid", "Miljö- och byggförvaltningen", "Ekonomi", "Personal",
];

/// The units below, in every combination of an activity and a place.
#[rustfmt::skip]
pub const ACTIVITIES: &[&str] = &[
    "Hemtjänsten", "Äldreboendet", "Förskolan", "Grundskolan", "Biblioteket", "Köket", "Vägar", "Vatten",
    "Parker", "Familjerådgivning", "Sjukepleie", "Legevakt", "Bostöd", "Ungdomsgården", "Administration",
];
#[rustfmt::skip]
pub const PLACES: &[&str] = &[
    "Ängen", "Åsen", "Öster", "Söder", "Norr", "Väster", "Centrum", "Björkhaga", "Ekbacken", "Fågelsång",
    "Grønland", "Hällan", "Klövern", "Lindø", "Mårtensro", "Næs", "Solsidan", "Tårnby", "Vårvik",
];
