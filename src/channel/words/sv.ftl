# Swedish: plain, as the authorities' language guidance has it. The reader is "du".

## All notices

label-alert = Larm
label-warning = Varning
label-reminder = Påminnelse
label-recovery = Återställt
label-test = Test
label-contacts = Kontakter
label-covered = Allt är bemannat
what-to-do = Gör så här:
footer = Du får detta som { $why } i { $organisation }. Skickat av Budkavle.
list = { $first } och { $last }
span = { $from } till { $until }
span-times = { $from } till { $until }
nobody = ingen
you = du
only = bara { $people }
person-deputy = { $name } (ersätter { $absent })
count-units = { $n ->
    [one] 1 enhet
   *[other] { $n } enheter
}
count-people = { $n ->
    [one] 1 person
   *[other] { $n } personer
}
span-minutes = { $n ->
    [one] 1 minut
   *[other] { $n } minuter
}
span-hours = { $n ->
    [one] 1 timme
   *[other] { $n } timmar
}
span-days = { $n ->
    [one] 1 dag
   *[other] { $n } dagar
}

## Roles: as what somebody is, and what each is for

role-other = kontakt för { $role }
role-local = lokal kontakt
role-global = övergripande kontakt
role-outage = avbrottskontakt
role-ad-sync = AD-synkkontakt
role-account-manager = kundansvarig
role-support = supportkontakt
role-login = inloggningskontakt
role-report = rapportkontakt
role-system-owner = systemägare
role-superuser = superanvändare
role-password-helper = lösenordshjälpare
role-remote-access = kontakt för fjärråtkomst
role-message-reader = meddelandeläsare
title-local = lokal kontakt: den som användare vänder sig till först
title-global = övergripande kontakt: ansvarar för hela organisationen
title-outage = avbrottskontakt: får veta när något ligger nere
title-ad-sync = AD-synkkontakt: får veta när synkroniseringen av en katalog misslyckas
title-account-manager = kundansvarig: leverantörens person för licenser och avtal
title-support = supportkontakt: har rätt att vända sig till leverantörens support
title-login = inloggningskontakt: hjälper när det inte går att logga in
title-report = rapportkontakt: svarar för en rapport eller ett system
title-system-owner = systemägare: ansvarar för systemet
title-superuser = superanvändare: hjälper kollegor med systemet
title-password-helper = lösenordshjälpare: återställer lösenord och lägger upp identiteter på egna enheter
title-remote-access = fjärråtkomst: kan öppna leverantörens fjärranslutning
title-message-reader = meddelandeläsare: läser det som ingen annan har läst

## Why somebody gets a notice: after "Du får detta som"

why-new = ny { $role }
why-former = tidigare { $role }
why-no-owner = { $role } (systemägare saknas)
why-several = kontakt i flera roller
why-could = någon som kan bli kontakt
why-test = mottagare av ett test
why-unknown = mottagare
why-outage-of = avbrottskontakt för { $about }
why-depends = { $why } (är beroende av { $on })
why-owner = kontakt för { $unit } (ägare av { $service })
why-for-owner = { $role } i stället för { $unit } (ägare av { $service })
why-named = någon som ska få veta om det här avbrottet
why-always = någon som får veta om alla avbrott
why-opened = den som anmälde avbrottet

## Why somebody doesn't answer: after their name and a colon

skip-away = borta till { $day }
skip-deputy = { $why }; ersättaren { $name }: { $reason }
skip-expired = kontot gick ut { $day }
skip-ended = upphörde { $day }
skip-not-yet = från { $day }
skip-moved = har flyttat till { $unit }
skip-disabled = kontot är avstängt
skip-gone = finns inte längre i katalogen
skip-no-address = saknar e-postadress
skip-you = du själv
skip-directory = för en annan katalog
skip-subject = för en annan rapport eller ett annat system

## Outages and maintenance

