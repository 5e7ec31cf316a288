# Finnish: plain. Names aren't inflected: a word before them or a colon takes the case.

## All notices

label-alert = Hälytys
label-warning = Varoitus
label-reminder = Muistutus
label-recovery = Taas kunnossa
label-test = Testi
label-contacts = Yhteyshenkilöt
label-covered = Kaikki miehitetty
what-to-do = Toimi näin:
footer = Saat tämän, koska olet { $why }. Organisaatio: { $organisation }. Lähettäjä: Budkavle.
list = { $first } ja { $last }
span = { $from }–{ $until }
span-times = { $from } – { $until }
nobody = ei kukaan
you = sinä
only = vain { $people }
person-deputy = { $name } (sijaistettava: { $absent })
count-units = { $n ->
    [one] 1 yksikkö
   *[other] { $n } yksikköä
}
count-people = { $n ->
    [one] 1 henkilö
   *[other] { $n } henkilöä
}
span-minutes = { $n ->
    [one] 1 minuutti
   *[other] { $n } minuuttia
}
span-hours = { $n ->
    [one] 1 tunti
   *[other] { $n } tuntia
}
span-days = { $n ->
    [one] 1 päivä
   *[other] { $n } päivää
}

## Roles: as what somebody is, and what each is for

role-other = yhteyshenkilö ({ $role })
role-local = lähiyhteyshenkilö
role-global = yleisyhteyshenkilö
role-outage = häiriöyhteyshenkilö
role-ad-sync = AD-synkronoinnin yhteyshenkilö
role-account-manager = asiakasvastaava
role-support = tukiyhteyshenkilö
role-login = kirjautumisyhteyshenkilö
role-report = raporttiyhteyshenkilö
role-system-owner = järjestelmän omistaja
role-superuser = pääkäyttäjä
role-password-helper = salasana-auttaja
role-remote-access = etäyhteyden yhteyshenkilö
role-message-reader = viestien lukija
title-local = lähiyhteyshenkilö: henkilö, jonka puoleen käyttäjät kääntyvät ensin
title-global = yleisyhteyshenkilö: vastaa koko organisaatiosta
title-outage = häiriöyhteyshenkilö: saa tiedon häiriöistä
title-ad-sync = AD-synkronoinnin yhteyshenkilö: saa tiedon, kun hakemiston synkronointi epäonnistuu
title-account-manager = asiakasvastaava: toimittajan henkilö lisenssejä ja sopimuksia varten
title-support = tukiyhteyshenkilö: saa kääntyä toimittajan tuen puoleen
title-login = kirjautumisyhteyshenkilö: auttaa, kun kirjautuminen ei onnistu
title-report = raporttiyhteyshenkilö: vastaa yhdestä raportista tai järjestelmästä
title-system-owner = järjestelmän omistaja: vastaa järjestelmästä
title-superuser = pääkäyttäjä: auttaa työtovereita järjestelmän käytössä
title-password-helper = salasana-auttaja: palauttaa salasanoja ja luo tunnuksia omissa yksiköissä
title-remote-access = etäyhteys: voi avata toimittajan etäyhteyden
title-message-reader = viestien lukija: lukee sen, mitä kukaan muu ei ole lukenut

## Why somebody gets a notice: after "Saat tämän, koska olet"

why-new = uusi { $role }
why-former = entinen { $role }
why-no-owner = { $role } (järjestelmällä ei ole omistajaa)
why-several = yhteyshenkilö useassa roolissa
why-could = mahdollinen yhteyshenkilö
why-test = testin vastaanottaja
why-unknown = vastaanottaja
why-outage-of = häiriöyhteyshenkilö: { $about }
why-depends = { $why } (riippuu palvelusta { $on })
why-owner = yhteyshenkilö yksikössä { $unit }, joka omistaa palvelun { $service }
why-for-owner = { $role }, yksikön { $unit } sijasta (palvelun { $service } omistaja)
why-named = tästä häiriöstä tiedotettava
why-always = kaikista häiriöistä tiedotettava
why-opened = häiriöstä ilmoittanut

## Why somebody doesn't answer: after their name and a colon

