-- A photo that is queued has a row, and has not finished.
ALTER TABLE data_records MODIFY finished_at DATETIME(6) NULL;