outage-subject = Avbrott { $id }: { $title }
outage-number = avbrott { $id }
outage-silent-subject = Länge inget nytt om avbrott { $id }: { $title }
maintenance-subject = Underhåll { $id }: { $title }
maintenance-number = underhåll { $id }
maintenance-silent-subject = Länge inget nytt om underhåll { $id }: { $title }
label-outage = Avbrott
label-outage-resolved = Avbrottet är löst
label-maintenance-planned = Planerat underhåll
label-maintenance-soon = Underhåll börjar snart
label-maintenance-started = Underhåll pågår
label-maintenance-completed = Underhållet är klart
label-maintenance-cancelled = Underhållet är inställt
state-investigating = utreds
state-identified = orsaken är känd
state-monitoring = bevakas
state-resolved = löst
state-planned = planerat
state-reminded = börjar snart
state-started = pågår
state-completed = klart
state-cancelled = inställt
severity-minor = mindre
severity-major = allvarligt
severity-critical = kritiskt
outage-services = Tjänster: { $names }
outage-dependent = Tjänster som är beroende av dem: { $names }
outage-units = Enheter: { $names }
outage-earlier = { $n ->
    [one] 1 tidigare uppdatering upprepas inte här.
   *[other] { $n } tidigare uppdateringar upprepas inte här.
}
outage-corrected = Det som sades tidigare har rättats.
outage-corrected-what = Det som sades tidigare har rättats: { $what }.
corrected-text = beskedet från { $at }
corrected-title = rubriken
corrected-severity = allvarlighetsgraden
corrected-services = tjänsterna
corrected-units = enheterna
outage-left = Det som sades tidigare har rättats: det här avbrottet berör dig inte. Du får inga fler besked om det.
maintenance-left = Det som sades tidigare har rättats: det här underhållet berör dig inte. Du får inga fler besked om det.
outage-silent = Inget har sagts om detta på { $span }, och det är fortfarande öppet. De som fick veta om det väntar på besked: `{ $update }`, eller när det är över: `{ $end }`
update-now = Läget nu: { $state }.
update-moved = Tiden är ändrad.
update-moved-from = Tiden är ändrad; tidigare var det { $from } till { $until }.
update-reminder = Detta är en påminnelse.
update-begun = Det har börjat.
update-done = Det är klart.
update-done-planned = Det är klart, som planerat.
update-cancelled = Det är inställt.
update-late = Det skulle ha varit klart nu men är det inte: det tar längre tid än planerat.
heartbeat-missing = Inget livstecken från { $title }
heartbeat-last = { $title } ska ge minst ett livstecken på { $every }. Det senaste kom { $time }.
heartbeat-none = { $title } ska ge minst ett livstecken på { $every }. Inget har kommit sedan bevakningen började { $time }.
heartbeat-back = Ett livstecken har kommit från { $title }. Det förra kom { $time }.
heartbeat-first = Ett livstecken har kommit från { $title }. Något tidigare finns inte.
feed-gone = Flödet { $name } tar inte längre upp det.
calendar-summary = Underhåll: { $title }

## The sync of a directory