skip-away = poissa { $day } asti
skip-deputy = { $why }; sijainen { $name }: { $reason }
skip-expired = tili vanheni { $day }
skip-ended = päättyi { $day }
skip-not-yet = alkaa { $day }
skip-moved = siirtynyt yksikköön { $unit }
skip-disabled = tili on poistettu käytöstä
skip-gone = ei enää hakemistossa
skip-no-address = ei sähköpostiosoitetta
skip-you = sinä itse
skip-directory = toista hakemistoa varten
skip-subject = toista raporttia tai järjestelmää varten

## Outages and maintenance

outage-subject = Häiriö { $id }: { $title }
outage-number = häiriö { $id }
outage-silent-subject = Häiriöstä { $id } ei ole kerrottu pitkään aikaan: { $title }
maintenance-subject = Huolto { $id }: { $title }
maintenance-number = huolto { $id }
maintenance-silent-subject = Huollosta { $id } ei ole kerrottu pitkään aikaan: { $title }
label-outage = Häiriö
label-outage-resolved = Häiriö on korjattu
label-maintenance-planned = Suunniteltu huolto
label-maintenance-soon = Huolto alkaa pian
label-maintenance-started = Huolto on käynnissä
label-maintenance-completed = Huolto on valmis
label-maintenance-cancelled = Huolto on peruttu
state-investigating = selvitetään
state-identified = syy tiedossa
state-monitoring = seurataan
state-resolved = korjattu
state-planned = suunniteltu
state-reminded = alkaa pian
state-started = käynnissä
state-completed = valmis
state-cancelled = peruttu
severity-minor = vähäinen
severity-major = vakava
severity-critical = kriittinen
outage-services = Palvelut: { $names }
outage-dependent = Niistä riippuvat palvelut: { $names }
outage-units = Yksiköt: { $names }
outage-earlier = { $n ->
    [one] 1 aiempaa päivitystä ei toisteta tässä.
   *[other] { $n } aiempaa päivitystä ei toisteta tässä.
}
outage-corrected = Aiemmin kerrottua on korjattu.
outage-corrected-what = Aiemmin kerrottua on korjattu: { $what }.
corrected-text = tiedote { $at }
corrected-title = otsikko
corrected-severity = vakavuus
corrected-services = palvelut
corrected-units = yksiköt
outage-left = Aiemmin kerrottua on korjattu: tämä häiriö ei koske sinua. Et saa siitä enempää tietoa.
maintenance-left = Aiemmin kerrottua on korjattu: tämä huolto ei koske sinua. Et saa siitä enempää tietoa.
outage-silent = Tästä ei ole kerrottu mitään, vaikka se on yhä avoinna (viimeisestä tiedosta: { $span }). Ne, joille siitä kerrottiin, odottavat tietoa: `{ $update }`, tai kun se on ohi: `{ $end }`
update-now = Tilanne nyt: { $state }.
update-moved = Ajankohta on muuttunut.
update-moved-from = Ajankohta on muuttunut; aiempi ajankohta oli { $from } – { $until }.
update-reminder = Tämä on muistutus.
update-begun = Se on alkanut.
update-done = Se on valmis.
update-done-planned = Se on valmis, kuten suunniteltiin.
update-cancelled = Se on peruttu.
update-late = Sen piti olla jo valmis, mutta se ei ole: se kestää suunniteltua kauemmin.
heartbeat-missing = Ei elonmerkkiä: { $title }
heartbeat-last = { $title }: elonmerkki pitäisi tulla vähintään kerran tässä ajassa: { $every }. Viimeisin tuli { $time }.
heartbeat-none = { $title }: elonmerkki pitäisi tulla vähintään kerran tässä ajassa: { $every }. Yhtään ei ole tullut sen jälkeen, kun seuranta alkoi { $time }.
heartbeat-back = { $title }: elonmerkki on tullut. Edellinen tuli { $time }.
heartbeat-first = { $title }: elonmerkki on tullut. Aiempaa ei ollut.
feed-gone = Syöte { $name } ei enää luettele sitä.
calendar-summary = Huolto: { $title }

## The sync of a directory

