-- Budkavle's tables, version 3: silences and subscribers are counted, too.

INSERT INTO numbers (which, name, last) VALUES (10, 'silences', 0), (11, 'subscribers', 0);