sync-failing = Synkroniseringen av katalogen { $directory } misslyckas
sync-stale = Uppgifterna från katalogen { $directory } börjar bli gamla
sync-held = Synkroniseringen av katalogen { $directory } väntar på ditt godkännande
sync-failed-once = Den senaste synkroniseringen misslyckades:
sync-failed-often = De senaste { $n } synkroniseringarna i rad har misslyckats. Det senaste felet:
sync-stale-what = Ingen synkronisering har lyckats på längre tid än konfigurationen tillåter.
sync-held-what = Den senaste synkroniseringen skulle ha tagit bort eller ändrat mer än vad som får ske utan att någon godkänner det:
sync-meanwhile = Tills vidare gäller uppgifterna från { $at }: kontakter hittas och meddelanden skickas som förut.
sync-meanwhile-none = Ingen synkronisering har lyckats ännu, så det finns inga tidigare uppgifter att utgå från.
sync-reminder = Detta är påminnelse { $n }; det meddelades första gången { $at }.
sync-would = Den skulle ta bort eller ändra:
sync-more = och { $n } till
sync-todo-list = Se hela listan: `{ $command }`
sync-todo-approve = Om det stämmer: `{ $command }`
sync-todo-reject = Om det inte stämmer: `{ $command }`, och rätta katalogen eller kontots rättigheter
sync-todo-check = Se vad som fungerar och inte: `{ $command }`
sync-todo-try = När felet är avhjälpt, försök genast: `{ $command }`
sync-todo-history = Se körningarna hittills: `{ $command }`
object-user = användaren
object-unit = enheten
object-group = gruppen
object-add = lägga till { $kind } { $name }
object-change = ändra { $kind } { $name }
object-remove = ta bort { $kind } { $name }
held-too-many = { $removed } av { $of } { $kind } skulle { $fate }; upp till { $count } och { $percent } % släpps igenom utan godkännande
held-all = alla { $kind } ({ $of }) skulle { $fate }
held-scope = { $removed ->
    [one] den konfigurerade basen eller filtret har ändrats sedan förra körningen, och 1 användare, enhet eller grupp skulle försvinna
   *[other] den konfigurerade basen eller filtret har ändrats sedan förra körningen, och { $removed } användare, enheter och grupper skulle försvinna
}
held-undone = { $changes ->
    [one] 1 ändring från körning { $run }, som har ångrats, skulle göras igen
   *[other] { $changes } ändringar från körning { $run }, som har ångrats, skulle göras igen
}
held-gradually = { $kind }: ytterligare { $removed } skulle försvinna efter { $before } inom ett dygn, av { $of }; upp till { $count } och { $percent } % släpps igenom utan godkännande
kind-users = användare
kind-units = enheter
kind-memberships = gruppmedlemskap
kind-holders = innehavare av en kontaktroll
kind-mails = användare med e-postadress
kind-phones = användare med telefon
kind-moves = användare i enheter
kind-absences = användare med frånvaro
fate-users = försvinna (borta, avstängda eller utan e-postadress)
fate-holders = försvinna (borta, avstängda, utan e-postadress eller inte längre i rollen)
fate-lost = försvinna
fate-mails = få en annan e-postadress
fate-phones = få andra telefonnummer eller bli av med dem
fate-moves = flytta till en annan enhet
fate-absences = inte längre ha någon
recovered-subject = Synkroniseringen av katalogen { $directory } fungerar igen
recovered-heading = Synkroniseringen av katalogen { $directory } fungerar igen
recovered-failing = Den misslyckades. Det meddelades första gången { $since }.
recovered-stale = Uppgifterna började bli gamla. Det meddelades första gången { $since }.
recovered-held = En körning väntade på godkännande. Det meddelades första gången { $since }.
recovered-at = En synkronisering lyckades { $at }. Ingenting behöver göras.

## What ends on a day

ending-subject-password = Katalogen { $directory }: lösenordet för kontot som läser den { $when }
ending-subject-account = Katalogen { $directory }: kontot som läser den { $when }
ending-subject-server = Katalogen { $directory }: serverns certifikat { $when }
ending-subject-client = Katalogen { $directory }: certifikatet som läser den { $when }
ending-heading-password = Lösenordet för kontot som läser katalogen { $directory } { $when }
ending-heading-account = Kontot som läser katalogen { $directory } { $when }
ending-heading-server = Servercertifikatet för katalogen { $directory } { $when }
ending-heading-client = Certifikatet som läser katalogen { $directory } { $when }
ending-over = har gått ut
ending-soon = { $days ->
    [0] går ut inom ett dygn
    [one] går ut om 1 dag
   *[other] går ut om { $days } dagar
}
ending-day = Det gäller: { $about }. Dagen: { $at }.
ending-todo-password = Sätt ett nytt lösenord och ge det till Budkavle, eller låt det aldrig gå ut.
ending-todo-account = Låt förlänga kontot: den som administrerar katalogen kan göra det.
ending-todo-server = Låt förnya certifikatet.
ending-todo-client = Förnya certifikatet som Budkavle loggar in med.
ending-without = Utan det kan katalogen { $directory } inte läsas, och uppgifterna förblir som de är.

## The store

rebuilt-title = Budkavles datalager var skadat och har byggts upp på nytt
rebuilt-noticed = Detta upptäcktes: { $damage }.
rebuilt-from = Det har byggts upp från exporten { $at }, och en fullständig synkronisering följer. Det som lades in därefter (tilldelningar, frånvaro, avbrott) kan saknas, och meddelanden som har skickats sedan dess kan komma igen: se efter.
rebuilt-empty = Det fanns ingen användbar export, så det börjar tomt, och en fullständig synkronisering följer. Tilldelningar, frånvaro, öppna avbrott och oskickade meddelanden saknas: läs in en säkerhetskopia med `{ $command }`, eller lägg in dem igen.
rebuilt-aside = Det skadade datalagret har lagts undan som { $aside }. Låt kontrollera disken.