sync-failing = Hakemiston { $directory } synkronointi epäonnistuu
sync-stale = Hakemiston { $directory } tiedot alkavat vanhentua
sync-held = Hakemiston { $directory } synkronointi odottaa hyväksyntääsi
sync-failed-once = Viimeisin synkronointi epäonnistui:
sync-failed-often = Viimeisimmät { $n } synkronointia peräkkäin ovat epäonnistuneet. Viimeisin virhe:
sync-stale-what = Yksikään synkronointi ei ole onnistunut pidempään aikaan kuin määritykset sallivat.
sync-held-what = Viimeisin synkronointi olisi poistanut tai muuttanut enemmän kuin ilman hyväksyntää sallitaan:
sync-meanwhile = Toistaiseksi ovat voimassa nämä tiedot: { $at }. Yhteyshenkilöt löytyvät ja ilmoitukset lähetetään kuten ennenkin.
sync-meanwhile-none = Yksikään synkronointi ei ole vielä onnistunut, joten aiempia tietoja ei ole.
sync-reminder = Tämä on muistutus numero { $n }; asiasta kerrottiin ensi kerran { $at }.
sync-would = Se poistaisi tai muuttaisi:
sync-more = ja { $n } muuta
sync-todo-list = Katso koko luettelo: `{ $command }`
sync-todo-approve = Jos se on oikein: `{ $command }`
sync-todo-reject = Jos se ei ole oikein: `{ $command }`, ja korjaa hakemisto tai tilin oikeudet
sync-todo-check = Katso, mikä toimii ja mikä ei: `{ $command }`
sync-todo-try = Kun vika on korjattu, kokeile heti: `{ $command }`
sync-todo-history = Katso tähänastiset ajot: `{ $command }`
object-user = käyttäjä
object-unit = yksikkö
object-group = ryhmä
object-add = lisäys: { $kind } { $name }
object-change = muutos: { $kind } { $name }
object-remove = poisto: { $kind } { $name }
held-too-many = { $kind }: { $removed } / { $of } { $fate }; ilman hyväksyntää sallitaan enintään { $count } ja { $percent } %
held-all = { $kind }: kaikki { $of } { $fate }
held-scope = { $removed ->
    [one] määritetty kanta tai suodatin on muuttunut edellisen ajon jälkeen, ja 1 käyttäjä, yksikkö tai ryhmä poistuisi
   *[other] määritetty kanta tai suodatin on muuttunut edellisen ajon jälkeen, ja { $removed } käyttäjää, yksikköä ja ryhmää poistuisi
}
held-undone = { $changes ->
    [one] 1 kumotun ajon { $run } muutos tehtäisiin uudelleen
   *[other] { $changes } kumotun ajon { $run } muutosta tehtäisiin uudelleen
}
held-gradually = { $kind }: { $removed } poistuisi lisää, kun vuorokauden sisällä on jo poistunut { $before }, kaikkiaan { $of }; ilman hyväksyntää sallitaan enintään { $count } ja { $percent } %
kind-users = käyttäjät
kind-units = yksiköt
kind-memberships = ryhmien jäsenyydet
kind-holders = yhteyshenkilöroolin haltijat
kind-mails = käyttäjät, joilla on sähköpostiosoite
kind-phones = käyttäjät, joilla on puhelin
kind-moves = käyttäjät yksiköissä
kind-absences = käyttäjät, joilla on poissaolo
fate-users = poistuisi (kadonnut, poistettu käytöstä tai ilman sähköpostiosoitetta)
fate-holders = poistuisi (kadonnut, poistettu käytöstä, ilman sähköpostiosoitetta tai ei enää roolissa)
fate-lost = poistuisi
fate-mails = saisi toisen sähköpostiosoitteen
fate-phones = saisi toiset puhelinnumerot tai menettäisi ne
fate-moves = siirtyisi toiseen yksikköön
fate-absences = jäisi ilman
recovered-subject = Hakemiston { $directory } synkronointi toimii taas
recovered-heading = Hakemiston { $directory } synkronointi toimii taas
recovered-failing = Se epäonnistui. Asiasta kerrottiin ensi kerran { $since }.
recovered-stale = Tiedot alkoivat vanhentua. Asiasta kerrottiin ensi kerran { $since }.
recovered-held = Ajo odotti hyväksyntää. Asiasta kerrottiin ensi kerran { $since }.
recovered-at = Synkronointi onnistui { $at }. Sinun ei tarvitse tehdä mitään.

## What ends on a day

