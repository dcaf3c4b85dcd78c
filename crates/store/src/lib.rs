//! SQLite store: migrations, one file per noun, the group-commit writer, sealing of secrets.