## Tests

label-together = Flera meddelanden
together-heading = { $n } meddelanden
together-subject = { $n } meddelanden: { $what }
test-subject = Testmeddelande från Budkavle
test-heading = Det som Budkavle skickar kommer fram
test-line = { $by } bad om detta testmeddelande { $at }.

## Channels, and what didn't arrive

channel-broken = Meddelanden kan inte skickas genom kanalen { $channel }
channel-broken-since = Sedan { $since } fungerar den inte för någon: { $reason }
channel-broken-meanwhile = Dess meddelanden väntar i utkorgen och skickas när den fungerar igen; de som väntar för länge ges upp. Andra kanaler påverkas inte.
channel-broken-todo = Det som väntar: `{ $status }`. När felet är avhjälpt: `{ $check }`
channel-works = Meddelanden skickas genom kanalen { $channel } igen
channel-works-since = Den hade inte fungerat sedan { $since }; { $at } togs något emot igen. Det som väntade skickas nu.
undelivered = { $n ->
    [one] Ett meddelande kom inte fram
   *[other] { $n } meddelanden kom inte fram
}
undelivered-one = Meddelande { $message } genom { $channel } till { $to } ({ $about }) är { $state }: { $answer }
message-failed = avvisat
message-expired = inte längre aktuellt
about-covered = bemannat: { $period }
about-gaps = { $n ->
    [one] obemannat på ett ställe: { $period }
   *[other] obemannat på { $n } ställen: { $period }
}
about-ending = något som katalogen { $directory } behöver upphör
about-climbed = ingen har tagit sig an det: { $about }
about-lasting = { $n ->
    [one] 1 liten sak som består
   *[other] { $n } små saker som består
}
about-subscribe = om någon vill ha driftinformation
undelivered-more = … och { $n } till: `{ $command }`
undelivered-todo = Rätta adressen eller kanalen och skicka igen: `{ $command }`

## Coverage

period-summer = sommaren
period-christmas = julen
coverage-all = Bemannat: { $period } ({ $days })
coverage-gaps = { $n ->
    [one] Obemannat på ett ställe: { $period } ({ $days })
   *[other] Obemannat på { $n } ställen: { $period } ({ $days })
}
coverage-organisation = hela organisationen
coverage-gap = { $role } för { $unit }: minst { $minimum }
coverage-gap-below = { $n ->
    [one] { $role } för { $unit } och 1 enhet under den: minst { $minimum }
   *[other] { $role } för { $unit } och { $n } enheter under den: minst { $minimum }
}
coverage-more-days = { $n ->
    [one] och 1 period till
   *[other] och { $n } perioder till
}
coverage-could = De som är på plats dessa dagar: { $people }
coverage-more = { $n ->
    [one] och 1 ställe till
   *[other] och { $n } ställen till
}
coverage-todo-deputy = Utse en ersättare för den som är borta: `{ $list }` visar frånvaron, och `{ $option }` anger ersättaren.
coverage-todo-assign = Eller tilldela någon rollen dessa dagar, som kommandona ovan gör.
coverage-calendar = Se varje dag i en kalender: `{ $command }`
coverage-enough = Tillräckligt många är på plats överallt, alla dagar. Ingenting behöver göras.

## Other contacts