ending-subject-password = Hakemisto { $directory }: sitä lukevan tilin salasana { $when }
ending-subject-account = Hakemisto { $directory }: sitä lukeva tili { $when }
ending-subject-server = Hakemisto { $directory }: palvelimen varmenne { $when }
ending-subject-client = Hakemisto { $directory }: sitä lukeva varmenne { $when }
ending-heading-password = Hakemistoa { $directory } lukevan tilin salasana { $when }
ending-heading-account = Hakemistoa { $directory } lukeva tili { $when }
ending-heading-server = Hakemiston { $directory } palvelinvarmenne { $when }
ending-heading-client = Hakemistoa { $directory } lukeva varmenne { $when }
ending-over = on vanhentunut
ending-soon = { $days ->
    [0] vanhenee vuorokauden sisällä
    [one] vanhenee 1 päivän kuluttua
   *[other] vanhenee { $days } päivän kuluttua
}
ending-day = Kohde: { $about }. Päivä: { $at }.
ending-todo-password = Aseta uusi salasana ja anna se Budkavlelle, tai määritä, ettei se vanhene koskaan.
ending-todo-account = Pyydä jatkamaan tilin voimassaoloa: hakemiston ylläpitäjä voi tehdä sen.
ending-todo-server = Pyydä uusimaan varmenne.
ending-todo-client = Uusi varmenne, jolla Budkavle kirjautuu.
ending-without = Ilman sitä hakemistoa { $directory } ei voi lukea, ja sen tiedot pysyvät ennallaan.

## The store

rebuilt-title = Budkavlen tietovarasto oli vaurioitunut, ja se on rakennettu uudelleen
rebuilt-noticed = Havainto: { $damage }.
rebuilt-from = Se rakennettiin uudelleen viennistä, jonka aika on { $at }, ja sitä seuraa täysi synkronointi. Sen jälkeen lisätyt tiedot (roolit, poissaolot, häiriöt) voivat puuttua, ja sen jälkeen lähetetyt ilmoitukset voivat tulla uudelleen: tarkista asia.
rebuilt-empty = Käyttökelpoista vientiä ei ollut, joten varasto alkaa tyhjänä, ja sitä seuraa täysi synkronointi. Roolit, poissaolot, avoimet häiriöt ja lähettämättömät ilmoitukset puuttuvat: palauta varmuuskopio komennolla `{ $command }` tai lisää ne uudelleen.
rebuilt-aside = Vaurioitunut tietovarasto on siirretty syrjään: { $aside }. Tarkistuta levy.

## Tests

label-together = Useita viestejä
together-heading = { $n } viestiä
together-subject = { $n } viestiä: { $what }
test-subject = Testiviesti Budkavlelta
test-heading = Budkavlen lähettämä viesti tulee perille
test-line = Tämän testiviestin pyysi { $by } { $at }.

## Channels, and what didn't arrive

channel-broken = Ilmoituksia ei voi lähettää kanavalla { $channel }
channel-broken-since = Se ei toimi kenellekään (alkaen { $since }): { $reason }
channel-broken-meanwhile = Sen viestit odottavat lähtevissä ja lähetetään, kun se toimii taas; liian kauan odottavista luovutaan. Muihin kanaviin tämä ei vaikuta.
channel-broken-todo = Odottavat viestit: `{ $status }`. Kun vika on korjattu: `{ $check }`
channel-works = Ilmoitukset lähtevät taas kanavalla { $channel }
channel-works-since = Se ei ollut toiminut (alkaen { $since }); viesti otettiin taas vastaan { $at }. Odottaneet viestit lähetetään nyt.
undelivered = { $n ->
    [one] Yksi ilmoitus ei tullut perille
   *[other] { $n } ilmoitusta ei tullut perille
}
undelivered-one = Viesti { $message }, kanava { $channel }, vastaanottaja { $to } ({ $about }), tila { $state }: { $answer }
message-failed = hylätty
message-expired = vanhentunut
about-covered = miehitetty: { $period }
about-gaps = { $n ->
    [one] miehittämättä yhdessä paikassa: { $period }
   *[other] miehittämättä { $n } paikassa: { $period }
}
about-ending = jokin hakemiston { $directory } tarvitsema päättyy
about-climbed = kukaan ei ole ottanut tätä hoitaakseen: { $about }
about-lasting = { $n ->
    [one] 1 jatkuva pikkuasia
   *[other] { $n } jatkuvaa pikkuasiaa
}
about-subscribe = haluaako joku häiriötiedotteita
undelivered-more = … ja { $n } muuta: `{ $command }`
undelivered-todo = Korjaa osoite tai kanava ja lähetä uudelleen: `{ $command }`

## Coverage

