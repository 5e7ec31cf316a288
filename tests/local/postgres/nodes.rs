//! Several nodes on one database: who leads, what each learns of the others, and what becomes of the one that dies.