news-changed = Kontakter har ändrats
news-several-new = Du är nu kontakt i fler roller
news-several-former = Du är inte längre kontakt i vissa roller
news-both = Det du är kontakt för har ändrats
news-units = { $n ->
    [one] En av dina enheter har fått en annan kontakt
   *[other] Flera av dina enheter har fått andra kontakter
}
news-new-subject = Du är nu { $role } för { $units }
news-former-subject = Du är inte längre { $role } för { $units }
news-new = Du är nu { $role } för { $units } med { $people }
news-new-deputy = Du är nu { $role } för { $units } med { $people }, som ersättare för { $absent }
news-former = Du är inte längre { $role } för { $units } med { $people }
news-owner = Någon annan är nu { $role } för { $units } med { $people }
news-before-now = Förut: { $before }. Nu: { $after }.
news-instead = I stället: { $role }.
news-instead-people = I stället: { $people } ({ $role }).
news-why = Orsak: { $reasons }.
news-more = { $n ->
    [one] och 1 ändring till
   *[other] och { $n } ändringar till
}
news-todo-tell = Om det inte stämmer, säg till den som administrerar kontakter i organisationen.
news-todo-changes = För den personen, med vad som ändrades, när och av vad: `{ $command }`
lost-disabled = kontot för { $name } är avstängt
lost-expired = kontot för { $name } har gått ut
lost-gone = { $name } finns inte längre i katalogen
lost-no-address = { $name } saknar e-postadress
lost-away = { $name } är borta till { $day }
lost-moved = { $name } har flyttat till { $unit }
lost-ended = tiden för { $name } har gått ut
lost-elsewhere = { $name } svarar för något annat
change-revoked = { $name } har inte längre rollen där
change-gained = { $name } svarar nu
change-unit-moved = enheten har en annan plats
change-user-moved = de har flyttat till en annan enhet
units-below = { $n ->
    [one] { $path } och 1 enhet under den
   *[other] { $path } och { $n } enheter under den
}
units-more = { $n ->
    [one] och 1 enhet till
   *[other] och { $n } enheter till
}
summary-title = { $n ->
    [one] 1 enhet har fått andra kontakter
   *[other] { $n } enheter har fått andra kontakter
}
summary-intro = Sedan { $since } har { $units } med { $people } fått andra kontakter. Så många skulle ha fått veta det: { $told }. Det är fler än { $key } tillåter, så i stället kommer detta meddelande, och ingen av dem har fått något.
summary-role = { $role }: { $units }, { $people }
summary-without = { $n ->
    [one] 1 av dem har ingen i den rollen nu
   *[other] { $n } av dem har ingen i den rollen nu
}
summary-todo-changes = Se varje ändring och varför: `{ $command }`
summary-todo-orphans = Se vad som ingen svarar för: `{ $command }`
summary-todo-digest = Om det var avsikten, berätta det på ert eget sätt för dem det gäller; `{ $command }` talar om för en av dem vad hen är kontakt för.

## What somebody is contact for

duties-title = Det här är du kontakt för
duties-title-theirs = Vad någon är kontakt för
duties-none = Du är inte kontakt för något
duty-everywhere = { $role }: för hela organisationen
duty-place = { $role }, { $place }
duty-units = { $role }: { $units }, { $people }
duty-skipped = Du svarar inte där nu: { $reason }.
duty-deputy = Du är borta, och { $deputy } ersätter dig.
duty-beside = Kontakt vid sidan av dig: { $people }.
duty-above = Ovanför dig: { $people }.
duty-above-role = Ovanför dig ({ $role }): { $people }.
duties-more = { $n ->
    [one] och 1 roll till
   *[other] och { $n } roller till
}
duties-away-deputy = Du är borta { $days }: { $deputy } ersätter dig.
duties-away = Du är borta { $days }: ingen ersättare är utsedd.
duties-without-deputy = Utan ersättare svarar de som nämns ovan: den som är kontakt vid sidan av dig, annars den ovanför dig.
duties-no-absence = Du har ingen planerad frånvaro.
duties-stands-in = Du ersätter { $name } { $days }.
duties-turns-to = Själv vänder du dig till { $people }.
duties-todo-tell = Om det inte stämmer, eller om du ska vara borta, säg till den som administrerar kontakter i organisationen.
duties-todo-command = För den personen: `{ $command }`

## Taking on what asks for it

climbed = Ingen har tagit sig an det här sedan { $at }. Det gick tidigare till { $people } och kommer nu till dig.
take-on-link = Om du tar dig an det, säg det här, så får ingen fler veta: { $link }
take-on-command = Om du tar dig an det, säg till, så får ingen fler veta: `{ $command }`
brief-take-on = Ta dig an det: { $how }
unsubscribe = Du har bett om de här meddelandena. Om du inte vill ha fler: { $link }
why-deputy = ersättare för { $absent }

## Pages that links lead to