period-summer = kesä
period-christmas = joulu
coverage-all = Miehitetty: { $period } ({ $days })
coverage-gaps = { $n ->
    [one] Miehittämättä yhdessä paikassa: { $period } ({ $days })
   *[other] Miehittämättä { $n } paikassa: { $period } ({ $days })
}
coverage-organisation = koko organisaatio
coverage-gap = { $role }, { $unit }: vähintään { $minimum }
coverage-gap-below = { $n ->
    [one] { $role }, { $unit } ja 1 yksikkö sen alla: vähintään { $minimum }
   *[other] { $role }, { $unit } ja { $n } yksikköä sen alla: vähintään { $minimum }
}
coverage-more-days = { $n ->
    [one] ja 1 muu ajanjakso
   *[other] ja { $n } muuta ajanjaksoa
}
coverage-could = Näinä päivinä paikalla: { $people }
coverage-more = { $n ->
    [one] ja 1 muu paikka
   *[other] ja { $n } muuta paikkaa
}
coverage-todo-deputy = Nimeä poissaolevalle sijainen: `{ $list }` näyttää poissaolot, ja `{ $option }` nimeää sijaisen.
coverage-todo-assign = Tai anna jollekulle rooli näiksi päiviksi yllä olevilla komennoilla.
coverage-calendar = Katso jokainen päivä kalenterista: `{ $command }`
coverage-enough = Kaikkialla on riittävästi väkeä joka päivä. Sinun ei tarvitse tehdä mitään.

## Other contacts

news-changed = Yhteyshenkilöt ovat muuttuneet
news-several-new = Olet nyt yhteyshenkilö useammassa roolissa
news-several-former = Et ole enää yhteyshenkilö joissakin rooleissa
news-both = Tehtäväsi yhteyshenkilönä ovat muuttuneet
news-units = { $n ->
    [one] Yksikkösi yhteyshenkilö on vaihtunut
   *[other] Yksiköidesi yhteyshenkilöitä on vaihtunut
}
news-new-subject = Olet nyt { $role }: { $units }
news-former-subject = Et ole enää { $role }: { $units }
news-new = Olet nyt { $role }: { $units }, { $people }
news-new-deputy = Olet nyt { $role }: { $units }, { $people } (sijaistettava: { $absent })
news-former = Et ole enää { $role }: { $units }, { $people }
news-owner = Vaihtunut { $role }: { $units }, { $people }
news-before-now = Ennen: { $before }. Nyt: { $after }.
news-instead = Sen sijaan: { $role }.
news-instead-people = Sen sijaan: { $people } ({ $role }).
news-why = Syy: { $reasons }.
news-more = { $n ->
    [one] ja 1 muu muutos
   *[other] ja { $n } muuta muutosta
}
news-todo-tell = Jos se ei ole oikein, kerro organisaatiosi yhteyshenkilöiden ylläpitäjälle.
news-todo-changes = Ylläpitäjälle: mikä muuttui, milloin ja mistä syystä: `{ $command }`
lost-disabled = käyttäjän { $name } tili on poistettu käytöstä
lost-expired = käyttäjän { $name } tili on vanhentunut
lost-gone = { $name } ei ole enää hakemistossa
lost-no-address = käyttäjällä { $name } ei ole sähköpostiosoitetta
lost-away = { $name } on poissa { $day } asti
lost-moved = { $name } on siirtynyt yksikköön { $unit }
lost-ended = { $name }: aika on päättynyt
lost-elsewhere = { $name } vastaa jostakin muusta
change-revoked = { $name }: ei enää roolia siellä
change-gained = { $name } vastaa nyt
change-unit-moved = yksikkö on eri paikassa
change-user-moved = he ovat siirtyneet toiseen yksikköön
units-below = { $n ->
    [one] { $path } ja 1 yksikkö sen alla
   *[other] { $path } ja { $n } yksikköä sen alla
}
units-more = { $n ->
    [one] ja 1 muu yksikkö
   *[other] ja { $n } muuta yksikköä
}
summary-title = { $n ->
    [one] 1 yksikkö sai toiset yhteyshenkilöt
   *[other] { $n } yksikköä sai toiset yhteyshenkilöt
}
summary-intro = Yhteyshenkilöt ovat muuttuneet (alkaen { $since }): { $units }, { $people }. Näin monelle olisi kerrottu: { $told }. Se on enemmän kuin { $key } sallii, joten heistä kenellekään ei ole kerrottu, vaan sen sijaan tulee tämä viesti.
summary-role = { $role }: { $units }, { $people }
summary-without = { $n ->
    [one] niistä 1 on nyt ilman ketään tässä roolissa
   *[other] niistä { $n } on nyt ilman ketään tässä roolissa
}
summary-todo-changes = Katso jokainen muutos ja sen syy: `{ $command }`
summary-todo-orphans = Katso, mistä kukaan ei vastaa: `{ $command }`
summary-todo-digest = Jos se oli tarkoitus, kerro asianosaisille omalla tavallasi; `{ $command }` kertoo yhdelle heistä, minkä yhteyshenkilö hän on.

