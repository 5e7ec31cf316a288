# The form of mails, by Python's strict policy, which raises an error at each defect; beside it what RFC 5322 2.1.1 and RFC 2045 demand. Without arguments
# it reads the one that is to be sent; else those that lie in these files, as they arrived: with lines as the machine has them. Tells their languages.
import email, email.policy, sys


def check(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.strict)
    assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 998 and b"\n" not in raw.replace(b"\r\n", b"")
    for part in mail.walk():
        assert not part.defects, part.defects
        for name, value in part.items():
            assert not getattr(value, "defects", ()), (name, value.defects)
    for name in "From To Subject Date Message-ID MIME-Version Content-Language Auto-Submitted".split():
        assert len(mail.get_all(name)) == 1, name
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert mail["Subject"] and "\n" not in mail["Subject"] and "\N{REPLACEMENT CHARACTER}" not in text + html
    assert f'<html lang="{mail["Content-Language"]}">' in html
    entries = [part for part in mail.iter_parts() if part.get_content_type() == "text/calendar"]
    assert len(list(mail.iter_parts())) == 2 + len(entries)
    for entry in entries:
        lines = entry.get_content().splitlines()
        assert lines[0] == "BEGIN:VCALENDAR" and "METHOD:" + entry["Content-Type"].params["method"] in lines
        assert max(len(line.encode()) for line in lines) <= 75
    print(mail["Content-Language"])


if len(sys.argv) == 1:
    check(sys.stdin.buffer.read())
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        raw = file.read()
    # Others send mails here, too: reports of what couldn't be delivered, and what the harness tries.
    if b"\nMessage-ID: <budkavle." not in raw:
        continue
    try:
        check(raw.replace(b"\n", b"\r\n"))
    except Exception as error:
        error.add_note(f"{name}:\n{raw.decode(errors='replace')}")
        raise