page-take-on-title = Ta dig an det
page-take-on = När du har tagit dig an det får ingen fler veta. Inget händer förrän du trycker på knappen.
page-take-on-button = Jag tar det
page-taken-title = Du har det
page-taken = Ingen mer får veta från och med nu. Tack.
page-taken-before-title = Någon har det redan
page-taken-before = { $by } har det sedan { $at }. Du behöver inte göra något.
page-over-title = Det är över
page-over = Det som detta gällde är över. Du behöver inte göra något.
page-bad-title = Länken fungerar inte
page-bad = Den är inte hel. Kopiera hela länken ur meddelandet.
page-expired-title = Länkens tid har gått ut
page-expired = Den gäller inte längre. Fråga avsändaren om ärendet inte är klart.
page-failed-title = Något gick fel
page-failed = Försök igen om några minuter.

## What lasts though it is too small to alert

quarantine-title = Många fler objekt i katalogen { $directory } kan inte läsas
quarantine-what = { $n } objekt i katalogen { $directory } kan inte läsas och läggs åt sidan.
quarantine-before = { $n ->
    [0] När det senast kontrollerades eller meddelades fanns det inga.
   *[other] När det senast kontrollerades eller meddelades var det { $n }.
}
quarantine-stays = Det som var känt om dem gäller fortfarande; de som är nya är inte kända. Oftast har något ändrats i katalogen, eller så säger konfigurationen något annat om den.
quarantine-some = Av dem som är nya:
quarantine-all = Alla, och vad som är fel: `{ $command }`
quarantine-over-title = Objekten i katalogen { $directory } kan läsas igen
quarantine-over-what = { $n ->
    [0] Inga läggs åt sidan längre.
   *[other] { $n } läggs fortfarande åt sidan.
}
quarantine-over-since = Att de var många fler meddelades första gången { $at }. Ingenting behöver göras.
lasting-title = { $n ->
    [one] 1 liten sak har funnits i ett dygn
   *[other] { $n } små saker har funnits i ett dygn
}
lasting-failing = Synkroniseringen av katalogen { $directory } misslyckas då och då: { $error }
lasting-quarantined = { $n ->
    [one] 1 objekt
   *[other] { $n } objekt
} i katalogen { $directory } kan inte läsas och läggs åt sidan vid varje synkronisering: `budkavle sync show RUN --quarantined`
lasting-undone = { $n ->
    [one] 1 körning
   *[other] { $n } körningar
} av katalogen { $directory } har ångrats, och det de ville hålls tillbaka
lasting-misplaced = { $n ->
    [one] 1 enhet
   *[other] { $n } enheter
} hänger under roten, eftersom enheten ovanför inte är känd
lasting-no-group = Konfigurationen nämner gruppen { $group }, som ingen katalog har
lasting-since = { $what } (sedan { $at })
lasting-more = … och { $n } till
lasting-look = Allt visas med: `{ $command }`

## Who outside wants to be told of outages

label-subscribe = Prenumeration
subscribe-title = Driftinformation: bekräfta
subscribe-text = Någon, troligen du, vill att du får besked om driftsavbrott per e-post. Om du inte vill det behöver du inte göra något: du hör inte av oss igen.
subscribe-confirm = Om du vill, säg det här: { $link }
why-subscriber = prenumerant
page-confirm-title = Driftinformation
page-confirm = Vill du få besked om driftsavbrott till { $mail }?
page-confirm-button = Ja, meddela mig
page-confirmed-title = Du får besked från och med nu
page-confirmed = Varje meddelande har en länk som avslutar det.
page-unsubscribe-title = Inga fler meddelanden?
page-unsubscribe = { $mail } får inga fler besked om driftsavbrott när du har tryckt på knappen.
page-unsubscribe-button = Inga fler meddelanden
page-unsubscribed-title = Du får inga fler meddelanden
page-unsubscribed = Du behöver inte göra något mer.
page-subscribe-title = Få besked om driftsavbrott
page-subscribe = Ange din adress. Du får ett meddelande dit med en länk där du bekräftar att du vill det.
page-subscribe-field = Din e-postadress
page-subscribe-button = Skicka meddelandet
page-subscribe-sent-title = Titta i din e-post
page-subscribe-sent = Om adressen stämmer och inte redan prenumererar är ett meddelande på väg dit. Utan länken i det händer inget mer.
page-no-address-title = Det är ingen e-postadress
page-too-many-title = För många frågar samtidigt