## What somebody is contact for

duties-title = Tehtäväsi yhteyshenkilönä
duties-title-theirs = Jonkun tehtävät yhteyshenkilönä
duties-none = Et ole minkään yhteyshenkilö
duty-everywhere = { $role }: koko organisaatio
duty-place = { $role }, { $place }
duty-units = { $role }: { $units }, { $people }
duty-skipped = Et vastaa siellä nyt: { $reason }.
duty-deputy = Olet poissa, ja sijaisesi on { $deputy }.
duty-beside = Yhteyshenkilö rinnallasi: { $people }.
duty-above = Yläpuolellasi: { $people }.
duty-above-role = Yläpuolellasi ({ $role }): { $people }.
duties-more = { $n ->
    [one] ja 1 muu rooli
   *[other] ja { $n } muuta roolia
}
duties-away-deputy = Olet poissa { $days }: sijaisesi on { $deputy }.
duties-away = Olet poissa { $days }: sijaista ei ole nimetty.
duties-without-deputy = Ilman sijaista vastaavat yllä mainitut: rinnallasi oleva yhteyshenkilö tai muuten yläpuolellasi oleva.
duties-no-absence = Sinulla ei ole suunniteltuja poissaoloja.
duties-stands-in = Olet sijainen ({ $name }) { $days }.
duties-turns-to = Omat yhteyshenkilösi: { $people }.
duties-todo-tell = Jos se ei ole oikein tai olet jäämässä pois, kerro organisaatiosi yhteyshenkilöiden ylläpitäjälle.
duties-todo-command = Ylläpitäjälle: `{ $command }`

## Taking on what asks for it

climbed = Kukaan ei ole ottanut tätä hoitaakseen tämän jälkeen: { $at }. Aiemmin sen saivat { $people }, ja nyt se tulee sinulle.
take-on-link = Jos otat tämän hoitaaksesi, ilmoita siitä täällä, niin muille ei enää kerrota: { $link }
take-on-command = Jos otat tämän hoitaaksesi, ilmoita siitä, niin muille ei enää kerrota: `{ $command }`
brief-take-on = Ota hoitaaksesi: { $how }
unsubscribe = Olet pyytänyt nämä viestit. Jos et halua niitä enää: { $link }
why-deputy = sijainen (sijaistettava: { $absent })

## Pages that links lead to

page-take-on-title = Ota tämä hoitaaksesi
page-take-on = Kun olet ottanut tämän hoitaaksesi, muille ei enää kerrota. Mitään ei tapahdu ennen kuin painat painiketta.
page-take-on-button = Minä hoidan
page-taken-title = Tämä on nyt sinulla
page-taken = Muille ei enää kerrota. Kiitos.
page-taken-before-title = Joku hoitaa jo
page-taken-before = { $by } on hoitanut tätä tästä lähtien: { $at }. Sinun ei tarvitse tehdä mitään.
page-over-title = Asia on ohi
page-over = Asia, jota tämä koski, on ohi. Sinun ei tarvitse tehdä mitään.
page-bad-title = Linkki ei toimi
page-bad = Se ei ole kokonainen. Kopioi koko linkki viestistä.
page-expired-title = Linkki on vanhentunut
page-expired = Se ei ole enää voimassa. Kysy lähettäjältä, jos asia on kesken.
page-failed-title = Jokin meni vikaan
page-failed = Yritä uudelleen muutaman minuutin kuluttua.

## What lasts though it is too small to alert

