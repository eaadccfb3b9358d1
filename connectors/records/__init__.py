"""The rows of photos: MySQL, MariaDB or SQLite, behind `interface.RecordStore`."""