quarantine-title = Hakemistossa { $directory } on paljon enemmän kohteita, joita ei voi lukea
quarantine-what = { $n ->
    [one] 1 kohdetta hakemistossa { $directory } ei voi lukea, ja se jätetään sivuun.
   *[other] { $n } kohdetta hakemistossa { $directory } ei voi lukea, ja ne jätetään sivuun.
}
quarantine-before = { $n ->
    [0] Kun asia viimeksi tarkistettiin tai siitä kerrottiin, niitä ei ollut yhtään.
   *[other] Kun asia viimeksi tarkistettiin tai siitä kerrottiin, niitä oli { $n }.
}
quarantine-stays = Niistä aiemmin tunnetut tiedot ovat yhä voimassa; uusia ei tunneta. Yleensä jotain on muutettu hakemistossa, tai asetuksissa sanotaan siitä jotain muuta.
quarantine-some = Uusista:
quarantine-all = Kaikki, ja mikä niissä on vialla: `{ $command }`
quarantine-over-title = Hakemiston { $directory } kohteet voi taas lukea
quarantine-over-what = { $n ->
    [0] Yhtään ei enää jätetä sivuun.
   *[other] { $n } jätetään yhä sivuun.
}
quarantine-over-since = Siitä, että niitä oli paljon enemmän, kerrottiin ensi kerran { $at }. Sinun ei tarvitse tehdä mitään.
lasting-title = { $n ->
    [one] 1 pieni asia on kestänyt vuorokauden
   *[other] { $n } pientä asiaa on kestänyt vuorokauden
}
lasting-failing = Hakemiston { $directory } synkronointi epäonnistuu silloin tällöin: { $error }
lasting-quarantined = { $n ->
    [one] 1 kohdetta hakemistossa { $directory } ei voi lukea, ja se jätetään sivuun joka synkronoinnissa: `budkavle sync show RUN --quarantined`
   *[other] { $n } kohdetta hakemistossa { $directory } ei voi lukea, ja ne jätetään sivuun joka synkronoinnissa: `budkavle sync show RUN --quarantined`
}
lasting-undone = { $n ->
    [one] 1 ajo
   *[other] { $n } ajoa
} hakemistossa { $directory } on kumottu, ja niiden muutokset pidetään poissa
lasting-misplaced = { $n ->
    [one] 1 yksikkö
   *[other] { $n } yksikköä
} on juuren alla, koska ylempää yksikköä ei tunneta
lasting-no-group = Asetuksissa on ryhmä { $group }, jota missään hakemistossa ei ole
lasting-since = { $what } (alkaen { $at })
lasting-more = … ja vielä { $n }
lasting-look = Kaikki näkyvät komennolla: `{ $command }`

## Who outside wants to be told of outages

label-subscribe = Tilaus
subscribe-title = Häiriötiedotteet: vahvista
subscribe-text = Joku, luultavasti sinä, haluaa, että saat tietoa häiriöistä sähköpostitse. Jos et halua sitä, sinun ei tarvitse tehdä mitään: et kuule meistä enää.
subscribe-confirm = Jos haluat, ilmoita siitä täällä: { $link }
why-subscriber = tilaaja
page-confirm-title = Häiriötiedotteet
page-confirm = Haluatko tietoa häiriöistä osoitteeseen { $mail }?
page-confirm-button = Kyllä, kertokaa minulle
page-confirmed-title = Saat tästä lähtien tietoa
page-confirmed = Jokaisessa viestissä on linkki, jolla tilauksen voi lopettaa.
page-unsubscribe-title = Ei enää viestejä?
page-unsubscribe = Kun painat painiketta, { $mail } ei saa enää tietoa häiriöistä.
page-unsubscribe-button = Ei enää viestejä
page-unsubscribed-title = Et saa enää viestejä
page-unsubscribed = Muuta ei tarvitse tehdä.
page-subscribe-title = Tilaa tietoa häiriöistä
page-subscribe = Anna osoitteesi. Saat siihen viestin, jossa olevalla linkillä vahvistat tilauksen.
page-subscribe-field = Sähköpostiosoitteesi
page-subscribe-button = Lähetä viesti
page-subscribe-sent-title = Katso sähköpostiasi
page-subscribe-sent = Jos osoite on oikea eikä se ole vielä tilaaja, viesti on matkalla siihen. Ilman siinä olevaa linkkiä mitään muuta ei tapahdu.
page-no-address-title = Se ei ole sähköpostiosoite
page-too-many-title = Liian moni kysyy yhtä aikaa
